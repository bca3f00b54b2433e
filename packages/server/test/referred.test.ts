import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { shelves } from './support/shelves.js';

let app: TestApplication;
let shelf: Readonly<Record<'red' | 'blue' | 'locked' | 'cellar', string>>;

beforeAll(async () => {
  app = await openApplication(shelves);
  const of = (name: string) => app.idOf('Shelf', 'name', name);
  shelf = { red: await of('red'), blue: await of('blue'), locked: await of('locked'), cellar: await of('cellar') };
});
afterAll(() => app?.close());

const send = (method: 'POST' | 'PATCH' | 'DELETE', url: string, body?: object, as = 'ada') =>
  app.request({ as, method, url, ...(body === undefined ? {} : { body }) });
/** A book of Ada's, on these shelves. */
const book = (values: object = {}) =>
  app.seed(async (system) => {
    const ownerId = await app.idOf('Person', 'login', 'ada');
    return system.create('Book', { title: 'Emma', ownerId, ...values });
  });

describe('who refers to a record needs the right to, beside the right to write', () => {
  type Shelves = typeof shelf;
  test.each<[string, (of: Shelves) => object, number]>([
    ['none', () => ({}), 201],
    ['one that is open', ({ red }) => ({ shelfId: red }), 201],
    ['one that is not', ({ locked }) => ({ shelfId: locked }), 403],
    ['a set of open ones', ({ red, blue }) => ({ alsoIds: [red, blue] }), 201],
    ['a set with one that is not', ({ red, locked }) => ({ alsoIds: [red, locked] }), 403],
  ])('a new record, with %s', async (_, values, status) => {
    const before = await app.fingerprint();
    expect((await send('POST', '/api/books', { title: 'Emma', ...values(shelf) })).status).toBe(status);
    if (status === 403) expect(await app.fingerprint(), 'a refused write changes nothing').toBe(before);
  });

  test.each<[string, (of: Shelves) => object, (of: Shelves) => object, number]>([
    ['puts it there', () => ({}), ({ red }) => ({ shelfId: red }), 200],
    ['puts it where it may not', () => ({}), ({ locked }) => ({ shelfId: locked }), 403],
    ['takes it away', ({ red }) => ({ shelfId: red }), () => ({ shelfId: null }), 200],
    ['takes it away where it may not', ({ locked }) => ({ shelfId: locked }), () => ({ shelfId: null }), 403],
    ['moves it away from there', ({ locked }) => ({ shelfId: locked }), ({ red }) => ({ shelfId: red }), 403],
    ['leaves it there', ({ locked }) => ({ shelfId: locked }), ({ locked }) => ({ shelfId: locked }), 200],
    ['changes something else', ({ locked }) => ({ shelfId: locked }), () => ({ title: 'Persuasion' }), 200],
    ['adds to a set', ({ locked }) => ({ alsoIds: [locked] }), ({ locked, red }) => ({ alsoIds: [red, locked] }), 200],
    ['takes out of a set', ({ locked, red }) => ({ alsoIds: [locked, red] }), ({ red }) => ({ alsoIds: [red] }), 403],
  ])('an update that %s', async (_, stored, changes, status) => {
    const id = await book(stored(shelf));
    expect((await send('PATCH', `/api/books/${id}`, changes(shelf))).status).toBe(status);
  });

  test.each([
    ['open', 'red', 201, 204],
    ['not open', 'locked', 403, 403],
  ] as const)('a link to one that is %s is made and deleted so', async (_, name, made, deleted) => {
    const bookId = await book();
    expect((await send('POST', '/api/placed', { bookId, shelfId: shelf[name] })).status).toBe(made);
    const id = await app.seed((system) => system.create('BookOnShelf', { bookId, shelfId: shelf[name] }));
    expect((await send('DELETE', `/api/placed/${id}`)).status).toBe(deleted);
  });

  test('a record that is deleted needs no more than that, though it refers to others', async () => {
    expect((await send('DELETE', `/api/books/${await book({ shelfId: shelf.locked })}`)).status).toBe(204);
  });

  test('what is not there is no reference to anybody, and tells nobody', async () => {
    const shelfId = '00000000-0000-7000-8000-000000000000';
    const [own, librarians] = await Promise.all(
      ['ada', 'librarian'].map((as) => send('POST', '/api/books', { title: 'Emma', shelfId }, as)),
    );
    expect([own?.status, librarians?.body.code]).toEqual([403, 'reference_not_found']);
  });

  test('the refusal says what would be needed, and is in the trail', async () => {
    await app.audit();
    const { body } = await send('POST', '/api/books', { title: 'Emma', shelfId: shelf.locked });
    expect(body).toMatchObject({ code: 'not_allowed', missing: [expect.stringContaining('open')] });
    expect(await app.audit()).toMatchObject([
      { event: 'access.refused', action: 'refer', resource_type: 'Shelf', record_id: shelf.locked },
    ]);
  });

  test('the installation refers to whatever it has to', async () => {
    expect(await book({ shelfId: shelf.locked, alsoIds: [shelf.cellar] })).toBeTypeOf('string');
  });
});

