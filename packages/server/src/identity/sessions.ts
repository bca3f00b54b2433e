import { writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { Runtime } from '../runtime.js';
import type { Database, Executor } from '../storage/database.js';
import type { AccountKey } from './account-key.js';
import type { Identity } from './authenticate.js';

/**
 * Ends a session, from the next request on. Ending it again does nothing.
 * @throws Problem `conflict` where there is none, since a static token is not one
 */
export async function logout(
  deps: { readonly database: Database; readonly runtime: Runtime },
  application: string,
  identity: Identity,
  requestId?: string,
): Promise<void> {
  const { database, runtime } = deps;
  const { sessionId } = identity;
  if (sessionId === null) throw new Problem('conflict', { detail: 'A static token is no session: have it revoked.' });
  await database.db.transaction().execute(async (tx) => {
    if (!(await endSession(tx, runtime, application, sessionId))) return;
    await writeAudit(tx, runtime, {
      application,
      event: 'logout',
      outcome: 'allowed',
      principal: { kind: identity.kind, id: identity.principalId },
      ...(requestId === undefined ? {} : { requestId }),
    });
  });
}

/** Ends one session with its refresh tokens. Returns whether it had not ended before. */
export async function endSession(
  executor: Executor,
  runtime: Runtime,
  application: string,
  sessionId: string,
): Promise<boolean> {
  const { numUpdatedRows } = await executor
    .updateTable('ostiary.login_session')
    .set({ revoked_at: runtime.now() })
    .where('id', '=', sessionId)
    .where('application', '=', application)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Ends all sessions of an account, but for `keepSession`, from the next request on. */
export async function revokeAll(
  executor: Executor,
  runtime: Runtime,
  account: AccountKey,
  options: { readonly keepSession?: string } = {},
): Promise<void> {
  await executor
    .updateTable('ostiary.login_session')
    .set({ revoked_at: runtime.now() })
    .where('application', '=', account.application)
    .where('kind', '=', account.kind)
    .where('principal_id', '=', account.principalId)
    .where('revoked_at', 'is', null)
    .$if(options.keepSession !== undefined, (query) => query.where('id', '<>', options.keepSession ?? ''))
    .execute();
}
