import type { LoadedRecord } from '../storage/rows.js';

type Values = Readonly<Record<string, unknown>>;

/** What an application is filled with. */
export interface Seed {
  /**
   * Makes a record. Its password, if it has one, is not judged: it is a demo account's, or was judged before.
   * @returns its id
   */
  create(type: string, values: Values): Promise<string>;
  /** The records of a type with these values in fields of their own, locked. */
  find(type: string, values: Readonly<Record<string, string | null>>): Promise<readonly LoadedRecord[]>;
  update(type: string, id: string, changes: Values): Promise<void>;
}

/** The password of every demo account. */
export const DEMO_PASSWORD = 'ostiary-demo';

export interface Demo {
  /** Shown when the server starts; the password of each is `ostiary-demo`. */
  readonly accounts: readonly { readonly login: string; readonly says: string }[];
  /** Fills an empty application. */
  readonly load: (seed: Seed) => Promise<void>;
}
