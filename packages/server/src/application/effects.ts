import type { Transaction } from '../storage/database.js';
import type { LoadedRecord } from '../storage/rows.js';
import type { Context } from './context.js';
import type { Emit } from './presence.js';
import type { System } from './system.js';

/** What an effect is given: the record that was written, and the installation's own hand for what follows from it. */
export interface Effect {
  readonly context: Context;
  readonly transaction: Transaction;
  /** The resource type of the record. */
  readonly type: string;
  readonly record: LoadedRecord;
  readonly system: System;
  /** Tells those who are online, once the transaction is committed. */
  readonly emit: Emit;
}

/** What a `deleting` effect is given beside: what the one who asked for the deletion may do, and their own hand. */
export interface Deleting extends Effect {
  /** Whether the caller may delete another record, too. */
  mayDelete(type: string, other: LoadedRecord): boolean;
  /**
   * Deletes another record in the caller's name: decided on, and audited as theirs.
   * @throws Refusal
   */
  remove(type: string, other: LoadedRecord): Promise<void>;
}

/**
 * What happens along with a write, in its transaction: if it fails, the write did not happen either. By resource type; under
 * '*', with the writes of every type, after what its own do.
 */
export type Effects = Readonly<
  Record<
    string,
    {
      readonly created?: (effect: Effect) => Promise<void>;
      readonly updated?: (effect: Effect & { readonly before: LoadedRecord }) => Promise<void>;
      readonly deleted?: (effect: Effect) => Promise<void>;
      /**
       * What is done in place of a deletion that its caller is allowed: a sentence that says it, and the record stays; or
       * null, and it is deleted. What the installation itself deletes is not asked about.
       */
      readonly deleting?: (effect: Deleting) => Promise<string | null>;
    }
  >
>;

/** The effects of one moment in the life of a type's records, in their order. */
export function effectsAt<M extends keyof Effects[string]>(
  effects: Effects | undefined,
  type: string,
  moment: M,
): readonly NonNullable<Effects[string][M]>[] {
  return [effects?.[type]?.[moment], effects?.['*']?.[moment]].filter((effect) => effect !== undefined);
}
