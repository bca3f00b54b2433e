import { writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { AccountKey } from './account-key.js';
import type { IdentityDependencies } from './dependencies.js';
import { clearFailures, reserveAttempt } from './lockout.js';
import { verifyPassword } from './passwords.js';

/**
 * Asks somebody who is logged in for their password once more, before a step that a stolen token should not be enough
 * for. Guesses count, and lock the account, like those at the log-in. Run it outside of any transaction.
 *
 * @throws Problem `invalid_credentials`, `account_locked`
 */
export async function confirmPassword(
  deps: Pick<IdentityDependencies, 'database' | 'runtime' | 'lockout'>,
  account: AccountKey,
  password: string,
  requestId?: string,
): Promise<void> {
  const { database, runtime, lockout } = deps;
  const { application, kind, principalId } = account;
  const found = await database.db
    .selectFrom('ostiary.account')
    .select(['login', 'password_hash'])
    .where('application', '=', application)
    .where('kind', '=', kind)
    .where('principal_id', '=', principalId)
    .executeTakeFirst();
  const key = { application, kind, login: found?.login ?? '' };
  const locked = await reserveAttempt(database.db, runtime, lockout, key);
  const verified = locked === null && (await verifyPassword(found?.password_hash ?? null, password));
  if (verified) return clearFailures(database.db, key);
  await writeAudit(database.db, runtime, {
    application,
    event: locked ? 'login.locked' : 'login.failed',
    outcome: 'refused',
    principal: { kind, id: principalId },
    ...(requestId === undefined ? {} : { requestId }),
    ...(locked ? {} : { detail: { reason: 'wrong_password' } }),
  });
  throw locked ?? new Problem('invalid_credentials');
}
