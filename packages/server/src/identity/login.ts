import { writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import type { IdentityDependencies } from './dependencies.js';
import { clearFailures, reserveAttempt } from './lockout.js';
import { isUsableLogin, loginKey, printableLogin } from './login-key.js';
import { verifyPassword } from './passwords.js';
import { makeRefreshToken, sessionEnd, storeRefreshToken } from './refresh-tokens.js';

export interface LoginAttempt {
  readonly application: string;
  readonly kind: string;
  /** As it was typed. */
  readonly login: string;
  readonly password: string;
  readonly requestId?: string;
  /** Whether who knows the password of a disabled account is told so; true unless given. */
  readonly tellsDisabled?: boolean;
}

/** Somebody who has proved in another way than by a password who they are: at another place, or to a command. */
export interface LoginElsewhere extends Pick<LoginAttempt, 'application' | 'kind' | 'requestId'> {
  readonly principalId: string;
  /** Where: what the trail says of it. */
  readonly by: { readonly provider: string } | { readonly command: string };
}

export interface LoginResult {
  readonly principalId: string;
  readonly session: { readonly id: string; readonly expiresAt: Date };
  readonly accessToken: string;
  /** Where the application has them. */
  readonly refreshToken?: string;
}

/** Why a log-in was refused: for the audit trail. The caller learns less. */
type Refusal = 'unknown_login' | 'no_password' | 'wrong_password' | 'login_disabled' | 'disabled' | 'changed_meanwhile';

/** A log-in of either kind. */
type Attempt = Omit<LoginAttempt, 'password'> & Partial<Pick<LoginElsewhere, 'by'>>;

interface Account {
  readonly principal_id: string;
  readonly password_hash: string | null;
  readonly disabled: boolean;
  readonly login_disabled: boolean;
}

/**
 * Opens a session for whoever knows the password, and issues its token. An unknown login, a wrong password and an account
 * without one get the same answer after the same work. Every outcome is audited; a success together with its session.
 *
 * @throws Problem `invalid_credentials`; `account_locked` after too many attempts, whoever asks and whether or not there
 * is such an account; `account_disabled` only for the right password, unless it is told to nobody
 */
export async function login(deps: IdentityDependencies, attempt: LoginAttempt): Promise<LoginResult> {
  const { database, runtime, lockout } = deps;
  const locked = await reserveAttempt(database.db, runtime, lockout, attempt);
  if (locked) {
    deps.logins.count('locked');
    await auditRefusal(deps, attempt, 'login.locked', null);
    throw locked;
  }
  const account = await findAccount(deps, attempt);
  const verified = await verifyPassword(account?.password_hash ?? null, attempt.password);
  if (!account || !verified) {
    return refuse(deps, attempt, !account ? 'unknown_login' : account.password_hash ? 'wrong_password' : 'no_password');
  }
  if (account.disabled) return refuse(deps, attempt, 'disabled');
  if (account.login_disabled) return refuse(deps, attempt, 'login_disabled');
  return openSession(deps, attempt, account);
}

/**
 * Opens a session for somebody who has proved in another way who they are, as a log-in does. The count of wrong passwords
 * stays: who guesses them learns nothing from it.
 *
 * @throws Problem `account_disabled`; `invalid_credentials` where there is no such account any more
 */
export async function loginElsewhere(deps: IdentityDependencies, elsewhere: LoginElsewhere): Promise<LoginResult> {
  const { application, kind, principalId } = elsewhere;
  const account = await deps.database.db
    .selectFrom('ostiary.account')
    .select(['principal_id', 'password_hash', 'disabled', 'login_disabled', 'login'])
    .where('application', '=', application)
    .where('kind', '=', kind)
    .where('principal_id', '=', principalId)
    .executeTakeFirst();
  const attempt = { ...elsewhere, login: account?.login ?? '' };
  if (account === undefined) return refuse(deps, attempt, 'unknown_login');
  if (account.disabled) return refuse(deps, attempt, 'disabled');
  if (account.login_disabled) return refuse(deps, attempt, 'login_disabled');
  return openSession(deps, attempt, account);
}

async function findAccount({ database }: IdentityDependencies, attempt: LoginAttempt): Promise<Account | undefined> {
  if (!isUsableLogin(attempt.login)) return undefined;
  return database.db
    .selectFrom('ostiary.account')
    .select(['principal_id', 'password_hash', 'disabled', 'login_disabled'])
    .where('application', '=', attempt.application)
    .where('kind', '=', attempt.kind)
    .where('login', '=', loginKey(attempt.login))
    .executeTakeFirst();
}

async function openSession(deps: IdentityDependencies, attempt: Attempt, account: Account): Promise<LoginResult> {
  const { database, runtime, tokens } = deps;
  const { application, kind } = attempt;
  const { principal_id: principalId } = account;
  const now = runtime.now();
  const sessionId = runtime.id();
  // Signed before the transaction, which so never waits for another connection while it holds one.
  const claims = (await deps.claims?.(kind, principalId)) ?? {};
  const { token, expiresAt } = await tokens.issue({ sub: principalId, kind, sessionId, claims }, now);
  const endsAt = deps.refresh && sessionEnd(deps.refresh, now);
  const renewal = deps.refresh && endsAt && makeRefreshToken(runtime, deps.refresh, endsAt);
  const lastsUntil = renewal === undefined ? expiresAt : renewal.expiresAt;
  const opened = await database.db.transaction().execute(async (tx) => {
    if (!(await isUnchanged(tx, attempt, account))) return false;
    await tx
      .insertInto('ostiary.login_session')
      .values({
        id: sessionId,
        application,
        kind,
        principal_id: principalId,
        created_at: now,
        expires_at: lastsUntil,
        revoked_at: null,
      })
      .execute();
    if (renewal !== undefined) await storeRefreshToken(tx, sessionId, renewal);
    if (attempt.by === undefined) await clearFailures(tx, attempt);
    await writeAudit(tx, runtime, {
      ...auditContext(attempt),
      event: 'login.succeeded',
      outcome: 'allowed',
      principal: { kind, id: principalId },
      detail: attempt.by ?? {},
    });
    return true;
  });
  if (!opened) return refuse(deps, attempt, 'changed_meanwhile');
  deps.logins.count('succeeded');
  return {
    principalId,
    session: { id: sessionId, expiresAt: lastsUntil },
    accessToken: token,
    ...(renewal === undefined ? {} : { refreshToken: renewal.token }),
  };
}

/**
 * Whether the account is still the one whose password was verified, and locks it. Whoever changes the password or
 * disables the account then ends this session too, or was faster and is noticed here.
 */
async function isUnchanged(tx: Transaction, attempt: Attempt, verified: Account): Promise<boolean> {
  const account = await tx
    .selectFrom('ostiary.account')
    .select(['password_hash', 'disabled', 'login_disabled'])
    .where('application', '=', attempt.application)
    .where('kind', '=', attempt.kind)
    .where('principal_id', '=', verified.principal_id)
    .forShare()
    .executeTakeFirst();
  if (account === undefined || account.disabled || account.login_disabled) return false;
  return account.password_hash === verified.password_hash;
}

async function refuse(deps: IdentityDependencies, attempt: Attempt, reason: Refusal): Promise<never> {
  deps.logins.count(reason === 'disabled' ? 'disabled' : 'failed');
  await auditRefusal(deps, attempt, 'login.failed', reason);
  const told = reason === 'disabled' && attempt.tellsDisabled !== false;
  throw new Problem(told ? 'account_disabled' : 'invalid_credentials');
}

async function auditRefusal(
  { database, runtime }: IdentityDependencies,
  attempt: Attempt,
  event: 'login.failed' | 'login.locked',
  reason: Refusal | null,
): Promise<void> {
  await writeAudit(database.db, runtime, {
    ...auditContext(attempt),
    event,
    outcome: 'refused',
    ...(reason === null ? {} : { detail: { ...attempt.by, reason } }),
  });
}

function auditContext({ application, login, requestId }: Attempt) {
  return { application, login: printableLogin(login), ...(requestId === undefined ? {} : { requestId }) };
}
