import {
  any,
  boolean,
  choice,
  equal,
  model,
  not,
  policy,
  principals,
  reference,
  resource,
  rules,
  text,
} from '@ostiary/policy';
import { type Application, createServiceKey, DEMO_PASSWORD } from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, type TestAnswer, type TestApplication } from './support/application.js';

/** Principals with a log-in and another name; records whose names only some may see, and names that look like others. */
const namesModel = model({
  name: 'names',
  title: 'Names',
  principals: { person: 'Person' },
  resources: {
    Person: resource({
      identifiedBy: 'handle',
      fields: {
        login: text({ unique: true }),
        handle: text({ unique: true }),
        password: text({ secret: true, minLength: 8 }),
        role: choice(['member', 'admin'], { default: 'member' }),
      },
    }),
    Page: resource({
      identifiedBy: 'title',
      fields: {
        title: text({ unique: true }),
        state: choice(['draft', 'final', 'sealed'], { default: 'draft' }),
        ownerId: reference('Person'),
        open: boolean({ default: false }),
      },
    }),
    Decision: resource({ source: 'decision', fields: {} }),
  },
});
const { person } = principals(namesModel);
const source = 'the tests';
const namesPolicy = policy(namesModel, [
  rules(namesModel, 'Page', ({ it, allow }) => [
    allow('owners', { says: 'Owners read theirs.', source, actions: ['read'], when: equal(it.ownerId, person.id) }),
    allow('open', { says: 'Open.', source, actions: ['read'], when: equal(it.open, true), fields: ['open'] }),
    allow('drafts', {
      says: 'Drafts.',
      source,
      actions: ['update'],
      when: not(any(equal(it.state, 'final'), equal(it.state, 'sealed'))),
    }),
    allow('final', { says: 'Final.', source, actions: ['delete'], when: equal(it.state, 'final') }),
    allow('create', { says: 'Members create.', source, actions: ['create'], when: equal(person.role, 'member') }),
  ]),
  rules(namesModel, 'Person', ({ it, allow }) => [
    allow('members', { says: 'Members.', source, actions: ['read'], when: equal(it.id, person.id) }),
  ]),
  rules(namesModel, 'Decision', ({ it, allow }) => [
    allow('known', { says: 'Of somebody.', source, actions: ['read'], when: not(equal(it.id, '')) }),
  ]),
]);

const UUID = '01900000-0000-7000-8000-00000000000a';
const names: Application = {
  policy: namesPolicy,
  personas: {},
  logins: { person: { login: 'login', password: 'password', path: '/auth/login' } },
  tokens: { algorithm: 'ES256', lifetimeSeconds: 3600 },
  administrator: { kind: 'person', values: { handle: 'root', role: 'admin' } },
  demo: {
    accounts: [],
    async load(seed) {
      const make = (login: string, handle: string, more: object = {}) =>
        seed.create('Person', { login, handle, password: DEMO_PASSWORD, ...more });
      const ann = await make('ann', 'Ann A.');
      const ben = await make('ben', 'Ben B.', { role: 'admin' });
      // Whoever chooses these takes a name of somebody else's.
      await make('Ann A.', 'Mallory');
      await make('mal', 'ben');
      await make(ann, 'Like an id');
      const pages: readonly (readonly [string, object])[] = [
        ['Plain', {}],
        ['Of others', { ownerId: ben, open: true }],
        ['', {}],
        [UUID, {}],
        ['tab\there', {}],
        ['x'.repeat(1_001), {}],
        ['Final', { state: 'final' }],
        ['Sealed', { state: 'sealed', ownerId: ben }],
      ];
      for (const [title, values] of pages) await seed.create('Page', { title, ownerId: ann, ...values });
    },
  },
};

let app: TestApplication;
let token: string;
let plain: string;
beforeAll(async () => {
  app = await openApplication(names);
  const key = async (trusted: boolean) =>
    (await createServiceKey(app.installation, 'names', { name: 'a program', trusted, expiresAt: null })).key;
  token = await key(true);
  plain = await key(false);
});
afterAll(() => app?.close());

type Who = { readonly as?: string; readonly token?: string };
const ask = (at: string, body: object, who: Who = { token }): Promise<TestAnswer> =>
  app.request({ ...who, method: 'POST', url: `/access/v1/${at}`, body });
const found = async (at: string, body: object, who?: Who): Promise<readonly string[]> => {
  const answer = await ask(`search/${at}`, body, who);
  expect(answer.status, answer.text).toBe(200);
  return answer.body.results.map(({ id, name }: { id?: string; name?: string }) => id ?? name);
};
const subject = (id: string, properties?: object) => ({ type: 'person', id, ...(properties ? { properties } : {}) });
const page = (id?: string, properties?: object) => ({ ...subject(id ?? '', properties), type: 'page' });
const does = (name: string) => ({ name });
const asks = (who: object, action: string, resource: object) => ({ subject: who, action: does(action), resource });

