import type { PasswordHash } from '../identity/index.js';
import type { JsonSchema } from '../input/json-schema.js';
import type { Transaction } from '../storage/database.js';
import type { Authorized } from './authorized.js';
import type { Caller, Context } from './context.js';
import type { Emit } from './presence.js';
import type { Written } from './records.js';
import type { System } from './system.js';

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
