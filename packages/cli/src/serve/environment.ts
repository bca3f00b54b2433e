import { parseRates, type Rates } from '@ostiary/server';
import { Failure } from '../failure.js';

const SHORTEST_TOKEN = 16;

/** The rates that OSTIARY_RATE_LIMITS sets; undefined for those that are set anyway. */
export function rates(): Rates | undefined {
  const text = process.env.OSTIARY_RATE_LIMITS;
  if (!text) return undefined;
  try {
    return parseRates(text);
  } catch (cause) {
    throw new Failure('configuration', `OSTIARY_RATE_LIMITS: ${(cause as Error).message}.`, { cause });
  }
}

/** The token that OSTIARY_METRICS_TOKEN sets. */
export function metricsToken(): string | undefined {
  const token = process.env.OSTIARY_METRICS_TOKEN;
  if (!token) return undefined;
  // As much as a bearer token can be (RFC 6750 §2.1).
  if (token.length >= SHORTEST_TOKEN && /^[\w.~+/-]+=*$/.test(token)) return token;
  throw new Failure(
    'configuration',
    `OSTIARY_METRICS_TOKEN can't be used: it has ${SHORTEST_TOKEN} characters or more, of letters, digits and - . _ ~ + /.`,
  );
}

/** The address that people use, where it is not the one that the server listens on. */
export function publicUrl(): string | undefined {
  const url = process.env.OSTIARY_URL;
  if (!url) return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || /[?#]/.test(url)) {
    throw new Failure(
      'configuration',
      `OSTIARY_URL is '${url}': it is an address such as https://ostiary.example.org.`,
    );
  }
  return url.replace(/\/+$/, '');
}
