import { webcrypto } from 'node:crypto';
import type { CryptoKey } from 'jose';
import type { TokenKeys } from './token-keys.js';

/** Tokens that are signed and verified with one secret, HS256 (RFC 7518 section 3.2). They name no key. */
export function sharedSecretKeys(secret: string): TokenKeys {
  let imported: Promise<CryptoKey> | undefined;
  const key = (): Promise<CryptoKey> => {
    imported ??= webcrypto.subtle.importKey(
      'raw',
      new TextEncoder().encode(secret),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign', 'verify'],
    );
    return imported;
  };
  return {
    signer: async () => ({ kid: undefined, key: await key() }),
    verifier: async (kid) => (kid === undefined ? key() : null),
  };
}
