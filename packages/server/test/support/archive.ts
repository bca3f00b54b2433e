import {
  all,
  any,
  boolean,
  date,
  equal,
  integer,
  json,
  model,
  policy,
  reference,
  references,
  resource,
  rules,
  text,
} from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, type Seed } from '@ostiary/server';
import { Type } from '../../src/input/json-schema.js';
import type { TestApplication } from './application.js';

const archiveModel = model({
  name: 'archive',
  title: 'Archive',
  principals: { person: 'Person', passer: null },
  resources: {
    Person: resource({
      fields: {
        login: text({ unique: true, maxLength: 100 }),
        password: text({ secret: true, minLength: 8, maxLength: 256 }),
        keeper: boolean({ default: false }),
      },
      relations: { shelves: { in: 'Membership', of: 'personId', to: 'shelfId' } },
    }),
    Membership: resource({ fields: { personId: reference('Person'), shelfId: reference('Shelf') } }),
    Shelf: resource({
      collection: 'shelves',
      fields: { name: text({ unique: true, maxLength: 100 }), open: boolean({ default: true }) },
      relations: { papers: { in: 'Place', of: 'shelfId', to: 'paperId' } },
    }),
    Topic: resource({ fields: { name: text({ unique: true, maxLength: 100 }) } }),
    Paper: resource({
      actions: ['stamp', 'refer'],
      fields: {
        title: text({ maxLength: 200 }),
        pages: integer({ optional: true, minimum: 0 }),
        writtenOn: date({ optional: true }),
        remark: text({ optional: true, says: 'For its owner.' }),
        extra: json({ optional: true }),
        shown: boolean({ default: false }),
        listed: boolean({ default: false }),
        ownerId: reference('Person', { optional: true, filled: 'principal' }),
        answerTo: reference('Paper', { optional: true, clears: true }),
        topicIds: references('Topic', { default: [] }),
      },
      relations: { shelves: { in: 'Place', of: 'paperId', to: 'shelfId' } },
    }),
    Place: resource({
      says: 'A paper on a shelf.',
      fields: {
        paperId: reference('Paper', { cascades: true }),
        shelfId: reference('Shelf'),
        note: text({ optional: true }),
      },
      uniqueTogether: [['paperId', 'shelfId']],
    }),
    Letter: resource({
      sensitive: true,
      fields: {
        text: text({ maxLength: 1000 }),
        toId: reference('Person'),
        aboutId: reference('Paper'),
        answerTo: reference('Letter', { optional: true }),
      },
    }),
    Decision: resource({ fields: {}, source: 'decision' }),
  },
});

const SOURCE = 'the tests';
const TYPES = ['Person', 'Membership', 'Shelf', 'Topic', 'Paper', 'Place', 'Letter', 'Decision'] as const;

/** A keeper does everything, with every type. */
const keeping = TYPES.map((type) =>
  rules(archiveModel, type, ({ me, allow }) => [
    allow('keeper', {
      says: 'A keeper does everything.',
      source: SOURCE,
      actions: 'every',
      when: equal(me.person.keeper, true),
    }),
  ]),
);

