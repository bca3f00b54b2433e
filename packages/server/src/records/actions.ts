import { spaced } from '@ostiary/policy';
import { authorize, requirePossible } from '../access/access.js';
import type { ActionHandler } from '../application/actions.js';
import type { Authorized } from '../application/authorized.js';
import type { Caller, Context } from '../application/context.js';
import { emitter } from '../presence/events.js';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import { loadRecord } from '../storage/load.js';
import { auditWrite } from './audit-write.js';
import { System } from './system.js';
import { inTransaction } from './transaction.js';
import { changeIn } from './write.js';

/** Runs a named action on a record, in a transaction, with its audit entry. */
export async function runAction(
  context: Context,
  caller: Caller,
  handler: ActionHandler,
  id: string,
  input: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>> | null> {
  const { type, action } = handler;
  requirePossible(context, caller, action, type);
  await handler.before?.({ context, caller, input });
  return inTransaction(context, async (transaction) => {
    const record = await loadRecord(transaction, context.policy, type, id, true);
    const handle = authorize(context, caller, action, type, record);
    const system = new System(context, transaction, caller.requestId);
    let audited = false;
    const answer = await handler.run({
      context,
      caller,
      transaction,
      handle,
      input,
      system,
      authorize: (other, of, otherId) => authorizeOther(context, transaction, caller, other, of, otherId),
      emit: emitter(context, transaction),
      async change(values, password) {
        audited = true;
        const written = await changeIn(context, transaction, caller, handle, values, null, password ?? null);
        return { record: written.record, decisionId: written.decisionId };
      },
    });
    if (!audited) {
      await auditWrite(context, transaction, caller, handle, 'record.action', {});
    }
    return answer;
  });
}

async function authorizeOther(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  action: string,
  type: string,
  id: string,
): Promise<Authorized> {
  const record = await loadRecord(transaction, context.policy, type, id, true);
  try {
    return authorize(context, caller, action, type, record);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'not_found') throw error;
    throw new Problem('reference_not_found', { detail: `There is no such ${spaced(type)}.` }, { cause: error });
  }
}
