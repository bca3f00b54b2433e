import { createBoundedCache } from '../bounded-cache.js';
import { digestOfToken } from '../keys/index.js';

const MOST_REMEMBERED = 10_000;

/**
 * Tokens and service keys that somebody came in with, until they are refused. To be known lets nobody in: it is only who
 * is looked at first.
 */
export class KnownTokens {
  readonly #known = createBoundedCache<true>(MOST_REMEMBERED);

  has(token: string): boolean {
    return this.#known.get(digestOfToken(token)) !== undefined;
  }

  add(token: string): void {
    this.#known.set(digestOfToken(token), true);
  }

  delete(token: string): void {
    this.#known.delete(digestOfToken(token));
  }
}
