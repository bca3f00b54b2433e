import type { System } from './system.js';

/** What an application is filled with: `create` gives the id of what it made. */
export type Seed = Pick<System, 'create' | 'find' | 'update'>;

/** The password of every demo account. */
export const DEMO_PASSWORD = 'ostiary-demo';

export interface Demo {
  /** Shown when the server starts; the password of each is `ostiary-demo`. */
  readonly accounts: readonly { readonly login: string; readonly says: string }[];
  /** Fills an empty application. */
  readonly load: (seed: Seed) => Promise<void>;
}
