import type { System } from '../records/system.js';

/** What an application is filled with: `create` gives the id of what it made. */
export type Seed = Pick<System, 'create' | 'find' | 'update'>;

/** The password of every demo account. */
export const DEMO_PASSWORD = 'ostiary-demo';
