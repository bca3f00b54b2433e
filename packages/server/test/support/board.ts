import { boolean, equal, model, policy, reference, resource, rules, text } from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, type Seed } from '@ostiary/server';

/** A notice board: whoever passes reads what is public, and may leave a note that is shown once somebody has read it. */
const boardModel = model({
  name: 'board',
  title: 'Board',
  principals: { person: 'Person', passer: null },
  resources: {
    Person: resource({
      fields: {
        login: text({ unique: true }),
        password: text({ secret: true, minLength: 8 }),
        keepsOrder: boolean({ default: false }),
      },
    }),
    Note: resource({
      sensitive: true,
      fields: {
        text: text(),
        public: boolean({ default: false }),
        ownerId: reference('Person', { optional: true, filled: 'principal' }),
      },
    }),
    Decision: resource({ fields: {}, source: 'decision' }),
  },
});

const SOURCE = 'the tests';

const boardPolicy = policy(boardModel, [
  rules(boardModel, 'Person', ({ it, me, allow }) => [
    allow('oneself', {
      says: 'Everyone reads themselves.',
      source: SOURCE,
      actions: ['read'],
      when: equal(it, me.person),
    }),
    allow('order', {
      says: 'Who keeps order updates people.',
      source: SOURCE,
      actions: ['read', 'update'],
      when: equal(me.person.keepsOrder, true),
    }),
  ]),
  rules(boardModel, 'Note', ({ it, me, allow }) => [
    allow('public', {
      says: 'Everybody reads what is public.',
      source: SOURCE,
      actions: ['read'],
      when: equal(it.public, true),
    }),
    allow('left', {
      says: 'Whoever passes leaves a note.',
      source: SOURCE,
      actions: ['create'],
      by: ['passer'],
      when: equal(it.public, false),
      fields: ['text'],
    }),
    allow('own', {
      says: 'Everyone handles their own notes.',
      source: SOURCE,
      actions: ['read', 'create', 'update', 'delete'],
      when: equal(it.ownerId, me.person),
    }),
    allow('order', {
      says: 'Who keeps order reads and updates every note.',
      source: SOURCE,
      actions: ['read', 'update'],
      when: equal(me.person.keepsOrder, true),
    }),
  ]),
  rules(boardModel, 'Decision', ({ me, allow }) => [
    allow('order', {
      says: 'Who keeps order knows who may do what.',
      source: SOURCE,
      actions: ['read'],
      when: equal(me.person.keepsOrder, true),
    }),
  ]),
]);

async function load(seed: Seed): Promise<void> {
  const ada = await seed.create('Person', { login: 'ada', password: DEMO_PASSWORD });
  await seed.create('Person', { login: 'keeper', password: DEMO_PASSWORD, keepsOrder: true });
  for (const [text, shown] of [
    ['Lost: one umbrella', true],
    ['Found: one umbrella', true],
    ['Ask for Ada', false],
  ] as const) {
    await seed.create('Note', { text, public: shown, ownerId: ada });
  }
}

/** The application on that model: whoever comes without a token is a passer. */
export const board: Application = {
  policy: boardPolicy,
  guests: 'passer',
  logins: { person: { login: 'login', password: 'password', path: '/auth/login' } },
  administrator: { kind: 'person', values: { keepsOrder: true } },
  demo: { accounts: [], load },
};
