import {
  all,
  always,
  boolean,
  equal,
  model,
  policy,
  principals,
  reference,
  resource,
  rules,
  text,
} from '@ostiary/policy';
import { type Application, DEMO_PASSWORD } from '@ostiary/server';

/**
 * The application that the certification scenario of OpenID AuthZEN 1.0 describes: two users, two records, and rules
 * about what is stored, about properties of subjects and resources, and about how an action is done.
 */
const recordsModel = model({
  name: 'records',
  title: 'Records',
  principals: { user: 'User' },
  resources: {
    User: resource({
      identifiedBy: 'name',
      fields: {
        name: text({ unique: true, maxLength: 100 }),
        password: text({ secret: true, minLength: 8, maxLength: 256 }),
        role: text({ optional: true }),
        disabled: boolean({ default: false }),
      },
    }),
    Record: resource({
      identifiedBy: 'name',
      actions: ['write'],
      fields: {
        name: text({ unique: true, maxLength: 100 }),
        status: text(),
        soft: boolean({ optional: true, says: 'Whether a deletion leaves it to be brought back.' }),
      },
    }),
    Decision: resource({ source: 'decision', fields: {} }),
    Note: resource({ fields: { authorId: reference('User', { filled: 'principal' }), text: text() } }),
  },
});

const { user } = principals(recordsModel);
const SOURCE = 'AuthZEN Authorization API 1.0, certification scenario';

const recordsPolicy = policy(recordsModel, [
  rules(recordsModel, 'Record', ({ it, allow }) => [
    allow('everyone-reads', { says: 'Everyone reads.', source: SOURCE, actions: ['read'], when: always }),
    allow('writers-write', {
      says: 'Writers write what is active.',
      source: SOURCE,
      actions: ['write'],
      when: all(equal(user.role, 'writer'), equal(it.status, 'active')),
    }),
    allow('admins-write', {
      says: 'Administrators write what is archived.',
      source: SOURCE,
      actions: ['write'],
      when: all(equal(user.role, 'admin'), equal(it.status, 'archived')),
    }),
    allow('writers-delete-softly', {
      says: 'Writers delete what can be brought back.',
      source: SOURCE,
      actions: ['delete'],
      when: all(equal(user.role, 'writer'), equal(it.soft, true)),
    }),
  ]),
  rules(recordsModel, 'Note', ({ it, allow }) => [
    allow('writers-sign', {
      says: 'Writers make notes, in their own name.',
      source: 'the tests',
      actions: ['create'],
      when: all(equal(it.authorId, user.id), equal(it.authorId.role, 'writer')),
    }),
  ]),
  rules(recordsModel, 'Decision', ({ allow }) => [
    allow('admins-ask', {
      says: 'Administrators ask about others.',
      source: 'the tests',
      actions: ['read'],
      when: equal(user.role, 'admin'),
    }),
  ]),
]);

export const records: Application = {
  policy: recordsPolicy,
  personas: {},
  logins: { user: { login: 'name', password: 'password', path: '/auth/login', disabled: 'disabled' } },
  tokens: { algorithm: 'ES256', lifetimeSeconds: 3600 },
  administrator: { kind: 'user', values: { role: 'admin' } },
  demo: {
    accounts: [],
    async load(seed) {
      for (const [name, role] of [
        ['alice', 'writer'],
        ['bob', 'admin'],
        ['carol', 'writer'],
      ]) {
        await seed.create('User', { name, role, password: DEMO_PASSWORD, disabled: name === 'carol' });
      }
      await seed.create('Record', { name: 'record-1', status: 'active' });
      await seed.create('Record', { name: 'record-2', status: 'archived' });
    },
  },
};
