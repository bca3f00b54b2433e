import { actor } from '../access/access.js';
import type { Authorized } from '../application/authorized.js';
import type { Caller, Context } from '../application/context.js';
import { type AuditEntry, writeAudit } from '../audit/trail.js';
import type { Executor, Transaction } from '../storage/database.js';
import type { LoadedRecord } from '../storage/rows.js';
import { permissionFields, rightsFields } from './rights.js';

type Values = Readonly<Record<string, unknown>>;

/** Writes into the trail what was done to a record, in the transaction that does it, if there is one. */
export async function auditWrite(
  context: Context,
  executor: Executor,
  caller: Caller,
  handle: Authorized<string, string>,
  event: 'record.created' | 'record.updated' | 'record.deleted' | 'record.action',
  detail: Values,
): Promise<void> {
  const rules = handle.decision.permits.map((permit) => permit.rule);
  await writeAudit(executor, context.runtime, { ...entry(context, caller, handle), event, rules, detail });
}

/** A change of what decides about rights is told apart, with what it was and what it became. */
export async function auditRights(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  handle: Authorized<string, string>,
  before: LoadedRecord | null,
  after: LoadedRecord | null,
): Promise<void> {
  const { policy } = context;
  const own = before === null || after === null ? [] : permissionFields(policy, handle.type);
  const names = new Set([...rightsFields(policy, handle.type), ...own]);
  const pick = (record: LoadedRecord | null) =>
    Object.fromEntries([...names].map((name) => [name, record?.values[name] ?? null]));
  const [was, is] = [pick(before), pick(after)];
  const fields = Object.keys(was).filter((name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]));
  if (fields.length === 0) return;
  const only = (values: Values) => Object.fromEntries(fields.map((name) => [name, values[name]]));
  await writeAudit(transaction, context.runtime, {
    ...entry(context, caller, handle),
    event: 'rights.changed',
    detail: { before: only(was), after: only(is) },
  });
}

/** The fields of an input that changed something; a secret one always did. */
export function changedFields(before: LoadedRecord, after: LoadedRecord, input: Values): readonly string[] {
  return Object.keys(input).filter(
    (name) => !(name in after.values) || JSON.stringify(before.values[name]) !== JSON.stringify(after.values[name]),
  );
}

function entry(context: Context, caller: Caller, handle: Authorized<string, string>): Omit<AuditEntry, 'event'> {
  return {
    application: context.policy.model.name,
    outcome: 'allowed',
    ...actor(caller),
    action: handle.action,
    resourceType: handle.type,
    recordId: handle.record.id,
    decision: handle.decisionId,
  };
}