const archivePolicy = policy(archiveModel, [
  ...keeping,
  rules(archiveModel, 'Person', ({ it, me, allow }) => [
    allow('oneself', {
      says: 'Everyone reads themselves.',
      source: SOURCE,
      actions: ['read'],
      when: equal(it, me.person),
    }),
  ]),
  ...(['Shelf', 'Topic'] as const).map((type) =>
    rules(archiveModel, type, ({ allow, it }) => [
      allow('everyone', { says: 'Everyone reads it.', source: SOURCE, actions: ['read'], when: equal(it, it) }),
    ]),
  ),
  rules(archiveModel, 'Paper', ({ it, me, allow }) => [
    allow('shown', {
      says: 'Everyone reads what is shown.',
      source: SOURCE,
      actions: ['read'],
      when: equal(it.shown, true),
      fields: ['title', 'pages', 'writtenOn', 'shown', 'listed', 'ownerId', 'answerTo', 'topicIds'],
    }),
    allow('listed', {
      says: 'Everyone may know that there is what is listed.',
      source: SOURCE,
      actions: ['list'],
      when: equal(it.listed, true),
      fields: [],
    }),
    allow('own', {
      says: 'Everyone handles their own papers.',
      source: SOURCE,
      actions: ['read', 'create', 'update', 'delete', 'stamp', 'refer'],
      when: equal(it.ownerId, me.person),
    }),
  ]),
  rules(archiveModel, 'Place', ({ it, allow, may }) => [
    allow('reads', {
      says: 'Whoever reads a paper reads where it is.',
      source: SOURCE,
      actions: ['read'],
      when: may('read', it.paperId),
    }),
    allow('puts', {
      says: 'Whoever may update a paper puts it on open shelves, and takes it away.',
      source: SOURCE,
      actions: ['create', 'delete'],
      when: all(may('update', it.paperId), equal(it.shelfId.open, true)),
    }),
  ]),
  rules(archiveModel, 'Letter', ({ it, me, allow }) => [
    allow('to', {
      says: 'Everyone reads their letters.',
      source: SOURCE,
      actions: ['read'],
      when: any(equal(it.toId, me.person)),
    }),
  ]),
]);

async function load(seed: Seed): Promise<void> {
  const people: Record<string, string> = {};
  for (const login of ['keeper', 'ada', 'ben']) {
    people[login] = await seed.create('Person', { login, password: DEMO_PASSWORD, keeper: login === 'keeper' });
  }
  const { ada = '', ben = '' } = people;
  const [history, law] = [await seed.create('Topic', { name: 'History' }), await seed.create('Topic', { name: 'Law' })];
  const upper = await seed.create('Shelf', { name: 'Upper' });
  const lower = await seed.create('Shelf', { name: 'Lower' });
  await seed.create('Shelf', { name: 'Locked', open: false });
  await seed.create('Membership', { personId: ada, shelfId: upper });
  const paper = (title: string, ownerId: string, more: object = {}) =>
    seed.create('Paper', { title, ownerId, ...more });
  const first = await paper('Alpha', ada, { shown: true, pages: 3, remark: 'draft', topicIds: [history, law] });
  const second = await paper('Beta', ada, { shown: true, pages: 3, answerTo: first, writtenOn: '2026-01-02' });
  await paper('Gamma', ben, { shown: true, pages: 9, answerTo: second, topicIds: [law] });
  const hidden = await paper('Delta', ben, { listed: true, pages: 1 });
  await paper('Epsilon', ben, { pages: 2, answerTo: hidden });
  await paper('Zeta', ada, { shown: true, answerTo: hidden });
  for (const [paperId, shelfId] of [
    [first, upper],
    [first, lower],
    [hidden, lower],
  ]) {
    await seed.create('Place', { paperId, shelfId });
  }
  const question = await seed.create('Letter', { text: 'Question', toId: ada, aboutId: first });
  await seed.create('Letter', { text: 'Answer', toId: ada, aboutId: first, answerTo: question });
}

/** The application on that model, as JSON:API: whoever comes without a token is a passer. */
export const archive: Application = {
  policy: archivePolicy,
  api: 'json-api',
  guests: 'passer',
  logins: { person: { login: 'login', password: 'password', path: '/auth/login' } },
  administrator: { kind: 'person', values: { keeper: true } },
  actions: [
    {
      type: 'Paper',
      action: 'stamp',
      says: 'Stamp a paper',
      input: Type.Object({}, { additionalProperties: false }),
      run: async () => ({ stamped: true }),
    },
  ],
  effects: {
    Topic: {
      deleting: async ({ record }) => (record.values.name === 'Law' ? 'It is kept: nobody is above it.' : null),
    },
  },
  demo: { accounts: [], load },
};

/** The ids of its demo data, by titles, names, log-ins and texts. */
export async function idsByName(app: TestApplication): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>();
  for (const [table, column] of [
    ['paper', 'title'],
    ['shelf', 'name'],
    ['topic', 'name'],
    ['person', 'login'],
    ['letter', 'text'],
  ]) {
    const { rows } = await app.database.pool.query(`select id, "${column}" as name from archive."${table}"`);
    for (const { id, name } of rows) ids.set(name, id);
  }
  return ids;
}
