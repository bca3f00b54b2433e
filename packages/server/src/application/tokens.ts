import type { RefreshSettings } from '../identity/index.js';

export interface TokenSettings {
  /** HS256 signs with a secret from the environment; the others with the installation's own keys, published as JWKS. */
  readonly algorithm: 'ES256' | 'EdDSA' | 'HS256';
  /** For HS256: the environment variable that holds the secret. */
  readonly secretFrom?: string;
  readonly lifetimeSeconds: number;
  /** With this, a log-in answers a refresh token too; each has to be used within so many seconds, and works once. */
  readonly refreshSeconds?: number;
  /** How long an access token is good that was made by a refresh; as long as after a log-in, where nothing is said. */
  readonly refreshedSeconds?: number;
  /** When a session ends, however often it is refreshed; 30 days after the log-in, where nothing is said. */
  readonly sessionSeconds?: number;
}

/** Where an application says nothing of its tokens: signed with the installation's keys, and good for an hour. */
export const DEFAULT_TOKENS: TokenSettings = { algorithm: 'ES256', lifetimeSeconds: 3600 };

/** NIST SP 800-63B asks for a new log-in after that, where a password is the only factor. */
const THIRTY_DAYS = 30 * 24 * 60 * 60;

/** What an application says of refresh tokens; null where it has none. */
export function refreshSettings(tokens: TokenSettings): RefreshSettings | null {
  const { refreshSeconds, lifetimeSeconds, refreshedSeconds = lifetimeSeconds } = tokens;
  if (refreshSeconds === undefined) return null;
  return { refreshSeconds, refreshedSeconds, sessionSeconds: tokens.sessionSeconds ?? THIRTY_DAYS };
}
