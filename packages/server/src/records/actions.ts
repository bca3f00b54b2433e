import { spaced } from '@ostiary/policy';
import { type Authorized, authorize, requirePossible } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import type { PasswordHash } from '../identity/index.js';
import type { JsonSchema } from '../input/json-schema.js';
import { type Emit, emitter } from '../presence/events.js';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import { loadRecord } from '../storage/load.js';
import { auditWrite } from './audit-write.js';
import { System } from './system.js';
import { changeIn, inTransaction, type Written } from './write.js';

/** What the handler of a named action is given: the record on which it was allowed, as a handle. */
export interface ActionCall<A extends string = string> {
  readonly context: Context;
  /** Who asked for it. */
  readonly caller: Caller;
  /** In which everything about this action is written, or nothing. */
  readonly transaction: Transaction;
  /** That it was allowed, and on which record: `handle.record.values`. */
  readonly handle: Authorized<string, A>;
  /** The body of the request, as `input` describes it. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Writes other records in the installation's name: nothing is decided about these. */
  readonly system: System;
  /**
   * Decides whether the caller may do an action on another record, which is locked until the end: what the action is to
   * connect this one with.
   * @throws Refusal; Problem `reference_not_found` where there is none, and the caller may know it
   */
  authorize(action: string, type: string, id: string): Promise<Authorized>;
  /** Tells those who are online, once the transaction is committed. */
  readonly emit: Emit;
  /** Changes the record under this action's own decision: its fields, before and after, as for an update. */
  change(values: Readonly<Record<string, unknown>>, password?: PasswordHash): Promise<Written>;
}

/** What a named action of a resource type does. */
export interface ActionHandler {
  /** The resource type, and one of its `actions`. */
  readonly type: string;
  readonly action: string;
  /** One sentence for the API's documentation. */
  readonly says: string;
  /** The schema of the request's body, as `Type` writes it. */
  readonly input: JsonSchema;
  /** What has to come before the transaction: work that takes its time, or that stands whatever becomes of the action. */
  readonly before?: (asked: Pick<ActionCall, 'context' | 'caller' | 'input'>) => Promise<void>;
  /** The answer: null for none. */
  readonly run: (call: ActionCall) => Promise<Readonly<Record<string, unknown>> | null>;
}

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
      change: (values, password) => {
        audited = true;
        return changeIn(context, transaction, caller, handle, values, null, password ?? null);
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
