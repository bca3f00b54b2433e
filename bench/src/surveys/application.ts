import type { Application } from '@ostiary/server';
import { surveyPolicy } from './model.js';

/** The survey platform as it is served. */
export const surveyApplication: Application = {
  policy: surveyPolicy,
  personas: {},
  logins: { user: { login: 'name', password: 'password', path: '/auth/login' } },
  tokens: { algorithm: 'ES256', lifetimeSeconds: 3600 },
  administrator: { kind: 'user', values: {} },
};
