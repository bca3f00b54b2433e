import { decide } from '@ostiary/policy';
import { authorize, environment } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { type Deleting, effectsAt } from '../application/effects.js';
import { emitter } from '../presence/events.js';
import type { Transaction } from '../storage/database.js';
import { loadRecord } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import { auditWrite } from './audit-write.js';
import { System } from './system.js';
import { inTransaction } from './transaction.js';
import { removeIn, requireVersion } from './write.js';

/**
 * Deletes a record, or does what the application does in place of that.
 * @param seen versions of which the caller has seen one; null where it does not matter.
 * @returns what was done in place of it, in a sentence; null where the record is gone.
 * @throws Problem
 */
export async function removeRecord(
  context: Context,
  caller: Caller,
  type: string,
  id: string,
  seen: readonly number[] | null,
): Promise<string | null> {
  return inTransaction(context, async (transaction) => {
    const record = await loadRecord(transaction, context.policy, type, id, true);
    return removeOneIn(context, transaction, caller, type, record, seen);
  });
}

/** The same for a record that was loaded and locked in a transaction that is already open. */
export async function removeOneIn(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  record: LoadedRecord | null,
  seen: readonly number[] | null,
): Promise<string | null> {
  const handle = authorize(context, caller, 'delete', type, record);
  requireVersion(handle.record, seen);
  let instead: string | null = null;
  for (const deleting of effectsAt(context.application.effects, type, 'deleting')) {
    instead ??= await deleting(deletingOf(context, transaction, caller, type, handle.record));
  }
  if (instead === null) await removeIn(context, transaction, caller, handle);
  else await auditWrite(context, transaction, caller, handle, 'record.action', { instead });
  return instead;
}

function deletingOf(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  record: LoadedRecord,
): Deleting {
  const { policy } = context;
  const { principal } = caller;
  return {
    context,
    transaction,
    type,
    record,
    system: new System(context, transaction, caller.requestId),
    emit: emitter(context, transaction),
    mayDelete: (of, other) =>
      principal === null || decide(policy, principal, 'delete', of, other.facts, environment(context)).allowed,
    async remove(of, other) {
      await removeIn(context, transaction, caller, authorize(context, caller, 'delete', of, other));
    },
  };
}
