import { authorize } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import type { System as Contract } from '../application/system.js';
import type { Transaction } from '../storage/database.js';
import { loadRecord, loadRecords } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import { preparePassword } from './accounts.js';
import { declare } from './declare.js';
import { changeIn, createIn, removeIn } from './write.js';

class Hand implements Contract {
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

  get context(): Context {
    return this.#context;
  }

  async load(type: string, id: string): Promise<LoadedRecord | null> {
    return loadRecord(this.transaction, this.context.policy, type, id, true);
  }

  async find(type: string, values: Readonly<Record<string, string | null>>): Promise<readonly LoadedRecord[]> {
    return loadRecords(this.transaction, this.context.policy, type, values, true);
  }

  async create(type: string, values: Readonly<Record<string, unknown>>): Promise<string> {
    const password = await preparePassword(this.context, type, values, values, false);
    const { record } = await createIn(this.context, this.transaction, this.#caller, type, values, password);
    await this.#declare(type);
    return record.id;
  }

  async update(type: string, id: string, changes: Readonly<Record<string, unknown>>): Promise<void> {
    const handle = authorize(this.context, this.#caller, 'update', type, await this.load(type, id));
    await changeIn(this.context, this.transaction, this.#caller, handle, changes, null, null);
    await this.#declare(type, Object.keys(changes));
  }

  async delete(type: string, id: string): Promise<void> {
    const record = await this.load(type, id);
    if (record === null) return;
    const handle = authorize(this.context, this.#caller, 'delete', type, record);
    await removeIn(this.context, this.transaction, this.#caller, handle);
    await this.#declare(type);
  }

  async #declare(type: string, fields: readonly string[] | null = null): Promise<void> {
    this.#context = await declare(this.#context, this.transaction, type, fields);
  }
}

export type System = Contract;

/** The installation's own hand in a transaction: of that what `System` says, and nothing more. */
export const System: new (context: Context, transaction: Transaction, requestId?: string | null) => System = Hand;
