import { hash } from 'node:crypto';
import type { Runtime } from '../runtime.js';

const SECRET_BYTES = 32;

/** A secret that nobody guesses: 32 random bytes in base64url. */
export function randomSecret(runtime: Runtime): string {
  return Buffer.from(runtime.bytes(SECRET_BYTES)).toString('base64url');
}

/**
 * What the database keeps of a secret of 256 random bits, for which SHA-256 is enough of a hash. Looking it up takes no time
 * that would tell anything about the secret.
 */
export function secretHash(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** What a token is remembered by, so that a dump of the memory holds no list of tokens. */
export function digestOfToken(token: string): string {
  return hash('sha256', token, 'base64url');
}
