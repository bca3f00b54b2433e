import { isDeepStrictEqual } from 'node:util';
import { columnOf, tableOf } from '@ostiary/policy/sql';
import type { Context } from '../application/context.js';
import type { Person, SignOnSettings } from '../application/sign-on.js';
import { createSchema } from '../input/schemas.js';
import { validationProblem, validatorFor } from '../input/validation.js';
import { Problem } from '../problems.js';
import { System } from '../records/system.js';
import { inTransaction } from '../records/transaction.js';
import type { Transaction } from '../storage/database.js';
import { query } from '../storage/query.js';
import { addLink, findLink } from './links.js';
import type { Provider } from './provider.js';
import { SignOnRefusal } from './refusal.js';

/** An account here, for somebody who proved elsewhere who they are. */
export interface Found {
  readonly kind: string;
  readonly principalId: string;
}

/**
 * Whose account it is: by its link; the first time by the verified address, which links it for good; or a new one, where
 * the application and the provider's settings say so.
 * @throws SignOnRefusal, and then nothing was changed
 */
export async function accountOf(
  context: Context,
  settings: SignOnSettings,
  provider: Provider,
  person: Person,
  requestId: string,
): Promise<Found> {
  const { name } = context.policy.model;
  const linked = await findLink(context.database.db, name, person);
  if (linked !== null) {
    await requireEnabled(context, context.database.db, linked);
    return linked;
  }
  const { email } = person;
  if (email === null) throw new SignOnRefusal(person.emailUnverified ? 'address_unverified' : 'address_missing');
  return inTransaction(context, async (transaction) => {
    const found =
      (await findByAddress(context, transaction, settings, email)) ??
      (await makeAccount(context, transaction, settings, provider, { ...person, email }, requestId));
    await requireEnabled(context, transaction, found);
    const account = { application: name, ...found };
    if (await addLink(transaction, context.runtime, account, person, requestId)) return found;
    // Somebody else's account elsewhere, or the same person in another window a moment ago.
    const now = await findLink(transaction, name, person);
    if (now?.principalId === found.principalId && now.kind === found.kind) return found;
    throw new SignOnRefusal('linked_to_another', { login: email });
  });
}

/** The one account with an address that the application knows to be its owner's. */
async function findByAddress(
  { policy: { model } }: Context,
  transaction: Transaction,
  { kind, email: field }: SignOnSettings,
  email: string,
): Promise<Found | null> {
  const type = model.principals[kind];
  if (field === undefined || !type) return null;
  // Letters of ASCII alone are folded, as in the address that is looked for.
  const found = await query<{ id: string }>(
    transaction,
    `select id from ${tableOf(model, type)} where lower(${columnOf(field)} collate "C") = $1 limit 2`,
    [email],
  );
  if (found.length > 1) throw new SignOnRefusal('address_ambiguous', { login: email });
  const [only] = found;
  return only === undefined ? null : { kind, principalId: only.id };
}

async function makeAccount(
  context: Context,
  transaction: Transaction,
  settings: SignOnSettings,
  provider: Provider,
  person: Person & { readonly email: string },
  requestId: string,
): Promise<Found> {
  const { kind, newAccounts } = settings;
  const { model } = context.policy;
  const type = model.principals[kind];
  const isOpen = provider.newAccounts ?? newAccounts?.always ?? false;
  if (newAccounts === undefined || !isOpen || !type) throw new SignOnRefusal('no_account', { login: person.email });
  const values = newAccounts.values(person);
  requireNoAdministrator(context, kind, values);
  try {
    requireValues(context, kind, type, values);
    const principalId = await new System(context, transaction, requestId).create(type, values);
    return { kind, principalId };
  } catch (cause) {
    const isTaken = (cause as { readonly code?: unknown }).code === '23505';
    if (!(cause instanceof Problem) && !isTaken) throw cause;
    throw new SignOnRefusal('account_not_made', { cause, login: person.email });
  }
}

/** An account that makes itself is nobody's administrator, whatever the application says. */
function requireNoAdministrator(
  { application: { administrator, policy } }: Context,
  kind: string,
  values: Readonly<Record<string, unknown>>,
): void {
  const marks = Object.entries(administrator.values);
  const isOne = marks.length > 0 && marks.every(([name, value]) => isDeepStrictEqual(values[name], value));
  if (kind === administrator.kind && isOne) {
    throw new TypeError(`${policy.model.name}: signOn.newAccounts makes an administrator`);
  }
}

/** As a request's body would be checked, but for the password: there is none. */
function requireValues(context: Context, kind: string, type: string, values: Readonly<Record<string, unknown>>): void {
  const schema = createSchema(context.policy.model, type) as { readonly required?: readonly string[] };
  const password = context.application.logins[kind]?.password;
  const validate = validatorFor({ ...schema, required: (schema.required ?? []).filter((name) => name !== password) });
  if (!validate(values)) throw validationProblem(validate.errors ?? []);
}

async function requireEnabled(
  context: Context,
  executor: Transaction | Context['database']['db'],
  { kind, principalId }: Found,
): Promise<void> {
  const account = await executor
    .selectFrom('ostiary.account')
    .select(['disabled', 'login'])
    .where('application', '=', context.policy.model.name)
    .where('kind', '=', kind)
    .where('principal_id', '=', principalId)
    .executeTakeFirst();
  if (account === undefined) throw new SignOnRefusal('no_account');
  if (account.disabled) {
    throw new SignOnRefusal('disabled', account.login === null ? {} : { login: account.login });
  }
}
