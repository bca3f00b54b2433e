import { any, boolean, equal, integer, model, policy, reference, resource, rules, text } from '@ostiary/policy';
import { type Application, DEMO_PASSWORD } from '@ostiary/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';

const theatre = model({
  name: 'theatre',
  title: 'Theatre',
  principals: { clerk: 'Clerk' },
  resources: {
    Clerk: resource({
      fields: {
        login: text(),
        password: text({ secret: true }),
        isChief: boolean({ default: false }),
      },
    }),
    Ticket: resource({
      fields: {
        number: text({ unique: true, pattern: '^T[0-9]+$', says: 'T and digits.' }),
        code: text({ unique: true, optional: true, pattern: '^[a-z]+$' }),
        row: integer(),
        seatNumber: integer(),
        clerkId: reference('Clerk', { optional: true, filled: 'principal' }),
        slot: integer({ default: 1 }),
      },
      uniqueTogether: [
        ['row', 'seatNumber'],
        ['clerkId', 'slot'],
      ],
    }),
  },
});

const SOURCE = 'the tests';
const application: Application = {
  policy: policy(theatre, [
    rules(theatre, 'Clerk', ({ it, me, allow }) => [
      allow('all', {
        says: 'Chiefs handle clerks, and everyone reads themselves.',
        source: SOURCE,
        actions: ['read', 'create', 'update'],
        when: any(equal(me.clerk.isChief, true), equal(it, me.clerk)),
      }),
    ]),
    rules(theatre, 'Ticket', ({ me, allow }) => [
      allow('sell', {
        says: 'Every clerk sells tickets.',
        source: SOURCE,
        actions: ['create', 'update'],
        when: equal(me.clerk, me.clerk),
      }),
      allow('read', {
        says: 'Their codes are for chiefs.',
        source: SOURCE,
        actions: ['read'],
        when: equal(me.clerk, me.clerk),
        fields: ['number', 'row', 'seatNumber', 'slot', 'clerkId'],
      }),
      allow('codes', {
        says: 'Their codes are for chiefs.',
        source: SOURCE,
        actions: ['read'],
        when: equal(me.clerk.isChief, true),
      }),
    ]),
  ]),
  logins: { clerk: { login: 'login', password: 'password', path: '/auth/login' } },
  administrator: { kind: 'clerk', values: { isChief: true } },
  demo: {
    accounts: [],
    load: async (seed) => {
      await seed.create('Clerk', { login: 'chief', password: DEMO_PASSWORD, isChief: true });
      await seed.create('Clerk', { login: 'clerk', password: DEMO_PASSWORD });
      await seed.create('Ticket', { number: 'T1', code: 'blue', row: 1, seatNumber: 1 });
    },
  },
};

let app: TestApplication;
beforeAll(async () => {
  app = await openApplication(application);
});
afterAll(() => app?.close());

const ticket = (more: object) => ({ number: 'T9', row: 9, seatNumber: 9, ...more });
const sell = (as: string, body: object) => app.request({ as, method: 'POST', url: '/api/tickets', body });
const TOGETHER = [
  { pointer: '/row', message: 'is taken, together with seatNumber' },
  { pointer: '/seatNumber', message: 'is taken, together with row' },
];

test.each<[what: string, as: string, body: object, errors: unknown]>([
  ['a field', 'clerk', { number: 'T1' }, [{ pointer: '/number', message: 'is taken' }]],
  ['fields together', 'clerk', { row: 1, seatNumber: 1 }, TOGETHER],
  ['a field that the caller may read', 'chief', { code: 'blue' }, [{ pointer: '/code', message: 'is taken' }]],
  ['no field that the caller may not read', 'clerk', { code: 'blue' }, undefined],
])('what is taken names %s', async (_, as, body, errors) => {
  const before = await app.fingerprint();
  const answer = await sell(as, ticket(body));
  expect([answer.status, answer.body.code, answer.body.errors]).toEqual([409, 'already_exists', errors]);
  expect(answer.text).not.toContain('blue');
  expect(await app.fingerprint()).toBe(before);
});

test('what is taken names none that was not sent, when a record is made or changed', async () => {
  const { id } = (await sell('clerk', ticket({}))).body;
  const filled = await sell('clerk', ticket({ number: 'T2', row: 2 }));
  expect([filled.status, filled.body.errors], 'the clerk and the slot are filled in').toEqual([409, undefined]);
  const moved = await app.request({
    as: 'clerk',
    method: 'PATCH',
    url: `/api/tickets/${id}`,
    body: { row: 1, seatNumber: 1 },
  });
  expect([moved.status, moved.body.errors]).toEqual([409, TOGETHER]);
  const near = await app.request({ as: 'clerk', method: 'PATCH', url: `/api/tickets/${id}`, body: { row: 1 } });
  expect(near.status).toBe(200);
  const onto = await app.request({ as: 'clerk', method: 'PATCH', url: `/api/tickets/${id}`, body: { seatNumber: 1 } });
  expect([onto.status, onto.body.errors]).toEqual([409, [TOGETHER[1]]]);
});

test('a log-in that is taken is named, also where the account alone knows', async () => {
  const body = { login: 'clerk', password: 'violet-harbour-castle' };
  const answer = await app.request({ as: 'chief', method: 'POST', url: '/api/clerks', body });
  expect([answer.status, answer.body.errors]).toEqual([409, [{ pointer: '/login', message: 'is taken' }]]);
});

test.each<[what: string, body: object, message: string]>([
  ['its own words', { number: 'X' }, 'is not as it should be: T and digits.'],
  ['where it has none, the documentation', { code: 'BLUE' }, 'is not of the form that the documentation shows'],
])('what a field has to look like is told in %s, and not as a regular expression', async (_, body, message) => {
  const answer = await sell('clerk', ticket(body));
  expect(answer.body.errors).toEqual([{ pointer: `/${Object.keys(body)[0]}`, message }]);
});
