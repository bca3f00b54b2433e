import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication, type TestRequest } from './support/application.js';
import { declaring } from './support/declared.js';

let app: TestApplication;

beforeAll(async () => {
  app = await openApplication({ ...declaring, api: 'json-api' });
});
afterAll(() => app?.close());

const headers = { 'content-type': 'application/vnd.api+json' };
const send = (method: 'POST' | 'PATCH', url: string, data: unknown, as = 'ada') =>
  app.request({ as, method, url, headers, body: { data } });
const declare = (name: string, fields: readonly object[]) =>
  send('POST', '/api/kinds', { type: 'kinds', attributes: { name, permission: 255, fields } }, 'admin');
const NAME = { name: 'name', kind: 'text' };

test('a type that is declared while it runs is JSON:API from the next request on', async () => {
  const declared = await declare('Tree', [NAME, { name: 'bookId', kind: 'reference', to: 'Book', optional: true }]);
  expect(declared.status).toBe(201);
  const [book] = (await app.request({ url: '/api/books' })).body.data;
  const identifier = { type: 'books', id: book.id };
  const relationships = { bookId: { data: identifier } };
  const made = await send('POST', '/api/trees', { type: 'trees', attributes: { name: 'Oak' }, relationships });
  expect(made.status).toBe(201);
  expect(made.body.data).toMatchObject({ type: 'trees', attributes: { name: 'Oak' }, relationships });

  const list = await app.request({ url: '/api/trees?include=bookId&filter[name]=Oak&sort=-name&fields[books]=title' });
  expect(list.body.data.map(({ id }: { id: string }) => id)).toEqual([made.body.data.id]);
  expect(list.body.included).toMatchObject([{ ...identifier, attributes: { title: 'The first' } }]);

  const at = `/api/trees/${made.body.data.id}`;
  expect((await app.request({ url: `${at}/bookId` })).body.data).toMatchObject(identifier);
  expect((await send('PATCH', `${at}/relationships/bookId`, null)).status).toBe(204);
  expect((await app.request({ url: `${at}/relationships/bookId` })).body.data).toBeNull();
  const { paths } = (await app.request({ url: '/openapi.json' })).body;
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(['/api/trees/{id}', '/api/trees/{id}/relationships/bookId']),
  );
});

test.each<[what: string, request: TestRequest, status: number, source: object | undefined]>([
  ['a parameter that is not known', { url: '/api/books?limit=3' }, 400, { parameter: 'limit' }],
  [
    'a field that is not known',
    { method: 'POST', url: '/api/books', body: { data: { type: 'books', attributes: { title: 'A', b: 1 } } } },
    422,
    { pointer: '/data/attributes/b' },
  ],
  ['a method that is not offered', { method: 'PUT', url: '/api/books' }, 405, undefined],
  ['a type that is not declared', { url: '/api/nothing/1' }, 404, undefined],
])('%s is told as of any other type', async (_, request, status, source) => {
  const answer = await app.request({ as: 'admin', ...request });
  expect([answer.status, answer.headers['content-type']]).toEqual([status, headers['content-type']]);
  expect(answer.body.errors[0].source).toEqual(source);
});

test('a type can’t be declared with a field of a name that JSON:API has', async () => {
  const { status, body } = await declare('Wall', [{ name: 'type', kind: 'text' }]);
  expect([status, body.errors[0].code]).toEqual([422, 'invalid_input']);
  expect((await app.request({ url: '/api/walls' })).status).toBe(404);
  const { body: told } = await declare('Wall', [NAME, { name: 'x', kind: 'nonsense' }]);
  expect(told.errors).toMatchObject([{ status: '422', source: { pointer: '/data/attributes/fields/1/kind' } }]);
});