describe('a text that leads to several leads to nobody', () => {
  test.each([
    ['a log-in', 'ann', true],
    ['a name', 'Like an id', true],
    ["a log-in that is another's name", 'ben', false],
    ["a name that is another's log-in", 'Ann A.', false],
  ])('%s', async (_, id, there) => {
    const updates = asks(subject(id), 'update', page('Plain'));
    expect((await ask('evaluation', updates)).body.decision, 'as a subject').toBe(there);
    const readers = await found('subject', asks({ type: 'person' }, 'read', { type: 'person', id }));
    expect(readers, 'as a resource').toHaveLength(there ? 1 : 0);
  });

  test("an id that is another's log-in", async () => {
    const ann = await app.idOf('Person', 'login', 'ann');
    const ben = await app.idOf('Person', 'login', 'ben');
    const reads = async (id: string) =>
      (await ask('evaluation', asks(subject(id), 'read', { type: 'person', id }))).body.decision;
    expect([await reads(ben), await reads(ann)]).toEqual([true, false]);
  });

  test('what a search finds is by names that are read as the same', async () => {
    const people = await found('subject', asks({ type: 'person' }, 'update', page('Plain')));
    const expected = [
      await app.idOf('Person', 'handle', 'Ann A.'),
      'Ben B.',
      'Mallory',
      await app.idOf('Person', 'handle', 'ben'),
      'Like an id',
    ];
    expect(people).toEqual(expected);
  });
});

describe('names of records', () => {
  const titles = async () => {
    const { rows } = await app.database.pool.query('select id, title from names.page order by id');
    return rows as readonly { id: string; title: string }[];
  };

  test('are answered where they lead back, and ids otherwise', async () => {
    const expected = (await titles())
      .filter(({ title }) => !/^(Final|Sealed)$/.test(title))
      .map(({ id, title }) => (['Plain', 'Of others'].includes(title) ? title : id));
    const results = await found('resource', asks(subject('ann'), 'update', page()));
    expect(results).toEqual(expected);
    const evaluations = results.map((id) => ({ resource: page(id) }));
    const { body } = await ask('evaluations', { subject: subject('ann'), action: does('update'), evaluations });
    expect(body.evaluations, 'each is what an evaluation says yes to').toEqual(results.map(() => ({ decision: true })));
  });

  test('are told of those records alone of which the asker may see them', async () => {
    const expected = (await titles())
      .filter(({ title }) => !/^(Final|Sealed)$/.test(title))
      .map(({ id, title }) => (title === 'Plain' ? title : id));
    const results = await found('resource', asks(subject('ann'), 'update', page()), { as: 'ann' });
    expect(results).toEqual(expected);
  });
});

describe('a told value that is none of its choices', () => {
  const evaluate = async (who: object, action: string, resource: object, by?: Who) =>
    (await ask('evaluation', asks(who, action, resource), by)).body.decision;

  test('equals none of them, rather than what is stored', async () => {
    const lead = subject('ann', { role: 'manager' });
    expect(await evaluate(subject('ann'), 'create', page())).toBe(true);
    expect(await evaluate(lead, 'create', page())).toBe(false);
    expect(await evaluate(lead, 'create', page(), { token: plain }), 'who is not trusted is not believed').toBe(true);
    const odd = { state: 'odd' };
    expect(await evaluate(subject('ann'), 'update', page('Final'))).toBe(false);
    expect(await evaluate(subject('ann'), 'update', page('Final', odd))).toBe(true);
    expect(await evaluate(subject('ann'), 'delete', page('Final', odd))).toBe(false);
    expect(await found('resource', asks(lead, 'update', page(undefined, odd)))).toHaveLength(8);
    expect(await found('resource', asks(lead, 'delete', page(undefined, odd)))).toEqual([]);
    expect(await found('subject', asks({ type: 'person' }, 'delete', page('Final', odd)))).toEqual([]);
    expect(await found('subject', asks({ type: 'person' }, 'update', page('Final', odd)))).toHaveLength(5);
  });

  test('has to be a text that could be stored', async () => {
    for (const role of [7, '\u0000', ['admin'], '\ud800']) {
      const answer = await ask('evaluation', asks(subject('ann', { role }), 'create', page()));
      expect([answer.status, answer.body.code]).toEqual([400, 'malformed_request']);
    }
  });
});

test.each<readonly [string, object, Who | undefined, readonly string[]]>([
  ['one that is there', page('Plain'), undefined, ['list', 'read', 'create', 'update']],
  ['one that is not', page('Nothing'), undefined, []],
  ['one that is not, by whom is not believed', page('Nothing'), { as: 'ann' }, []],
  ['one on which nothing else is', page('Sealed'), undefined, ['create']],
  ['the same, by whom is not believed', page('Sealed'), { as: 'ann' }, []],
  ['one that is only described', page('Nothing', { title: 'Nothing' }), undefined, ['create', 'update']],
  ['none', page(''), undefined, ['list', 'create']],
])('what may be done on %s', async (_, resource, who, expected) => {
  expect(await found('action', { subject: subject('ann'), resource }, who)).toEqual(expected);
});

test('a decision is about the principal whom its id leads to', async () => {
  const ids = await Promise.all(['ann', 'ben'].map((login) => app.idOf('Person', 'login', login)));
  const evaluations = ['Ben B.', 'ben', 'mal', 'nobody', ...ids].map((id) => ({ resource: { type: 'Decision', id } }));
  const { body } = await ask('evaluations', { subject: subject('Mallory'), action: does('read'), evaluations });
  expect(body.evaluations.map((item: { decision: boolean }) => item.decision)).toEqual([
    true,
    false,
    true,
    false,
    false,
    true,
  ]);
});
