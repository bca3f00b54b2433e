import { type RawBuilder, sql } from 'kysely';
import { type AuditEntry, writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { Runtime } from '../runtime.js';
import type { Transaction } from '../storage/database.js';
import type { AccountKey, Actor } from './account-key.js';
import { isUsableLogin, loginKey } from './login-key.js';
import type { PasswordHash } from './passwords.js';
import { revokeAll } from './sessions.js';

export interface NewAccount extends AccountKey {
  /** Unique within the application and the kind. Without one, or without a password, nobody can log in. */
  readonly login?: string;
  readonly passwordHash?: PasswordHash;
  readonly disabled?: boolean;
  readonly loginDisabled?: boolean;
  readonly staticTokenDisabled?: boolean;
}

/**
 * Makes the account of a principal.
 * @throws Problem `already_exists` if the principal has one, or another one has the login; `invalid_input`
 */
export async function createAccount(
  tx: Transaction,
  runtime: Runtime,
  account: NewAccount,
  actor: Actor,
): Promise<void> {
  await refuseTaken(
    tx
      .insertInto('ostiary.account')
      .values({
        application: account.application,
        kind: account.kind,
        principal_id: account.principalId,
        login: account.login === undefined ? null : checkedLogin(account.login),
        password_hash: account.passwordHash ?? null,
        disabled: account.disabled ?? false,
        login_disabled: account.loginDisabled ?? false,
        static_token_disabled: account.staticTokenDisabled ?? false,
        created_at: runtime.now(),
      })
      .execute(),
  );
  await audit(tx, runtime, 'account.created', account, actor);
}

/**
 * Sets the password and ends the account's sessions, but for the one that asked (`keepSession`).
 * Judge the password with `passwordProblem` and hash it before the transaction begins: that takes its time.
 * @throws Problem `not_found`
 */
export async function setPassword(
  tx: Transaction,
  runtime: Runtime,
  account: AccountKey,
  passwordHash: PasswordHash,
  actor: Actor,
  options: { readonly keepSession?: string } = {},
): Promise<void> {
  // The account first, the sessions after it: a log-in holds a lock on the account while it adds a session.
  await change(tx, account, sql`password_hash = ${passwordHash}`);
  await revokeAll(tx, runtime, account, options);
  await audit(tx, runtime, 'account.password_changed', account, actor);
}

/**
 * Sets the login; null takes it away. Sessions go on.
 * @throws Problem `already_exists` if another account has it; `invalid_input`, `not_found`
 */
export async function setLogin(
  tx: Transaction,
  runtime: Runtime,
  account: AccountKey,
  login: string | null,
  actor: Actor,
): Promise<void> {
  await refuseTaken(change(tx, account, sql`login = ${login === null ? null : checkedLogin(login)}`));
  await audit(tx, runtime, 'account.login_changed', account, actor);
}

/**
 * Disables an account, or enables it again. Disabling ends its sessions for good: enabling doesn't bring them back.
 * @throws Problem `not_found`
 */
export async function setDisabled(
  tx: Transaction,
  runtime: Runtime,
  account: AccountKey,
  disabled: boolean,
  actor: Actor,
): Promise<void> {
  await change(tx, account, sql`disabled = ${disabled}`);
  if (disabled) await revokeAll(tx, runtime, account);
  await audit(tx, runtime, disabled ? 'account.disabled' : 'account.enabled', account, actor);
}

/**
 * Disables one way in to an account, or enables it again. Logging in: open sessions go on. Its static token: it stays, and
 * is good again once it is enabled.
 * @throws Problem `not_found`
 */
export async function setWayDisabled(
  tx: Transaction,
  runtime: Runtime,
  account: AccountKey,
  way: 'login' | 'static_token',
  disabled: boolean,
  actor: Actor,
): Promise<void> {
  await change(tx, account, sql`${sql.ref(`${way}_disabled`)} = ${disabled}`);
  await audit(tx, runtime, `${way}.${disabled ? 'disabled' : 'enabled'}`, account, actor);
}

/**
 * Deletes an account with its sessions. The application's rights version rises with it, because an account that is made
 * again for the same principal counts from 1.
 * @throws Problem `not_found`
 */
export async function deleteAccount(
  tx: Transaction,
  runtime: Runtime,
  account: AccountKey,
  actor: Actor,
): Promise<void> {
  const { numDeletedRows } = await tx
    .deleteFrom('ostiary.account')
    .where('application', '=', account.application)
    .where('kind', '=', account.kind)
    .where('principal_id', '=', account.principalId)
    .executeTakeFirst();
  if (numDeletedRows === 0n) throw new Problem('not_found');
  await sql`
    update ostiary.application set rights_version = rights_version + 1 where name = ${account.application}
  `.execute(tx);
  await audit(tx, runtime, 'account.deleted', account, actor);
}

/** Changes a column of an account; its rights version rises in the same statement. */
async function change(tx: Transaction, account: AccountKey, assignment: RawBuilder<unknown>): Promise<void> {
  const { numAffectedRows } = await sql`
    update ostiary.account set ${assignment}, rights_version = rights_version + 1
    where application = ${account.application} and kind = ${account.kind} and principal_id = ${account.principalId}
  `.execute(tx);
  if (numAffectedRows !== 1n) throw new Problem('not_found');
}

function checkedLogin(login: string): string {
  if (!isUsableLogin(login)) {
    throw new Problem('invalid_input', {
      detail: 'A user name has 1 to 256 characters, and no control characters among them',
    });
  }
  return loginKey(login);
}

/** Turns PostgreSQL's unique_violation into a problem that doesn't repeat the values, as the original does. */
async function refuseTaken(statement: Promise<unknown>): Promise<void> {
  try {
    await statement;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '23505') throw new Problem('already_exists');
    throw error;
  }
}

async function audit(
  tx: Transaction,
  runtime: Runtime,
  event: AuditEntry['event'],
  account: AccountKey,
  actor: Actor,
): Promise<void> {
  await writeAudit(tx, runtime, {
    application: account.application,
    event,
    outcome: 'allowed',
    principal: actor.principal,
    resourceType: account.kind,
    recordId: account.principalId,
    ...(actor.requestId === undefined ? {} : { requestId: actor.requestId }),
  });
}
