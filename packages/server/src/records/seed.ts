import type { System } from './system.js';

/** What demo data is made with: each call gives the id of what it made. */
export type Seed = Pick<System, 'create' | 'update'>;

/** The password of every demo account. */
export const DEMO_PASSWORD = 'ostiary-demo';