describe('a field is filled from an attribute of its type', () => {
  const permission = async (values: object, as: string) => {
    const { status, body } = await send('POST', '/api/books', { title: 'Emma', ...values }, as);
    if (status !== 201) return status;
    return (await app.request({ as, url: `/api/books/${body.id}` })).body.permission;
  };
  beforeEach(async () => {
    const id = await app.idOf('Kind', 'name', 'Book');
    expect((await send('PATCH', `/api/kinds/${id}`, { startsWith: 5 }, 'librarian')).status).toBe(200);
  });

  test.each([
    ['where nothing is given', {}, 'ada', 5],
    ['where somebody may not give it', { permission: 7 }, 'ada', 403],
    ['where nothing is given by who may', {}, 'librarian', 5],
    ['but where who may gives it', { permission: 7 }, 'librarian', 7],
    ['and never with what is none', { permission: 'all' }, 'librarian', 422],
  ])('%s', async (_, values, as, expected) => {
    expect(await permission(values, as)).toBe(expected);
  });

  test('as it is when the record is created; and it can be changed later', async () => {
    const id = await app.idOf('Kind', 'name', 'Book');
    const early = await send('POST', '/api/books', { title: 'Emma' });
    await send('PATCH', `/api/kinds/${id}`, { startsWith: 9 }, 'librarian');
    expect(await permission({}, 'ada')).toBe(9);
    const url = `/api/books/${early.body.id}`;
    expect((await app.request({ as: 'ada', url })).body.permission).toBe(5);
    expect((await send('PATCH', url, { permission: 6 })).body.permission).toBe(6);
  });

  test('the documentation says that it may be left out', async () => {
    const { paths } = (await app.request({ url: '/openapi.json' })).body;
    const { schema } = paths['/api/books'].post.requestBody.content['application/json'];
    expect(Object.keys(schema.properties)).toContain('permission');
    expect(schema.required).toEqual(['title']);
  });
});

describe('what is filled with who creates a record, and transfers', () => {
  const owner = async (id: string) => (await app.request({ as: 'librarian', url: `/api/books/${id}` })).body.ownerId;

  test('is never given at creation', async () => {
    const ownerId = await app.idOf('Person', 'login', 'ada');
    const { status, body } = await send('POST', '/api/books', { title: 'Emma', ownerId }, 'librarian');
    expect([status, body.code]).toEqual([422, 'invalid_input']);
  });

  test.each([
    ['by who may update the record as it will be', 'librarian', 200],
    ['but by nobody who then could not', 'ada', 403],
  ])('is changed %s', async (_, as, status) => {
    const id = await book();
    const [before, ownerId] = [await owner(id), await app.idOf('Person', 'login', 'librarian')];
    expect((await send('PATCH', `/api/books/${id}`, { ownerId }, as)).status).toBe(status);
    expect(await owner(id)).toBe(status === 200 ? ownerId : before);
  });
});
