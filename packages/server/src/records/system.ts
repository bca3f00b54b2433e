import { authorize } from '../access/access.js';
import type { Caller, Context } from '../context.js';
import type { Transaction } from '../storage/database.js';
import { loadRecord, loadRecords } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import { preparePassword } from './accounts.js';
import { declare } from './declare.js';
import { changeIn, createIn, removeIn } from './write.js';

/**
 * The installation's own hand: effects of writes, demo data, the first administrator. It decides nothing, since
 * nobody asked; everything it writes is audited, with no principal.
 */
export class System {
  readonly #caller: Caller;

  #context: Context;

  constructor(
    context: Context,
    readonly transaction: Transaction,
    requestId: string | null = null,
  ) {
    this.#context = context;
    this.#caller = { principal: null, sessionId: null, requestId };
  }

  /** The application: with what this hand has declared. */
  get context(): Context {
    return this.#context;
  }

  async load(type: string, id: string): Promise<LoadedRecord | null> {
    return loadRecord(this.transaction, this.context.policy, type, id, true);
  }

  /** The records of a type with these values in fields of their own, locked. */
  async find(type: string, values: Readonly<Record<string, string | null>>): Promise<readonly LoadedRecord[]> {
    return loadRecords(this.transaction, this.context.policy, type, values, true);
  }

  /** Makes a record. Its password, if it has one, is not judged: it is a demo account's, or was judged before. */
  async create(type: string, values: Readonly<Record<string, unknown>>): Promise<string> {
    const password = await preparePassword(this.context, type, values, values, false);
    const { record } = await createIn(this.context, this.transaction, this.#caller, type, values, password);
    await this.#declare(type, record.id);
    return record.id;
  }

  async update(type: string, id: string, changes: Readonly<Record<string, unknown>>): Promise<void> {
    const handle = authorize(this.context, this.#caller, 'update', type, await this.load(type, id));
    await changeIn(this.context, this.transaction, this.#caller, handle, changes, null, null);
    await this.#declare(type, id, Object.keys(changes));
  }

  /** Deletes a record, if it is still there. */
  async delete(type: string, id: string): Promise<void> {
    const record = await this.load(type, id);
    if (record === null) return;
    const handle = authorize(this.context, this.#caller, 'delete', type, record);
    await removeIn(this.context, this.transaction, this.#caller, handle);
    await this.#declare(type, id);
  }

  async #declare(type: string, id: string, fields: readonly string[] | null = null): Promise<void> {
    this.#context = await declare(this.#context, this.transaction, type, id, fields);
  }
}
