import { boolean, equal, integer, model, policy, reference, references, resource, rules, text } from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, type Seed } from '@ostiary/server';

/** Books on shelves: nobody puts one onto a shelf, or takes it off, that is not open to them. */
const shelvesModel = model({
  name: 'shelves',
  title: 'Shelves',
  principals: { person: 'Person' },
  resources: {
    Person: resource({
      fields: {
        login: text({ unique: true }),
        password: text({ secret: true, minLength: 8 }),
        isLibrarian: boolean({ default: false }),
      },
    }),
    Kind: resource({ fields: { name: text({ unique: true }), startsWith: integer() } }),
    Shelf: resource({
      collection: 'shelves',
      fields: { name: text({ unique: true }), open: boolean({ default: false }) },
      actions: ['refer'],
      referred: 'refer',
    }),
    Book: resource({
      fields: {
        title: text(),
        ownerId: reference('Person', { optional: true, filled: 'principal', transfers: true }),
        shelfId: reference('Shelf', { optional: true, clears: true }),
        alsoIds: references('Shelf', { default: [], clears: true }),
        permission: integer({ filled: { type: 'startsWith' } }),
      },
    }),
    BookOnShelf: resource({
      collection: 'placed',
      fields: { bookId: reference('Book', { cascades: true }), shelfId: reference('Shelf', { cascades: true }) },
    }),
    Stamp: resource({ fields: { type: text(), of: text(), was: text() } }),
  },
  typeAttributes: { startsWith: integer() },
  types: { in: 'Kind', type: 'name' },
});

const SOURCE = 'the tests';
const TYPES = ['Person', 'Kind', 'Shelf', 'Book', 'BookOnShelf', 'Stamp'] as const;

const librarian = TYPES.map((of) =>
  rules(shelvesModel, of, ({ me, allow }) => [
    allow('librarian', {
      says: 'A librarian does everything.',
      source: SOURCE,
      actions: 'every',
      when: equal(me.person.isLibrarian, true),
    }),
  ]),
);

const shelvesPolicy = policy(shelvesModel, [
  ...librarian,
  rules(shelvesModel, 'Shelf', ({ it, allow }) => [
    allow('open', {
      says: 'Everyone sees and uses those that are open.',
      source: SOURCE,
      actions: ['read', 'refer'],
      when: equal(it.open, true),
    }),
  ]),
  rules(shelvesModel, 'Book', ({ it, me, allow }) => [
    allow('brings', {
      says: 'Everyone brings books.',
      source: SOURCE,
      actions: ['create'],
      when: equal(it.ownerId, me.person),
      fields: ['title', 'shelfId', 'alsoIds'],
    }),
    allow('own', {
      says: 'Everyone handles their own books.',
      source: SOURCE,
      actions: ['read', 'update', 'delete'],
      when: equal(it.ownerId, me.person),
    }),
  ]),
  rules(shelvesModel, 'BookOnShelf', ({ it, me, allow }) => [
    allow('own', {
      says: 'Everyone places their own books.',
      source: SOURCE,
      actions: ['read', 'create', 'update', 'delete'],
      when: equal(it.bookId.ownerId, me.person),
    }),
  ]),
]);

async function initial(seed: Seed): Promise<void> {
  await seed.create('Kind', { name: 'Book', startsWith: 5 });
  for (const [name, open] of [
    ['red', true],
    ['blue', true],
    ['locked', false],
    ['cellar', false],
  ] as const) {
    await seed.create('Shelf', { name, open });
  }
}

async function load(seed: Seed): Promise<void> {
  await seed.create('Person', { login: 'ada', password: DEMO_PASSWORD });
  await seed.create('Person', { login: 'librarian', password: DEMO_PASSWORD, isLibrarian: true });
}

/** The application on that model. Whatever is written is stamped. */
export const shelves: Application = {
  policy: shelvesPolicy,
  logins: { person: { login: 'login', password: 'password', path: '/auth/login' } },
  administrator: {
    kind: 'person',
    values: {},
    made: (system, id) => system.update('Person', id, { isLibrarian: true }),
  },
  effects: {
    Shelf: {
      deleting: async ({ record }) => (record.values.name === 'red' ? 'The red one stays.' : null),
    },
    '*': {
      created: ({ type, record, system }) => stamp(type, record.id, 'created', system),
      updated: ({ type, record, system }) => stamp(type, record.id, 'updated', system),
      deleted: ({ type, record, system }) => stamp(type, record.id, 'deleted', system),
      deleting: async ({ type, record, system }) => {
        if (record.values.name !== 'cellar') return null;
        await stamp(type, record.id, 'kept', system);
        return 'The cellar stays.';
      },
    },
  },
  initial,
  demo: { accounts: [], load },
};

async function stamp(type: string, of: string, was: string, system: Pick<Seed, 'create'>): Promise<void> {
  if (type !== 'Stamp') await system.create('Stamp', { type, of, was });
}
