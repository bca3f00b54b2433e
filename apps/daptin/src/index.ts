import { type Application, changePasswordAction } from '@ostiary/server';
import { executeAction } from './actions/execute.js';
import { declaredPolicy, placeInRow } from './declare.js';
import { demo } from './demo.js';
import { effects, makeAdministrator } from './effects.js';
import { initial } from './initial.js';
import { daptinPolicy } from './rules.js';
import { signOn } from './sign-on.js';

/** Daptin, as Ostiary serves it. */
export const application: Application = {
  policy: daptinPolicy(),
  api: 'json-api',
  // Each entity has two types, and one more for each of its relations to many.
  declared: { in: 'world', by: ['table_name', 'schema'], policy: declaredPolicy, at: placeInRow, most: 400 },
  guests: 'guest',
  logins: {
    user: {
      login: 'email',
      password: 'password',
      path: null,
      names: ['name'],
      claims: { email: 'email', name: 'name' },
    },
  },
  administrator: { kind: 'user', values: {}, made: makeAdministrator },
  actions: [changePasswordAction('user_account')],
  commands: [executeAction],
  effects,
  initial,
  signOn,
  tokens: { algorithm: 'ES256', lifetimeSeconds: 3600 },
  demo,
};
