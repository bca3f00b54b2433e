import type { Transaction } from '../storage/database.js';
import type { LoadedRecord } from '../storage/rows.js';
import type { Context } from './context.js';
import type { Seed } from './seed.js';

/**
 * The installation's own hand: effects of writes, demo data, the first administrator. It decides nothing, since
 * nobody asked; everything it writes is audited, with no principal.
 */
export interface System extends Seed {
  readonly transaction: Transaction;
  /** The application: with what this hand has declared. */
  readonly context: Context;
  /** A record, locked; null where there is none. */
  load(type: string, id: string): Promise<LoadedRecord | null>;
  /** As `find`, however many there are: some at a time, and each is locked as it is come to. */
  walk(type: string, values: Readonly<Record<string, string | null>>): AsyncIterable<LoadedRecord>;
  /** Deletes a record, if it is still there. */
  delete(type: string, id: string): Promise<void>;
}
