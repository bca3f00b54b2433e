import type { Application } from '@ostiary/server';
import { actions } from './actions.js';
import { demo } from './demo.js';
import { effects } from './effects.js';
import { personas } from './personas.js';
import { openTeraPolicy } from './rules.js';

/** OpenTera, as Ostiary serves it. */
export const application: Application = {
  policy: openTeraPolicy,
  personas,
  logins: {
    user: { login: 'username', password: 'password', path: '/user/login', names: ['firstName', 'lastName'] },
    participant: { login: 'username', password: 'password', path: '/participant/login', names: ['name'] },
  },
  administrator: { kind: 'user', values: { superAdmin: true } },
  actions,
  effects,
  demo,
};
