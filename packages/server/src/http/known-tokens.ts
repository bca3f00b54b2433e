import { hash } from 'node:crypto';
import { createBoundedCache } from '../bounded-cache.js';

const MOST_REMEMBERED = 10_000;

/**
 * Tokens and service keys that somebody came in with, until they are refused. To be known lets nobody in: it is only who
 * is looked at first. Kept by hash, so that a dump of the memory holds no list of tokens.
 */
export class KnownTokens {
  readonly #known = createBoundedCache<true>(MOST_REMEMBERED);

  has(token: string): boolean {
    return this.#known.get(keyOf(token)) !== undefined;
  }

  add(token: string): void {
    this.#known.set(keyOf(token), true);
  }

  delete(token: string): void {
    this.#known.delete(keyOf(token));
  }
}

function keyOf(token: string): string {
  return hash('sha256', token, 'base64url');
}
