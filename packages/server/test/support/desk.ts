import { boolean, equal, model, policy, present, reference, resource, rules, text } from '@ostiary/policy';
import { type Application, type Command, DEMO_PASSWORD, Problem, type Seed, Type } from '@ostiary/server';

/** A reception desk: people come in by commands alone, and ring its bells. */
const deskModel = model({
  name: 'desk',
  title: 'Desk',
  principals: { person: 'Person', passer: null },
  resources: {
    Person: resource({
      fields: {
        login: text({ unique: true, maxLength: 100 }),
        password: text({ secret: true, minLength: 8 }),
        isPorter: boolean({ default: false }),
      },
    }),
    Bell: resource({ fields: { name: text({ unique: true }), forPorters: boolean() }, actions: ['ring'] }),
    Ring: resource({
      fields: {
        bellId: reference('Bell'),
        byId: reference('Person', { optional: true, filled: 'principal' }),
        word: text(),
      },
      sensitive: true,
    }),
  },
});

const SOURCE = 'the tests';

const deskPolicy = policy(deskModel, [
  rules(deskModel, 'Person', ({ it, me, allow }) => [
    allow('oneself', {
      says: 'Everyone reads themselves.',
      source: SOURCE,
      actions: ['read'],
      when: equal(it, me.person),
    }),
    allow('newcomer', {
      says: 'Whoever passes makes an account.',
      source: SOURCE,
      actions: ['create'],
      by: ['passer'],
      when: equal(it.isPorter, false),
      fields: ['login', 'password'],
    }),
  ]),
  rules(deskModel, 'Bell', ({ it, me, allow }) => [
    allow('ring', {
      says: 'Everyone rings a bell that is not for porters.',
      source: SOURCE,
      actions: ['read', 'ring'],
      when: equal(it.forPorters, false),
    }),
    allow('porter', {
      says: 'A porter rings every bell.',
      source: SOURCE,
      actions: 'every',
      when: equal(me.person.isPorter, true),
    }),
  ]),
  rules(deskModel, 'Ring', ({ it, me, allow }) => [
    allow('own', {
      says: 'Everyone rings in their own name, and takes that back.',
      source: SOURCE,
      actions: ['read', 'create', 'update', 'delete'],
      when: equal(it.byId, me.person),
    }),
    allow('porter', {
      says: 'A porter reads who has rung.',
      source: SOURCE,
      actions: ['read'],
      when: present(me.person.isPorter),
    }),
  ]),
]);

const credentials = { login: Type.String({ maxLength: 100 }), password: Type.String({ maxLength: 100 }) };
const closed = { additionalProperties: false };
const none = Type.Object({}, closed);
const ofPerson = { action: 'create', type: 'Person' };

const enter: Command = {
  name: 'enter',
  path: '/enter',
  says: 'Come in with a password',
  decision: { action: 'read', type: 'Bell' },
  params: none,
  input: Type.Object(credentials, closed),
  run: async ({ input, logIn }) => {
    const { accessToken } = await logIn('person', String(input.login), String(input.password));
    return { body: { token: accessToken }, cookies: [{ name: 'token', value: accessToken, maxAgeSeconds: 60 }] };
  },
};

const register: Command = {
  name: 'register',
  path: '/register',
  says: 'Make an account, and come in with it',
  decision: ofPerson,
  params: none,
  input: Type.Object(credentials, closed),
  run: async ({ input, countAttempt, inTransaction, issue }) => {
    await countAttempt();
    const { id } = await inTransaction((hands) => hands.create('Person', input));
    return { body: { id, token: (await issue('person', id)).accessToken } };
  },
};

const ring: Command = {
  name: 'ring',
  path: '/ring/:bell/:times',
  says: 'Ring a bell',
  decision: { action: 'ring', type: 'Bell' },
  params: Type.Object({ bell: Type.String({ pattern: '^[a-z]+$' }), times: Type.Enum(['once', 'twice']) }),
  input: Type.Object({ word: Type.Optional(Type.String()), bellId: Type.Optional(Type.String()) }, closed),
  run: async ({ params, input, find, authorize, inTransaction }) => {
    const [bell] = await find('Bell', { name: params.bell ?? '' });
    const { record } = await authorize('ring', 'Bell', bell?.id ?? null);
    const { word = 'hello' } = input;
    if (word === 'shh') return { body: null };
    return inTransaction(async ({ create, change, read, remove, system }) => {
      const rung = await create('Ring', { bellId: record.id, word });
      if (params.times === 'once') return { body: await read('Ring', rung.id) };
      const other = await system.create('Ring', { bellId: record.id, word: 'echo' });
      if (word === 'oops') throw new Problem('conflict', { detail: 'It is broken.' });
      if (word === 'theft') await change('Ring', other, { word: 'mine' });
      if (word === 'shape') await change('Ring', rung.id, { word: 7 });
      await change('Ring', rung.id, { word: `${word}!` });
      return { body: await remove('Ring', rung.id) };
    });
  },
};

const look: Command = {
  name: 'look',
  path: '/look',
  says: 'Look around',
  decision: { action: 'read', type: 'Bell' },
  params: none,
  input: none,
  run: async () => ({ body: [] }),
};

async function load(seed: Seed): Promise<void> {
  await seed.create('Person', { login: 'ada', password: DEMO_PASSWORD });
  await seed.create('Person', { login: 'porter', password: DEMO_PASSWORD, isPorter: true });
  await seed.create('Bell', { name: 'front', forPorters: false });
  await seed.create('Bell', { name: 'cellar', forPorters: true });
}

/** The application on that model: nobody logs in but by its commands. */
export const desk: Application = {
  policy: deskPolicy,
  guests: 'passer',
  logins: { person: { login: 'login', password: 'password', path: null } },
  commands: [enter, register, ring, look],
  administrator: { kind: 'person', values: { isPorter: true } },
  demo: { accounts: [{ login: 'ada', says: 'rings bells' }], load },
};
