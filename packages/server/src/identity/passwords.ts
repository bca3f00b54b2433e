import { type Algorithm, hash, verify } from '@node-rs/argon2';

declare const hashed: unique symbol;
/** An argon2id hash in PHC form. The type keeps a plain password from being stored in its place. */
export type PasswordHash = string & { readonly [hashed]: true };

/** Longest password, in UTF-16 code units: hashing must not become a way to keep the server busy. */
export const MAX_PASSWORD_LENGTH = 256;

/** Parameters of the OWASP Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane. */
const ARGON2 = {
  // The package's enums exist in its types alone: 2 is Argon2id.
  algorithm: 2 satisfies Algorithm.Argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
} as const;

/** The hash of a password that nobody knows, made with the parameters above. */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$lTzc0YrMESpn3xv36iq7QQ$79jtznRkPKX09ZpkA13btQYwHJ4o2u3VU2ZLomYlQQI';

/** Hashes a password with argon2id (RFC 9106). Takes about 16 ms and 19 MiB. */
export async function hashPassword(password: string): Promise<PasswordHash> {
  return (await hash(encode(password), ARGON2)) as PasswordHash;
}

/**
 * Whether this is the password that was hashed. Without a hash (there is no such account, or it has no password) the
 * answer is false after the same work, so that the time tells nothing. Nor is a longer one than 256 ever right.
 */
export async function verifyPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const possible = passwordHash !== null && password.length <= MAX_PASSWORD_LENGTH;
  const matches = await verify(possible ? passwordHash : NOBODYS_HASH, encode(possible ? password : ''));
  return possible && matches;
}

/**
 * The same characters give the same bytes, however the keyboard composed them: Unicode NFC, as the OpaqueString profile
 * of RFC 8265 section 4.2 asks.
 */
function encode(password: string): Uint8Array {
  return new TextEncoder().encode(password.normalize('NFC'));
}
