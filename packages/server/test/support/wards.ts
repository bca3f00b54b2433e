import {
  all,
  always,
  boolean,
  choice,
  date,
  equal,
  instant,
  model,
  not,
  parent,
  policy,
  reference,
  resource,
  rules,
  text,
} from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, type Seed, Type } from '@ostiary/server';

/** Visits in wards: entered with forms, and counted. */
const wardsModel = model({
  name: 'wards',
  title: 'Wards',
  principals: { nurse: 'Nurse' },
  resources: {
    Nurse: resource({
      fields: {
        login: text({ unique: true, fixed: true, maxLength: 50 }),
        password: text({ secret: true }),
        rank: choice(['chief', 'plain', 'temporary'], { default: 'plain' }),
        phone: text({ optional: true, says: 'Inside the house.' }),
      },
    }),
    Ward: resource({ fields: { name: text({ unique: true }) } }),
    Post: resource({
      fields: {
        nurseId: reference('Nurse'),
        wardId: reference('Ward'),
        role: choice(['nurse', 'clerk', 'counter']),
      },
    }),
    Visit: resource({
      says: 'Somebody was seen.',
      actions: ['statistics', 'refer'],
      sensitive: true,
      counts: { by: ['at', 'on', 'status', 'urgent', 'nurseId', 'wardId', 'createdAt'] },
      fields: {
        wardId: parent('Ward', { fixed: true }),
        nurseId: reference('Nurse', { filled: 'principal', optional: true }),
        patient: text({ maxLength: 20 }),
        at: instant(),
        on: date({ optional: true }),
        status: choice(['planned', 'done'], { default: 'planned' }),
        urgent: boolean({ default: false }),
        note: text({ optional: true }),
      },
    }),
    Form: resource({ source: 'form', fields: {} }),
    Decision: resource({ source: 'decision', fields: {} }),
  },
  roles: { Ward: ['nurse', 'clerk', 'counter'] },
  grants: [{ in: 'Post', holder: 'nurseId', role: { field: 'role' }, on: { scope: 'Ward', field: 'wardId' } }],
});

const SOURCE = 'the tests';
const chiefs = (['Nurse', 'Ward', 'Post', 'Visit', 'Decision'] as const).map((type) =>
  rules(wardsModel, type, ({ me, allow }) => [
    allow('chief', {
      says: 'A chief does everything.',
      source: SOURCE,
      actions: 'every',
      when: equal(me.nurse.rank, 'chief'),
    }),
  ]),
);

const wardsPolicy = policy(wardsModel, [
  ...chiefs,
  rules(wardsModel, 'Nurse', ({ it, me, allow }) => [
    allow('oneself', { says: 'Oneself.', source: SOURCE, actions: ['read'], when: equal(it.id, me.nurse.id) }),
    allow('own-phone', {
      says: 'Nurses keep their own phone number.',
      source: SOURCE,
      actions: ['update'],
      fields: ['phone', 'login'],
      when: equal(it.id, me.nurse.id),
    }),
  ]),
  rules(wardsModel, 'Ward', ({ it, allow, holds }) => [
    allow('own', { says: 'One’s own wards.', source: SOURCE, actions: ['read'], when: holds('Ward nurse', it) }),
  ]),
  rules(wardsModel, 'Visit', ({ it, allow, forbid, holds }) => [
    allow('nurse', {
      says: 'Nurses enter, read and count the visits of their wards.',
      source: SOURCE,
      actions: ['create', 'read', 'update', 'statistics', 'refer'],
      when: holds('Ward nurse', it.wardId),
    }),
    allow('clerk', {
      says: 'Clerks read and count visits, and do not learn who was seen.',
      source: SOURCE,
      actions: ['read', 'statistics'],
      fields: ['wardId', 'at', 'status'],
      when: holds('Ward clerk', it.wardId),
    }),
    allow('counter', {
      says: 'A counter counts what somebody else lets them read.',
      source: SOURCE,
      actions: ['statistics'],
      when: holds('Ward counter', it.wardId),
    }),
    forbid('done', {
      says: 'The note of a visit that is done stays as it is.',
      source: SOURCE,
      actions: ['update'],
      fields: ['note'],
      when: equal(it.status, 'done'),
    }),
    forbid('urgent', {
      says: 'Nobody enters who was seen as urgent afterwards.',
      source: SOURCE,
      actions: ['update'],
      fields: ['urgent'],
      when: always,
    }),
  ]),
  rules(wardsModel, 'Form', ({ me, allow }) => [
    allow('staff', {
      says: 'The staff enters data.',
      source: SOURCE,
      actions: ['read'],
      when: all(not(equal(me.nurse.rank, 'temporary'))),
    }),
  ]),
]);

/** Of each ward, a visit at each of these times; the second of each is done. */
export const TIMES = [
  '2025-12-31T23:59:59.999Z',
  '2026-01-01T00:00:00.000Z',
  '2026-01-31T23:30:00.000Z',
  '2026-03-01T12:00:00.000Z',
];

async function load(seed: Seed): Promise<void> {
  const made: Record<string, string> = {};
  const ranks = { chief: 'chief', nora: 'plain', carl: 'plain', cora: 'plain', both: 'plain', temp: 'temporary' };
  for (const [login, rank] of Object.entries(ranks)) {
    made[login] = await seed.create('Nurse', { login, rank, password: DEMO_PASSWORD });
  }
  const post = (login: string, wardId: string, role: string) =>
    seed.create('Post', { nurseId: made[login], wardId, role });
  const wards = [];
  for (const name of ['East', 'West']) wards.push(await seed.create('Ward', { name }));
  const [east = '', west = ''] = wards;
  await post('nora', east, 'nurse');
  await post('carl', east, 'clerk');
  await post('cora', east, 'counter');
  await post('both', east, 'nurse');
  for (const ward of wards) await post('both', ward, 'counter');
  for (const wardId of [east, west]) {
    for (const [index, at] of TIMES.entries()) {
      const [nurseId, on] = [index < 2 ? made.nora : null, index < 3 ? at.slice(0, 10) : null];
      const status = index === 1 ? 'done' : 'planned';
      await seed.create('Visit', { wardId, patient: `p${index}`, at, on, status, nurseId, urgent: index === 3 });
    }
  }
}

export const wards: Application = {
  policy: wardsPolicy,
  logins: { nurse: { login: 'login', password: 'password', path: '/auth/login' } },
  tokens: { algorithm: 'ES256', lifetimeSeconds: 3600 },
  administrator: { kind: 'nurse', values: { rank: 'chief' } },
  actions: [
    {
      type: 'Visit',
      action: 'refer',
      says: 'Refer somebody to a ward that one reads',
      input: Type.Object({ wardId: Type.String({ format: 'uuid' }) }, { additionalProperties: false }),
      run: async ({ authorize, change, input }) => {
        await change({ note: 'referred' });
        const { record, action } = await authorize('read', 'Ward', String(input.wardId));
        return { action, to: record.values.name };
      },
    },
  ],
  demo: { accounts: [], load },
};
