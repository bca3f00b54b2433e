import {
  all,
  boolean,
  choice,
  equal,
  instant,
  json,
  loggedIn,
  model,
  number,
  policy,
  reference,
  resource,
  rules,
  text,
  texts,
} from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, type Seed, staticTokenActions } from '@ostiary/server';
import { Type } from '../../src/input/json-schema.js';

/** A small application of several kinds of principal, each with a root of its own and its own ways to show who it is. */
export const wardModel = model({
  name: 'ward',
  title: 'Ward',
  principals: { nurse: 'Nurse', patient: 'Patient', device: 'Device' },
  resources: {
    Nurse: resource({
      fields: { name: text({ unique: true }), password: text({ secret: true }), enabled: boolean({ default: true }) },
    }),
    Patient: resource({
      actions: ['discharge', 'rotateToken', 'revokeToken'],
      fields: {
        name: text({ unique: true, optional: true }),
        password: text({ secret: true, optional: true }),
        room: text({ optional: true }),
        enabled: boolean({ default: true }),
        loginEnabled: boolean({ default: true }),
        tokenEnabled: boolean({ default: false }),
      },
    }),
    Device: resource({
      actions: ['rotateToken', 'revokeToken'],
      fields: { serial: text({ unique: true }), enabled: boolean({ default: false }), patientId: reference('Patient') },
    }),
    Reading: resource({
      fields: { patientId: reference('Patient'), deviceId: reference('Device', { optional: true }), value: number() },
    }),
    Decision: resource({ source: 'decision', fields: {} }),
    LogEntry: resource({
      source: 'audit',
      fields: {
        at: instant(),
        event: text(),
        outcome: choice(['allowed', 'refused', 'failed']),
        principalKind: text({ optional: true }),
        principalId: text({ optional: true }),
        login: text({ optional: true }),
        action: text({ optional: true }),
        resourceType: text({ optional: true }),
        recordId: text({ optional: true }),
        decisionId: text({ optional: true }),
        rules: texts(),
        requestId: text({ optional: true }),
        detail: json(),
      },
    }),
  },
  roles: {},
  grants: [],
});

const SOURCE = 'the tests';
const TYPES = ['Nurse', 'Patient', 'Device', 'Reading', 'LogEntry', 'Decision'] as const;

export const wardPolicy = policy(wardModel, [
  ...TYPES.map((type) =>
    rules(wardModel, type, ({ allow }) => [
      allow('nurse', { says: 'A nurse does everything.', source: SOURCE, actions: 'every', by: ['nurse'] }),
    ]),
  ),
  rules(wardModel, 'Patient', ({ it, me, allow }) => [
    allow('oneself', {
      says: 'A patient who logged in reads about themselves.',
      source: SOURCE,
      actions: ['read'],
      when: all(equal(it.id, me.patient.id), loggedIn),
    }),
    allow('own-name', {
      says: 'With a token alone, a patient reads their name.',
      source: SOURCE,
      actions: ['read'],
      when: equal(it.id, me.patient.id),
      fields: ['name'],
    }),
  ]),
  rules(wardModel, 'Reading', ({ it, me, allow }) => [
    allow('own', {
      says: 'A patient who logged in reads their own readings.',
      source: SOURCE,
      actions: ['read'],
      when: all(equal(it.patientId, me.patient.id), loggedIn),
    }),
    allow('device-writes', {
      says: 'A device writes the readings of its patient.',
      source: SOURCE,
      actions: ['create'],
      when: equal(it.patientId, me.device.patientId),
    }),
  ]),
]);

/** A password that is none of the demo's. */
export const OTHER_PASSWORD = 'violet-harbour-castle-91';

async function load(seed: Seed): Promise<void> {
  for (const name of ['head', 'night']) await seed.create('Nurse', { name, password: DEMO_PASSWORD });
  for (const name of ['ada', 'ben']) {
    const patientId = await seed.create('Patient', { name, password: DEMO_PASSWORD });
    await seed.create('Device', { serial: `meter of ${name}`, enabled: true, patientId });
    await seed.create('Reading', { patientId, value: 36.6 });
  }
}

export const ward: Application = {
  policy: wardPolicy,
  roots: 'kind',
  logins: {
    nurse: { login: 'name', password: 'password' },
    patient: { login: 'name', password: 'password', enabled: 'loginEnabled' },
  },
  enabled: { nurse: 'enabled', patient: 'enabled', device: 'enabled' },
  staticTokens: { patient: { enabled: 'tokenEnabled' }, device: {} },
  tokens: {
    algorithm: 'ES256',
    lifetimeSeconds: 3600,
    refreshSeconds: 7 * 24 * 3600,
    refreshedSeconds: 1800,
    sessionSeconds: 20 * 24 * 3600,
  },
  administrator: { kind: 'nurse', values: {} },
  actions: [
    ...staticTokenActions('Patient'),
    ...staticTokenActions('Device'),
    {
      type: 'Patient',
      action: 'discharge',
      says: 'Send a patient home',
      input: Type.Object({}, { additionalProperties: false }),
      run: async () => ({ discharged: true }),
    },
  ],
  demo: { accounts: [], load },
};
