import type { Context } from '../context.js';
import type { Emit } from '../presence/events.js';
import type { Transaction } from '../storage/database.js';
import type { LoadedRecord } from '../storage/rows.js';
import type { System } from './system.js';

/** What an effect is given: the record that was written, and the installation's own hand for what follows from it. */
export interface Effect {
  readonly context: Context;
  readonly transaction: Transaction;
  readonly record: LoadedRecord;
  readonly system: System;
  /** Tells those who are online, once the transaction is committed. */
  readonly emit: Emit;
}

/** What happens along with a write, in its transaction: if it fails, the write did not happen either. */
export type Effects = Readonly<
  Record<
    string,
    {
      readonly created?: (effect: Effect) => Promise<void>;
      readonly updated?: (effect: Effect & { readonly before: LoadedRecord }) => Promise<void>;
      readonly deleted?: (effect: Effect) => Promise<void>;
    }
  >
>;
