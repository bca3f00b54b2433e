import type { Application } from '@ostiary/server';
import { invitations } from './actions/invitations.js';
import { progress } from './actions/progress.js';
import { actions } from './actions.js';
import { demo } from './demo.js';
import { effects } from './effects.js';
import { personas } from './personas.js';
import { openTeraPolicy } from './rules.js';

/** OpenTera, as Ostiary serves it. */
export const application: Application = {
  policy: openTeraPolicy,
  personas,
  roots: 'kind',
  logins: {
    user: { login: 'username', password: 'password', names: ['firstName', 'lastName'] },
    participant: { login: 'username', password: 'password', enabled: 'loginEnabled', names: ['name'] },
  },
  // Who may set somebody's password writes that address, and nobody for themselves. Administrators alone make accounts.
  signOn: { kind: 'user', email: 'verifiedEmail' },
  enabled: { user: 'enabled', participant: 'enabled', device: 'enabled', service: 'enabled' },
  presence: { user: {}, participant: {}, device: { when: 'onlineable' } },
  staticTokens: { participant: { enabled: 'tokenEnabled' }, device: {}, service: {} },
  tokens: { algorithm: 'ES256', lifetimeSeconds: 3600, refreshSeconds: 24 * 3600, refreshedSeconds: 1800 },
  administrator: { kind: 'user', values: { superAdmin: true } },
  actions: [...actions, ...progress, ...invitations],
  effects,
  demo,
};
