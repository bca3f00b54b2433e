import { timingSafeEqual } from 'node:crypto';
import { randomSecret, secretHash } from '../keys/index.js';
import type { Runtime } from '../runtime.js';

/** A secret that tells nothing by itself, as its holder is shown it once; the database has its id and hash alone. */
export interface OpaqueToken {
  readonly id: string;
  readonly token: string;
  readonly hash: Buffer;
}

/** The id under which its hash is kept, and 32 random bytes in base64url. */
const FORM = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
/** Takes as long as comparing with a token that there is. */
const NO_HASH = Buffer.alloc(32);

/** Makes one: `<prefix><id>_<secret>`. */
export function makeOpaqueToken(runtime: Runtime, prefix: string): OpaqueToken {
  const id = runtime.id();
  const token = `${prefix}${id}_${randomSecret(runtime)}`;
  return { id, token, hash: secretHash(token) };
}

/** The id under which a token's hash would be kept; null for what is no token of this prefix. */
export function opaqueTokenId(prefix: string, token: string): string | null {
  return token.startsWith(prefix) ? (FORM.exec(token.slice(prefix.length))?.[1] ?? null) : null;
}

/** Whether a token is the one with this hash, in constant time; it is none without a hash. */
export function isTokenOf(known: Buffer | undefined, token: string): boolean {
  return timingSafeEqual(secretHash(token), known ?? NO_HASH) && known !== undefined;
}
