import type { CryptoKey } from 'jose';

/** Signature algorithms whose keys are made, kept and published here (RFC 7518 section 3.1, RFC 8037). */
export type AsymmetricAlgorithm = 'ES256' | 'EdDSA';

/** Every algorithm that a token may be signed with. An application uses exactly one of them. */
export type TokenAlgorithm = AsymmetricAlgorithm | 'HS256';

/** What an application's tokens are signed with, and what those that it is shown are verified with. */
export interface TokenKeys {
  /** The key that signs now. Tokens name it by `kid`, if it has one. */
  signer(): Promise<SigningHandle>;
  /** The key with this id, or null if a token that names it can't be good at `now`. */
  verifier(kid: string | undefined, now: Date): Promise<CryptoKey | null>;
}

export interface SigningHandle {
  readonly kid: string | undefined;
  readonly key: CryptoKey;
}
