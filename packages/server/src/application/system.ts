import type { Transaction } from '../storage/database.js';
import type { LoadedRecord } from '../storage/rows.js';
import type { Context } from './context.js';

type Values = Readonly<Record<string, unknown>>;

/**
 * The installation's own hand: effects of writes, demo data, the first administrator. It decides nothing, since
 * nobody asked; everything it writes is audited, with no principal.
 */
export interface System {
  readonly transaction: Transaction;
  /** The application: with what this hand has declared. */
  readonly context: Context;
  load(type: string, id: string): Promise<LoadedRecord | null>;
  /** The records of a type with these values in fields of their own, locked. */
  find(type: string, values: Readonly<Record<string, string | null>>): Promise<readonly LoadedRecord[]>;
  /** Makes a record. Its password, if it has one, is not judged: it is a demo account's, or was judged before. */
  create(type: string, values: Values): Promise<string>;
  update(type: string, id: string, changes: Values): Promise<void>;
  /** Deletes a record, if it is still there. */
  delete(type: string, id: string): Promise<void>;
}
