import { type Needs, writable } from '@ostiary/policy';
import { authorize, refuseFields, requirePossible } from '../access/access.js';
import type { Authorized } from '../application/authorized.js';
import type { Caller, Context } from '../application/context.js';
import { effectsAt } from '../application/effects.js';
import type { Written } from '../application/records.js';
import type { PasswordHash } from '../identity/index.js';
import { emitter } from '../presence/events.js';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import { loadRecord, OWN_FIELDS, proposeRecord } from '../storage/load.js';
import { type LoadedRecord, makerOf, newValues } from '../storage/rows.js';
import { accountCreated, accountDeleted, accountUpdated, preparePassword } from './accounts.js';
import { auditRights, auditWrite, changedFields } from './audit-write.js';
import { beginDeclaring, declare } from './declare.js';
import { sealFields } from './encrypted.js';
import { referrersOf, requireReferences } from './integrity.js';
import { enforceLimits } from './limits.js';
import { requireReferred } from './referred.js';
import { deleteRecord, insertRecord, updateRecord } from './store.js';
import { System } from './system.js';
import { writingUnique } from './taken.js';
import { failingWhole, inTransaction } from './transaction.js';

type Values = Readonly<Record<string, unknown>>;

/** What came of a write inside a transaction: with the application as it is for the rest of that. */
export interface WrittenIn extends Written {
  readonly context: Context;
}

/**
 * Creates a record: decided on as it would be, written, and decided on once more as it became.
 * @throws Problem
 */
export async function createRecord(context: Context, caller: Caller, type: string, input: Values): Promise<Written> {
  requirePossible(context, caller, 'create', type);
  const password = await preparePassword(context, type, input, input);
  return inTransaction(context, (transaction) => createIn(context, transaction, caller, type, input, password));
}

/** The same inside a transaction that is already open, which fails where this does. */
export const createIn = failingWhole(create);

async function create(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  input: Values,
  password: PasswordHash | null,
): Promise<WrittenIn> {
  const { policy, runtime } = context;
  const id = runtime.id();
  const by = makerOf(policy.model, caller.principal);
  const made = { id, now: runtime.now(), by, types: context.types.current };
  const values = newValues(policy.model, type, made, input);
  const proposed = await proposeRecord(transaction, policy, type, values, needsOf(caller));
  const handle = authorize(context, caller, 'create', type, proposed);
  requireFields(context, caller, handle, Object.keys(input), null);
  await requireReferred(context, transaction, caller, type, null, values);
  await beginDeclaring(context, transaction, type);
  await requireReferences(transaction, policy.model, type, values);
  const sealed = await sealFields(context, type, id, input);
  await writingUnique(context, caller, { type, record: proposed, sent: Object.keys(input) }, async () => {
    await insertRecord(transaction, policy, handle, sealed);
    await accountCreated(context, transaction, caller, type, proposed, password);
  });
  await runEffect(context, transaction, caller, type, 'created', proposed);
  const record = await reload(context, transaction, type, id);
  authorize(context, caller, 'create', type, record);
  await enforceLimits(context, transaction, type, record);
  const declared = await declare(context, transaction, type, id);
  await auditWrite(context, transaction, caller, handle, 'record.created', { fields: Object.keys(input) });
  await auditRights(context, transaction, caller, handle, null, record);
  return { record, decisionId: handle.decisionId, context: declared };
}

/** New values of fields, or how they follow from what the record has when it is locked. */
export type Change = Values | ((values: Values) => Values);

/**
 * Updates a record: decided on as it is, and as it will be. It can't be moved to where it could not have been written.
 * @param seen versions of which the caller has seen one; null where it does not matter.
 */
export async function changeRecord(
  context: Context,
  caller: Caller,
  type: string,
  id: string,
  change: Change,
  seen: readonly number[] | null,
): Promise<Written> {
  return inTransaction(context, (transaction) => changeOneIn(context, transaction, caller, type, id, change, seen));
}

/** The same inside a transaction that is already open. */
export async function changeOneIn(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  id: string,
  change: Change,
  seen: readonly number[] | null,
): Promise<Written> {
  const before = await loadRecord(transaction, context.policy, type, id, true);
  const handle = authorize(context, caller, 'update', type, before);
  const input = typeof change === 'function' ? change(handle.record.values) : change;
  // A password is judged only after the caller was allowed to set one.
  requireFields(context, caller, handle, Object.keys(input), id);
  const password = await preparePassword(context, type, input, { ...handle.record.values, ...input });
  return changeIn(context, transaction, caller, handle, input, seen, password);
}

/** The same for a record that was loaded, locked and authorized in a transaction that is already open: it fails with this. */
export const changeIn = failingWhole(update);

