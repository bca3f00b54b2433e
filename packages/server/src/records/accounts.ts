import { actor } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import type { LoginSettings } from '../application/logins.js';
import {
  type AccountKey,
  type Actor,
  createAccount,
  deleteAccount,
  hashPassword,
  type PasswordHash,
  passwordProblem,
  setDisabled,
  setLogin,
  setPassword,
  setWayDisabled,
} from '../identity/index.js';
import type { Transaction } from '../storage/database.js';
import type { LoadedRecord } from '../storage/rows.js';

type Values = Readonly<Record<string, unknown>>;

/** The kind of principal whose records are of a type, with how it logs in. */
export function principalKind(
  context: Context,
  type: string,
): { readonly kind: string; readonly login: LoginSettings | undefined } | null {
  const found = Object.entries(context.policy.model.principals).find(([, of]) => of === type);
  return found === undefined ? null : { kind: found[0], login: context.application.logins[found[0]] };
}

/** What a principal's record says of its account: a flag that is not there is not set. */
function stateOf({ application }: Context, kind: string, values: Values) {
  const { disabled, enabled } = application.logins[kind] ?? {};
  const isOff = (field: string | undefined) => field !== undefined && values[field] !== true;
  return {
    disabled: (disabled !== undefined && values[disabled] === true) || isOff(application.enabled?.[kind]),
    loginDisabled: isOff(enabled),
    staticTokenDisabled: isOff(application.staticTokens?.[kind]?.enabled),
  };
}

/**
 * Judges and hashes the password in a write's input; null where there is none.
 * @param names what the password must not resemble: the record's fields as they will be.
 * @param judge false for demo accounts alone, whose password everybody knows.
 * @throws Problem `weak_password`
 */
export async function preparePassword(
  context: Context,
  type: string,
  input: Values,
  names: Values,
  judge = true,
): Promise<PasswordHash | null> {
  const settings = principalKind(context, type)?.login;
  const password = settings === undefined ? undefined : input[settings.password];
  if (settings === undefined || typeof password !== 'string') return null;
  const login = names[settings.login];
  const problem = passwordProblem(password, {
    ...(typeof login === 'string' ? { login } : {}),
    names: [
      context.policy.model.title,
      ...(settings.names ?? []).map((name) => names[name]).filter((name) => typeof name === 'string'),
    ],
  });
  if (problem !== null && judge) throw problem;
  return hashPassword(password);
}

/** Makes the account of a new principal's record. */
export async function accountCreated(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  record: LoadedRecord,
  passwordHash: PasswordHash | null,
): Promise<void> {
  const principal = principalKind(context, type);
  if (principal === null) return;
  const { kind, login: settings } = principal;
  const login = settings && record.values[settings.login];
  const account = {
    application: context.policy.model.name,
    kind,
    principalId: record.id,
    ...(typeof login === 'string' ? { login } : {}),
    ...(passwordHash === null ? {} : { passwordHash }),
    ...stateOf(context, kind, record.values),
  };
  await createAccount(transaction, context.runtime, account, who(caller));
}

/** Lets the account follow its principal's record. */
export async function accountUpdated(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  before: LoadedRecord,
  after: LoadedRecord,
  passwordHash: PasswordHash | null,
): Promise<void> {
  const principal = principalKind(context, type);
  if (principal === null) return;
  const { kind, login: settings } = principal;
  const account = { application: context.policy.model.name, kind, principalId: after.id };
  const [former, login] = [before, after].map(({ values }) => settings && (values[settings.login] ?? null));
  if (login !== former) {
    await setLogin(transaction, context.runtime, account, typeof login === 'string' ? login : null, who(caller));
  }
  await setState(context, transaction, caller, account, before.values, after.values);
  if (passwordHash !== null) {
    await setPassword(
      transaction,
      context.runtime,
      account,
      passwordHash,
      who(caller),
      keepingOwnSession(caller, account),
    );
  }
}

async function setState(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  account: AccountKey,
  before: Values,
  after: Values,
): Promise<void> {
  const { runtime } = context;
  const [was, is] = [stateOf(context, account.kind, before), stateOf(context, account.kind, after)];
  if (is.disabled !== was.disabled) await setDisabled(transaction, runtime, account, is.disabled, who(caller));
  if (is.loginDisabled !== was.loginDisabled)
    await setWayDisabled(transaction, runtime, account, 'login', is.loginDisabled, who(caller));
  if (is.staticTokenDisabled !== was.staticTokenDisabled)
    await setWayDisabled(transaction, runtime, account, 'static_token', is.staticTokenDisabled, who(caller));
}

/** Deletes the account of a principal's record. */
export async function accountDeleted(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  id: string,
): Promise<void> {
  const principal = principalKind(context, type);
  if (principal === null) return;
  const account = { application: context.policy.model.name, kind: principal.kind, principalId: id };
  await deleteAccount(transaction, context.runtime, account, who(caller));
}

function keepingOwnSession(caller: Caller, account: { readonly kind: string; readonly principalId: string }) {
  const own = caller.principal?.kind === account.kind && caller.principal.id === account.principalId;
  return own && caller.sessionId !== null ? { keepSession: caller.sessionId } : {};
}

/** Who changes an account. */
export function who(caller: Caller): Actor {
  const { principal, requestId } = actor(caller);
  return { principal: principal ?? null, ...(requestId === undefined ? {} : { requestId }) };
}
