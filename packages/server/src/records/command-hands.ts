import { type Authorized, authorize, requirePossible } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { requireValid, requireValidChanges } from '../input/require-valid.js';
import { type Emit, emitter } from '../presence/events.js';
import type { Executor, Transaction } from '../storage/database.js';
import { loadRecord, loadRecords } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import { preparePassword } from './accounts.js';
import { removeOneIn } from './delete.js';
import type { Masked } from './mask.js';
import { readIn, shownAfterCreate, shownAfterUpdate } from './read.js';
import { System } from './system.js';
import { changeOneIn, createIn } from './write.js';

type Values = Readonly<Record<string, unknown>>;

/** What a command decides and looks at, outside of a transaction or inside. Nothing is locked. */
export interface CommandEyes {
  /**
   * Decides whether the caller may do an action on a record. That it ran on it is in the audit trail.
   * @param id null for a record that is not there: it is refused as one that the caller may not know of
   * @throws Refusal; Problem `not_found` where the caller may know that there is none
   */
  authorize(action: string, type: string, id: string | null): Promise<Authorized>;
  /** The records of a type with these values in fields of their own. Nothing is decided: they are not to be shown. */
  find(type: string, values: Readonly<Record<string, string | null>>): Promise<readonly LoadedRecord[]>;
}

/**
 * What a command does inside of a transaction. In the caller's name is: held against the type's schema, decided, masked and
 * audited as a request of theirs would be.
 * @throws Refusal, Problem
 */
export interface CommandHands extends CommandEyes {
  readonly transaction: Transaction;
  /** Makes a record in the caller's name; what they may see of it, at least its id. */
  create(type: string, values: Values): Promise<Masked>;
  /** Changes a record in the caller's name; what they may see of it. */
  change(type: string, id: string, values: Values): Promise<Masked>;
  /** Deletes a record in the caller's name: null, or what was done in place of that. */
  remove(type: string, id: string): Promise<string | null>;
  /** Reads a record in the caller's name. */
  read(type: string, id: string): Promise<Masked>;
  /** The installation's own hand: nothing is decided about what it writes. */
  readonly system: System;
  /** Tells those who are online, once the transaction is committed. */
  readonly emit: Emit;
}

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
  };
}
