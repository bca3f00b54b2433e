import type { LoginResult } from '../identity/index.js';
import type { JsonSchema } from '../input/json-schema.js';
import type { Transaction } from '../storage/database.js';
import type { LoadedRecord } from '../storage/rows.js';
import type { Authorized } from './authorized.js';
import type { Caller, Context } from './context.js';
import type { Emit } from './presence.js';
import type { Masked } from './records.js';
import type { System } from './system.js';

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
  /** As `find`, however many there are: some at a time. */
  walk(type: string, values: Readonly<Record<string, string | null>>): AsyncIterable<LoadedRecord>;
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

/** What a command is given. */
export interface CommandCall extends CommandEyes {
  readonly context: Context;
  /** Who asked for it. */
  readonly caller: Caller;
  /** The parts of the address, and the body, as their schemas describe them. */
  readonly params: Readonly<Record<string, string>>;
  readonly input: Values;
  /** Refuses where there can be no record of a type on which the caller may do an action. @throws Refusal */
  requirePossible(action: string, type: string): void;
  /** Does what belongs together: all of it is written, or nothing. It may run again, where others were in its way. */
  inTransaction<T>(run: (hands: CommandHands) => Promise<T>): Promise<T>;
  /** Counts an attempt as a log-in, by its address: for what costs as much, or can be guessed at. @throws Problem */
  countAttempt(): Promise<void>;
  /**
   * Logs somebody in by their password, as a log-in does: counted, locked out, audited. Outside of transactions.
   * @throws Problem `invalid_credentials`, `account_locked`, `account_disabled`, `too_many_requests`
   */
  logIn(kind: string, login: string, password: string): Promise<LoginResult>;
  /**
   * Logs somebody in who has proved to the command who they are: by a code, or since it has just made the account. The
   * command answers for that. Outside of transactions.
   * @throws Problem `account_disabled`, `invalid_credentials` where there is no such account, `too_many_requests`
   */
  issue(kind: string, principalId: string): Promise<LoginResult>;
}

/** A cookie that browsers send to this application alone, and show to no script. */
export interface CommandCookie {
  readonly name: string;
  readonly value: string;
  /** When the browser forgets it; with the window, where nothing is said. */
  readonly maxAgeSeconds?: number;
}

export interface CommandAnswer {
  /** JSON. */
  readonly body: unknown;
  readonly cookies?: readonly CommandCookie[];
}

/** Something that is asked for by name, and is not an action of one record. */
export interface Command {
  /** Its name in the API's documentation and in the audit trail. */
  readonly name: string;
  /** Below the application's address, with its parameters: `/action/:entity/:name`. It is a POST. */
  readonly path: string;
  /** One sentence for the API's documentation. */
  readonly says: string;
  /** What whoever asks might have to be allowed on some record of a type; the command decides on records itself. */
  readonly decision: { readonly action: string; readonly type: string };
  /** The schema of the address's parameters, as `Type` writes it; all are texts. */
  readonly params: JsonSchema;
  /** The schema of the request's body. */
  readonly input: JsonSchema;
  /** The schema of the answer, for the documentation. */
  readonly answer?: JsonSchema;
  readonly run: (call: CommandCall) => Promise<CommandAnswer>;
}
