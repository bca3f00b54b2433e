import type { Runtime } from '../runtime.js';
import type { Executor } from '../storage/database.js';
import { makeOpaqueToken, type OpaqueToken } from './opaque-tokens.js';

/** How long refresh tokens, what they give, and the sessions last that they keep open: in seconds. */
export interface RefreshSettings {
  readonly refreshSeconds: number;
  readonly refreshedSeconds: number;
  readonly sessionSeconds: number;
}

export const REFRESH_PREFIX = 'ort_';

export interface RefreshToken extends OpaqueToken {
  readonly expiresAt: Date;
}

/** When a session that began then ends at last. */
export function sessionEnd({ sessionSeconds }: RefreshSettings, began: Date): Date {
  return new Date(began.getTime() + sessionSeconds * 1000);
}

/** Makes a refresh token of a session that ends then. */
export function makeRefreshToken(runtime: Runtime, settings: RefreshSettings, endsAt: Date): RefreshToken {
  const until = runtime.now().getTime() + settings.refreshSeconds * 1000;
  return { ...makeOpaqueToken(runtime, REFRESH_PREFIX), expiresAt: new Date(Math.min(until, endsAt.getTime())) };
}

/** Keeps the hash of a refresh token, in the transaction that opens or goes on with its session. */
export async function storeRefreshToken(tx: Executor, sessionId: string, token: RefreshToken): Promise<void> {
  const { id, hash, expiresAt } = token;
  await tx
    .insertInto('ostiary.refresh_token')
    .values({ id, session_id: sessionId, token_hash: hash, expires_at: expiresAt, used_at: null })
    .execute();
}
