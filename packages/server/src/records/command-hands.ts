import { authorize, requirePossible } from '../access/access.js';
import type { Authorized } from '../application/authorized.js';
import type { CommandEyes, CommandHands } from '../application/commands.js';
import type { Caller, Context } from '../application/context.js';
import { requireValid, requireValidChanges } from '../input/require-valid.js';
import { emitter } from '../presence/events.js';
import type { Executor, Transaction } from '../storage/database.js';
import { loadRecord, loadRecords } from '../storage/load.js';
import { walkRecords } from '../storage/walk.js';
import { preparePassword } from './accounts.js';
import { removeOneIn } from './delete.js';
import { readIn, shownAfterCreate, shownAfterUpdate } from './read.js';
import { System } from './system.js';
import { changeOneIn, createIn } from './write.js';

/** The hands of a caller in a transaction. */
export function handsIn(
  context: Context,
  caller: Caller,
  transaction: Transaction,
): Omit<CommandHands, keyof CommandEyes> {
  return {
    transaction,
    async create(type, values) {
      requirePossible(context, caller, 'create', type);
      requireValid(context, type, values);
      const password = await preparePassword(context, type, values, values);
      const { record } = await createIn(context, transaction, caller, type, values, password);
      return shownAfterCreate(context, caller, type, record);
    },
    async change(type, id, values) {
      requirePossible(context, caller, 'update', type);
      requireValidChanges(context, type, values);
      const { record } = await changeOneIn(context, transaction, caller, type, id, values, null);
      return shownAfterUpdate(context, caller, type, record, transaction);
    },
    async remove(type, id) {
      requirePossible(context, caller, 'delete', type);
      const record = await loadRecord(transaction, context.policy, type, id, true);
      return removeOneIn(context, transaction, caller, type, record, null);
    },
    async read(type, id) {
      const record = await loadRecord(transaction, context.policy, type, id);
      return readIn(context, transaction, caller, type, record);
    },
    system: new System(context, transaction, caller.requestId),
    emit: emitter(context, transaction),
  };
}

/**
 * The eyes of a caller.
 * @param authorized is told of each record on which something was allowed
 */
export function eyesIn(
  context: Context,
  caller: Caller,
  executor: Executor,
  authorized: (handle: Authorized) => void,
): CommandEyes {
  return {
    async authorize(action, type, id) {
      const record = id === null ? null : await loadRecord(executor, context.policy, type, id);
      const handle = authorize(context, caller, action, type, record);
      authorized(handle);
      return handle;
    },
    find: (type, values) => loadRecords(executor, context.policy, type, values),
    walk: (type, values) => walkRecords(executor, context.policy, type, values),
  };
}
