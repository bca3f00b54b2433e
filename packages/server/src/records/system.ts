import { authorize } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import type { System as Contract } from '../application/system.js';
import type { Transaction } from '../storage/database.js';
import { loadRecord, loadRecords } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import { walkRecords } from '../storage/walk.js';
import { preparePassword } from './accounts.js';
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

  walk(type: string, values: Readonly<Record<string, string | null>>): AsyncIterable<LoadedRecord> {
    return walkRecords(this.transaction, this.context.policy, type, values, true);
  }

  async create(type: string, values: Readonly<Record<string, unknown>>): Promise<string> {
    const password = await preparePassword(this.context, type, values, values, false);
    const { context } = this;
    const written = await createIn(context, this.transaction, this.#caller, type, values, password);
    this.#goOn(context, written.context);
    return written.record.id;
  }

  async update(type: string, id: string, changes: Readonly<Record<string, unknown>>): Promise<void> {
    const record = await this.load(type, id);
    const { context } = this;
    const handle = authorize(context, this.#caller, 'update', type, record);
    const written = await changeIn(context, this.transaction, this.#caller, handle, changes, null, null);
    this.#goOn(context, written.context);
  }

  async delete(type: string, id: string): Promise<void> {
    const record = await this.load(type, id);
    if (record === null) return;
    const { context } = this;
    const handle = authorize(context, this.#caller, 'delete', type, record);
    this.#goOn(context, await removeIn(context, this.transaction, this.#caller, handle));
  }

  /** Goes on with what a write declared. One that declared nothing takes nothing back that another did meanwhile. */
  #goOn(before: Context, after: Context): void {
    if (after !== before) this.#context = after;
  }
}

export type System = Contract;

/** The installation's own hand in a transaction: of that what `System` says, and nothing more. */
export const System: new (context: Context, transaction: Transaction, requestId?: string | null) => System = Hand;
