import { createHash } from 'node:crypto';
import { Problem } from '../problems.js';

/** Which part of the results is asked for (AuthZEN 1.0 §8.2.1). */
export interface PageRequest {
  readonly token?: string;
  readonly limit?: number;
  /** None is known. */
  readonly properties?: unknown;
}

/** Where to go on, and how far. */
export interface Place {
  readonly limit: number;
  /** The last result of the page before. */
  readonly after: string | null;
  /** Digest of the page's properties. */
  readonly properties: string;
  /** What the token of the next page is bound to. */
  readonly request: string;
}

export interface Page {
  /** Empty on the last page. */
  readonly next_token: string;
  readonly count: number;
}

const DEFAULT_LIMIT = 50;
const MOST = 1_000;

/**
 * Where a request's page begins. A token is good for the request alone that it was given for: its limit and
 * its properties may be left out then, and nothing may differ.
 * @param request what is asked, without the page
 * @throws Problem `invalid_cursor`
 */
export function placeOf(request: unknown, page: PageRequest = {}): Place {
  const digest = digestOf(canonical(request));
  const limit = page.limit === undefined ? undefined : Math.min(page.limit, MOST);
  const properties = digestOf(canonical(page.properties ?? {}));
  if (page.token === undefined || page.token === '')
    return { limit: limit ?? DEFAULT_LIMIT, after: null, properties, request: digest };
  const place = readToken(page.token, digest);
  if (limit !== undefined && limit !== place.limit) throw invalid('The limit has to stay as it was.');
  if (page.properties !== undefined && properties !== place.properties) {
    throw invalid('The properties of the page have to stay as they were.');
  }
  return { ...place, request: digest };
}

/** Splits what was found, with one more than the limit where there is more, into a page and where the next begins. */
export function pageOf<T>(
  place: Place,
  found: readonly T[],
  key: (item: T) => string,
): { page: Page; items: readonly T[] } {
  const items = found.slice(0, place.limit);
  const last = items.at(-1);
  const after = last === undefined ? place.after : key(last);
  const more = found.length > place.limit;
  return { page: { next_token: more ? tokenOf(place, after) : '', count: items.length }, items };
}

/**
 * The check holds a token to its request and to its form. It is no secret: a token says only where to go on among
 * results that are decided on anew.
 */
function tokenOf({ limit, properties, request }: Omit<Place, 'after'>, after: string | null): string {
  const content = [limit, after, properties];
  const check = digestOf(JSON.stringify(content) + request);
  return Buffer.from(JSON.stringify([...content, check])).toString('base64url');
}

function readToken(token: string, request: string): Omit<Place, 'request'> {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch (cause) {
    throw invalid('The token is not one that was given out.', cause);
  }
  const [limit, after, properties] = (Array.isArray(parts) ? parts : []) as [number, string | null, string];
  const isLimit = Number.isInteger(limit) && limit >= 0 && limit <= MOST;
  if (!isLimit || (after !== null && typeof after !== 'string')) {
    throw invalid('The token is not one that was given out.');
  }
  if (tokenOf({ limit, properties, request }, after) !== token) {
    throw invalid('The token is not one that was given out for this request: nothing of it may change.');
  }
  return { limit, after, properties };
}

function invalid(detail: string, cause?: unknown): Problem {
  return new Problem('invalid_cursor', { detail }, { cause });
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** The order of members means nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