async function update(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  handle: Authorized<string, string>,
  input: Values,
  seen: readonly number[] | null,
  password: PasswordHash | null,
): Promise<WrittenIn> {
  const { policy } = context;
  const { type, action, record: before } = handle;
  requireVersion(before, seen);
  await beginDeclaring(context, transaction, type, Object.keys(input));
  const changes = Object.fromEntries(
    Object.entries(input).filter(([name]) => !policy.model.resources[type]?.fields[name]?.secret),
  );
  const proposed = await proposeRecord(transaction, policy, type, { ...before.values, ...changes }, needsOf(caller));
  const after = authorize(context, caller, action, type, proposed);
  requireFields(context, caller, after, Object.keys(input), before.id);
  await requireReferred(context, transaction, caller, type, before.values, { ...before.values, ...changes });
  await requireReferences(transaction, policy.model, type, changes);
  const sealed = await sealFields(context, type, before.id, input);
  await writingUnique(context, caller, { type, record: proposed, sent: Object.keys(input) }, async () => {
    await updateRecord(transaction, policy, context.runtime, handle, { ...changes, ...sealed });
    await accountUpdated(context, transaction, caller, type, before, proposed, password);
  });
  await runEffect(context, transaction, caller, type, 'updated', proposed, before);
  const record = await reload(context, transaction, type, before.id);
  await enforceLimits(context, transaction, type, record);
  const declared = await declare(context, transaction, type, record.id, Object.keys(input));
  const event = action === 'update' ? 'record.updated' : 'record.action';
  await auditWrite(context, transaction, caller, handle, event, { fields: changedFields(before, record, input) });
  await auditRights(context, transaction, caller, handle, before, record);
  return { record, decisionId: handle.decisionId, context: declared };
}

/**
 * Deletes a record that was loaded, locked and authorized in a transaction that is already open: it fails with this.
 * @returns the application as it is for the rest of that
 */
export const removeIn = failingWhole(remove);

async function remove(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  handle: Authorized<string, 'delete'>,
): Promise<Context> {
  const { type, record } = handle;
  await requireReferred(context, transaction, caller, type, record.values, null);
  await beginDeclaring(context, transaction, type);
  await clearReferences(context, transaction, caller, type, record.id);
  await runEffect(context, transaction, caller, type, 'deleted', record);
  await deleteRecord(transaction, context.policy, handle);
  await accountDeleted(context, transaction, caller, type, record.id);
  const declared = await declare(context, transaction, type, record.id);
  await auditWrite(context, transaction, caller, handle, 'record.deleted', {});
  await auditRights(context, transaction, caller, handle, record, null);
  return declared;
}

/** Takes a record out of what refers to it, or what refers to it along with it, as the model says. */
async function clearReferences(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  id: string,
): Promise<void> {
  const system = new System(context, transaction, caller.requestId);
  for (const referrer of await referrersOf(transaction, context.policy.model, type, id)) {
    if (referrer.changes === null) await system.delete(referrer.type, referrer.id);
    else await system.update(referrer.type, referrer.id, referrer.changes);
  }
}

/** The installation itself is not decided on, so nothing is loaded for it. */
function needsOf({ principal }: Caller): Needs | undefined {
  return principal === null ? OWN_FIELDS : undefined;
}

function requireFields(
  context: Context,
  caller: Caller,
  handle: Authorized<string, string>,
  fields: readonly string[],
  recordId: string | null,
): void {
  if (caller.principal === null) return;
  const allowed = writable(context.policy, handle.decision, handle.type);
  const refused = fields.filter((field) => !allowed.includes(field));
  if (refused.length > 0) throw refuseFields(context, caller, handle.action, handle.type, refused, recordId);
}

/**
 * @param seen versions of which the caller has seen one; null where it does not matter.
 * @throws Problem `version_mismatch`
 */
export function requireVersion(record: LoadedRecord, seen: readonly number[] | null): void {
  if (seen === null || seen.includes(record.version)) return;
  const told = seen.length === 0 ? 'If-Match names no ETag of this record' : `You have seen version ${seen.join(', ')}`;
  throw new Problem('version_mismatch', { detail: `${told}: it is now ${record.version}.` });
}

async function reload(context: Context, transaction: Transaction, type: string, id: string): Promise<LoadedRecord> {
  const record = await loadRecord(transaction, context.policy, type, id);
  if (record === null) throw new Problem('conflict', { detail: 'The record was deleted while it was written.' });
  return record;
}

async function runEffect(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  moment: 'created' | 'updated' | 'deleted',
  record: LoadedRecord,
  before: LoadedRecord = record,
): Promise<void> {
  const system = new System(context, transaction, caller.requestId);
  for (const effect of effectsAt(context.application.effects, type, moment)) {
    await effect({ context, transaction, type, record, before, system, emit: emitter(context, transaction) });
  }
}
