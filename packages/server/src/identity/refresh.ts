import { writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import type { IdentityDependencies } from './dependencies.js';
import { isTokenOf, opaqueTokenId } from './opaque-tokens.js';
import {
  makeRefreshToken,
  REFRESH_PREFIX,
  type RefreshToken,
  sessionEnd,
  storeRefreshToken,
} from './refresh-tokens.js';
import { endSession } from './sessions.js';

export interface Refreshed {
  readonly accessToken: string;
  readonly refreshToken: string;
}

interface Use {
  readonly application: string;
  /** Whose tokens are taken; null for everybody's. */
  readonly kind: string | null;
  readonly token: string;
  readonly requestId?: string;
}

/** A refresh token that was made here, with its session. */
interface Known {
  readonly id: string;
  readonly sessionId: string;
  readonly kind: string;
  readonly principalId: string;
  readonly beganAt: Date;
  readonly expiresAt: Date;
  readonly used: boolean;
}

/** Why there are no new tokens: for the audit trail. The caller learns less. */
type Refusal = 'unknown' | 'wrong_kind' | 'expired' | 'reused' | 'ended' | 'disabled';

/**
 * Gives new tokens for a refresh token, which works once. One that is used again was stolen, or replaces one that was:
 * its session ends, for whoever has it (RFC 9700 §4.14.2). Rights are not part of this: they are read with each request.
 *
 * @throws Problem `invalid_token`, the same whatever is wrong; `wrong_kind` for a good one of another kind
 */
export async function refresh(deps: IdentityDependencies, use: Use): Promise<Refreshed> {
  const settings = deps.refresh;
  const known = settings === undefined ? null : await find(deps, use);
  if (settings === undefined || known === null) return refuse(deps, use, null, 'unknown');
  if (use.kind !== null && use.kind !== known.kind) return refuse(deps, use, known, 'wrong_kind');
  const { runtime, tokens, database } = deps;
  const now = runtime.now();
  // One that was used tells of a theft as long as its session goes on, whoever has it by then.
  if (known.expiresAt <= now && !known.used) return refuse(deps, use, known, 'expired');
  // Signed before the transaction, which so never waits for another connection while it holds one.
  const { kind, principalId: sub, sessionId } = known;
  const endsAt = sessionEnd(settings, known.beganAt);
  const claims = (await deps.claims?.(kind, sub)) ?? {};
  const access = await tokens.issue({ sub, kind, sessionId, claims }, now, settings.refreshedSeconds);
  const renewal = makeRefreshToken(runtime, settings, endsAt);
  const lastsUntil = new Date(Math.min(Math.max(+access.expiresAt, +renewal.expiresAt), +endsAt));
  const refused = await database.db.transaction().execute((tx) => goOn(deps, tx, use, { known, renewal, lastsUntil }));
  if (refused !== null) return refuse(deps, use, known, refused);
  return { accessToken: access.token, refreshToken: renewal.token };
}

async function find({ database }: IdentityDependencies, { application, token }: Use): Promise<Known | null> {
  const id = opaqueTokenId(REFRESH_PREFIX, token);
  if (id === null) return null;
  const found = await database.db
    .selectFrom('ostiary.refresh_token as token')
    .innerJoin('ostiary.login_session as session', 'session.id', 'token.session_id')
    .select(['token.token_hash', 'token.expires_at', 'token.used_at', 'token.session_id'])
    .select(['session.kind', 'session.principal_id', 'session.created_at'])
    .where('token.id', '=', id)
    .where('session.application', '=', application)
    .executeTakeFirst();
  if (!isTokenOf(found?.token_hash, token) || found === undefined) return null;
  return {
    id,
    sessionId: found.session_id,
    kind: found.kind,
    principalId: found.principal_id,
    beganAt: found.created_at,
    expiresAt: found.expires_at,
    used: found.used_at !== null,
  };
}

/** Uses up the token and goes on with its session. Returns why it does not. */
async function goOn(
  { runtime }: IdentityDependencies,
  tx: Transaction,
  use: Use,
  next: {
    readonly known: Known;
    readonly renewal: RefreshToken;
    readonly lastsUntil: Date;
  },
): Promise<Refusal | null> {
  const { known, renewal, lastsUntil } = next;
  const { application } = use;
  const now = runtime.now();
  // The account first, the session after it: as whoever disables the account does, or changes its password.
  const account = await tx
    .selectFrom('ostiary.account')
    .select('disabled')
    .where('application', '=', application)
    .where('kind', '=', known.kind)
    .where('principal_id', '=', known.principalId)
    .forShare()
    .executeTakeFirst();
  // Of several that try at once, one finds it unused.
  const { numUpdatedRows: used } = await tx
    .updateTable('ostiary.refresh_token')
    .set({ used_at: now })
    .where('id', '=', known.id)
    .where('used_at', 'is', null)
    .executeTakeFirst();
  if (used === 0n) {
    if (!(await endSession(tx, runtime, application, known.sessionId))) return 'ended';
    await writeAudit(tx, runtime, { ...about(use, known), event: 'token.reused', outcome: 'refused' });
    return 'reused';
  }
  if (account === undefined || account.disabled) return 'disabled';
  const { numUpdatedRows: alive } = await tx
    .updateTable('ostiary.login_session')
    .set({ expires_at: lastsUntil })
    .where('id', '=', known.sessionId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (alive === 0n) return 'ended';
  await storeRefreshToken(tx, known.sessionId, renewal);
  await writeAudit(tx, runtime, { ...about(use, known), event: 'token.refreshed', outcome: 'allowed' });
  return null;
}

async function refuse(deps: IdentityDependencies, use: Use, known: Known | null, reason: Refusal): Promise<never> {
  const { database, runtime } = deps;
  // That it was used again is in the trail already, with the end of the session.
  if (reason !== 'reused') {
    const entry = { ...about(use, known), detail: { token: 'refresh', reason } };
    await writeAudit(database.db, runtime, { ...entry, event: 'token.refused', outcome: 'refused' });
  }
  throw new Problem(reason === 'wrong_kind' ? 'wrong_kind' : 'invalid_token');
}

function about({ application, requestId }: Use, known: Known | null) {
  return {
    application,
    principal: known === null ? null : { kind: known.kind, id: known.principalId },
    ...(requestId === undefined ? {} : { requestId }),
  };
}
