import { createSetupLink, inTransaction, makeAdministrator, openInstallation } from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { shelves } from './support/shelves.js';

let app: TestApplication;

beforeAll(async () => {
  app = await openApplication(shelves, { demo: false });
});
afterAll(() => app?.close());

const names = async () =>
  (await app.database.pool.query('select name from shelves.shelf order by name')).rows.map(({ name }) => name);
const stamps = async (of: string) =>
  (await app.database.pool.query('select was from shelves.stamp where of = $1 order by id', [of])).rows.map(
    ({ was }) => was,
  );
/** Opens the same installation again, perhaps with another application of that name. */
async function again(application = shelves) {
  const { database, runtime } = app.installation;
  return openInstallation({
    database,
    runtime,
    applications: [application],
    production: false,
    environment: {},
    demo: false,
  });
}

describe('what every new application begins with', () => {
  test('is there without demo data', async () => {
    expect(await names()).toEqual(['blue', 'cellar', 'locked', 'red']);
    expect(app.context.types.current.Book).toEqual({ startsWith: 5 });
  });

  test('is made once', async () => {
    await app.database.pool.query("delete from shelves.shelf where name = 'blue'");
    await again();
    expect(await names()).toEqual(['cellar', 'locked', 'red']);
  });

  test('is told about where it is wrong, and then nothing was made', async () => {
    await app.database.pool.query(
      'truncate shelves.shelf, shelves.kind, shelves.stamp, shelves.book_on_shelf, shelves.book',
    );
    const wrong = {
      ...shelves,
      initial: async (seed: Parameters<NonNullable<typeof shelves.initial>>[0]) => {
        await shelves.initial?.(seed);
        await seed.create('Shelf', { name: 'red' });
      },
    };
    await expect(again(wrong)).rejects.toThrow(/The first records of Shelves can't be loaded\. create\('Shelf'/);
    expect(await names()).toEqual([]);
    await again();
    expect(await names()).toHaveLength(4);
  });
});

describe('the first administrator', () => {
  const isLibrarian = async (login: string) =>
    (await app.database.pool.query('select is_librarian as is from shelves.person where login = $1', [login])).rows;

  test('of a set-up link becomes one by what the application does then', async () => {
    const { token } = await createSetupLink(app.installation, 'shelves');
    const body = { token, login: 'first', password: 'correct horse battery' };
    expect((await app.request({ method: 'POST', url: '/setup', body })).status).toBe(201);
    expect(await isLibrarian('first')).toEqual([{ is: true }]);
  });

  test('of the command line as well', async () => {
    const values = { login: 'second', password: 'correct horse battery' };
    await inTransaction(app.context, (transaction) => makeAdministrator(app.context, transaction, values));
    expect(await isLibrarian('second')).toEqual([{ is: true }]);
  });
});

describe('effects of every type', () => {
  const send = (method: 'POST' | 'PATCH' | 'DELETE', url: string, body?: object) =>
    app.request({ as: 'second', method, url, ...(body === undefined ? {} : { body }) });

  test('come with each write, after those of the type', async () => {
    await app.login('second', 'correct horse battery');
    const { body } = await send('POST', '/api/shelves', { name: 'green' });
    await send('PATCH', `/api/shelves/${body.id}`, { open: true });
    expect((await send('DELETE', `/api/shelves/${body.id}`)).status).toBe(204);
    expect(await stamps(body.id)).toEqual(['created', 'updated', 'deleted']);
  });

  test.each([
    ['red', 'The red one stays.', []],
    ['cellar', 'The cellar stays.', ['kept']],
  ])('may do something in place of deleting: %s', async (name, kept, was) => {
    const id = await app.idOf('Shelf', 'name', name);
    expect((await send('DELETE', `/api/shelves/${id}`)).body).toEqual({ kept });
    expect((await stamps(id)).filter((what) => what !== 'created')).toEqual(was);
  });
});
