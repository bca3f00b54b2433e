import type { Application } from '@ostiary/server';
import { actions } from './actions.js';
import { demo } from './demo.js';
import { effects } from './effects.js';
import { personas } from './personas.js';
import { openDataCapturePolicy } from './rules.js';

/** Open Data Capture, as Ostiary serves it. */
export const application: Application = {
  policy: openDataCapturePolicy,
  personas,
  logins: {
    user: {
      login: 'username',
      password: 'password',
      disabled: 'disabled',
      path: '/auth/login',
      names: ['firstName', 'lastName'],
    },
  },
  // Administrators alone write that address, and they alone make accounts.
  signOn: { kind: 'user', email: 'verifiedEmail' },
  tokens: { algorithm: 'HS256', secretFrom: 'SECRET_KEY', lifetimeSeconds: 24 * 60 * 60 },
  administrator: { kind: 'user', values: { basePermissionLevel: 'ADMIN' } },
  actions,
  effects,
  demo,
};
