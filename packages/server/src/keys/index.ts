export {
  type AuditKeyRing,
  type AuditSigner,
  auditJwks,
  auditKeyRing,
  auditSigner,
  readStatement,
  replaceAuditKey,
} from './audit-keys.js';
export { digestOfToken, randomSecret, secretHash } from './digest.js';
export { createFieldKeys, type FieldKeys } from './field-keys.js';
export { ConfigurationError, requireSecret, type SigningSecretOptions, signingSecret, storedSecret } from './secret.js';
export { createSigningKeys, type SigningKeys, type SigningKeysOptions } from './signing-keys.js';
export type { AsymmetricAlgorithm, TokenAlgorithm } from './token-keys.js';
export {
  createTokenService,
  OWN_CLAIMS,
  type TokenService,
  type TokenServiceOptions,
  type TokenSubject,
  type VerifiedToken,
} from './tokens.js';
