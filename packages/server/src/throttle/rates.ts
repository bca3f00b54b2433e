/** Requests within a minute that one caller may make, by what they are. */
export const DEFAULT_RATES = {
  /** Where a secret is tried, for one address: log-in, set-up. */
  credentials: 300,
  /** Without a token or with a bad one, and public pages: for one address. */
  guests: 3_000,
  /** The rest is for one principal. */
  read: 30_000,
  write: 6_000,
  /** Questions to the access API. */
  decisions: 60_000,
} as const satisfies Readonly<Record<string, number>>;

export type RateName = keyof typeof DEFAULT_RATES;

/** How many requests a minute are let through; null for any number. */
export type Rates = Readonly<Record<RateName, number | null>>;

export const RATE_NAMES = Object.keys(DEFAULT_RATES) as readonly RateName[];

const MOST = 1_000_000_000;

/** Without any limit. */
export const NO_RATES: Rates = { credentials: null, guests: null, read: null, write: null, decisions: null };

/**
 * Reads rates as `read=30000,write=off`: requests a minute; what is not named keeps its default. `off` alone takes all
 * of them away.
 * @throws RangeError that says which part can't be read, and how it is written
 */
export function parseRates(text: string): Rates {
  if (text.trim() === 'off') return NO_RATES;
  const rates: Record<RateName, number | null> = { ...DEFAULT_RATES };
  const seen = new Set<RateName>();
  for (const part of text.split(',')) {
    const [, given = '', value = ''] = /^\s*([a-z]+)\s*=\s*(off|[1-9]\d{0,9})\s*$/.exec(part) ?? [];
    const name = RATE_NAMES.find((known) => known === given);
    const number = value === 'off' ? null : Number(value);
    if (name === undefined || (number !== null && number > MOST)) {
      const names = RATE_NAMES.join(', ');
      throw new RangeError(
        `'${part.trim()}' is no rate: it is written name=number or name=off, where the name is one of ${names}, and the number is that of requests a minute`,
      );
    }
    if (seen.has(name)) throw new RangeError(`'${name}' is given twice`);
    seen.add(name);
    rates[name] = number;
  }
  return rates;
}
