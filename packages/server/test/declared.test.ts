import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { backup, createTables, openDatabase, restore } from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { testDatabase } from './support/cluster.js';
import { BITS, type DeclaredField, declaring } from './support/declared.js';
import { type Node, openNode } from './support/nodes.js';

let app: TestApplication;
let elsewhere: Node;

beforeAll(async () => {
  app = await openApplication(declaring);
  elsewhere = await openNode(app, {});
});
afterAll(async () => {
  await elsewhere?.close();
  await app?.close();
});

const NAME: DeclaredField = { name: 'name', kind: 'text' };

const post = (as: string | undefined, url: string, body: object) => app.request({ as, method: 'POST', url, body });
const declare = (name: string, fields: readonly object[] = [NAME], permission = 255) =>
  post('admin', '/api/kinds', { name, fields, permission });
const get = (as: string | undefined, url: string) => app.request({ as, url });
const paths = async () => Object.keys((await app.request({ url: '/openapi.json' })).body.paths);

async function getElsewhere(url: string, as = 'admin') {
  const headers = { authorization: `Bearer ${await app.login(as)}` };
  const { statusCode, body } = await elsewhere.server.inject({ url: `/declaring${url}`, headers });
  return { status: statusCode, body: JSON.parse(body) };
}

describe('a type that is declared', () => {
  test('is there at once: its table, its routes, its documentation, on every server', async () => {
    expect((await get('admin', '/api/trees')).status).toBe(404);
    expect(await paths()).not.toContain('/api/trees');
    expect((await declare('Tree', [NAME, { name: 'height', kind: 'integer', optional: true }])).status).toBe(201);

    const made = await post('ada', '/api/trees', { name: 'Oak' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ name: 'Oak', height: null, permission: 255, version: 1 });
    const at = `/api/trees/${made.body.id}`;
    expect(made.headers.location).toBe(`/declaring${at}`);
    expect((await get('bob', at)).body).toEqual(made.body);
    expect((await get('bob', '/api/trees?name=Oak&sort=-height')).body.items).toHaveLength(1);
    expect((await app.request({ as: 'ada', method: 'PATCH', url: at, body: { height: 12 } })).body.height).toBe(12);
    expect((await getElsewhere(at)).body).toMatchObject({ height: 12, version: 2 });
    expect(await paths()).toEqual(expect.arrayContaining(['/api/trees', '/api/trees/{id}', '/api/notices']));
    expect((await app.request({ url: '/docs/json' })).body.paths).toHaveProperty('/api/trees');
    expect((await app.request({ as: 'bob', method: 'DELETE', url: at })).status).toBe(204);
    expect((await get('admin', at)).status).toBe(404);
  });

  test('is there from the start, with records, where the demo declares it', async () => {
    expect((await get('ada', '/api/books')).body.items).toMatchObject([{ title: 'The first' }]);
    expect((await getElsewhere('/api/books')).body.items).toHaveLength(1);
  });

  test('is held to its permissions, and its records to theirs; guests too', async () => {
    const kind = (await declare('Letter', [NAME], BITS.create.everybody | BITS.read.everybody)).body;
    const permission = BITS.read.owner | BITS.update.owner;
    const { id } = (await post('ada', '/api/letters', { name: 'To Bob', permission })).body;
    expect((await get('ada', `/api/letters/${id}`)).status).toBe(200);
    expect((await get('bob', `/api/letters/${id}`)).status).toBe(403);
    expect((await get(undefined, '/api/letters')).body).toEqual({ items: [], next: null });
    const change = { as: 'ada', method: 'PATCH', url: `/api/letters/${id}`, body: { name: 'To all' } } as const;
    const refused = await app.request(change);
    expect(refused.status, 'the type lets nobody update').toBe(403);
    expect(refused.body.missing).not.toEqual([]);
    await app.request({ as: 'admin', method: 'PATCH', url: `/api/kinds/${kind.id}`, body: { permission: 255 } });
    expect((await app.request(change)).status, 'from the next request on it does').toBe(200);
  });

  test('is known where decisions are asked for', async () => {
    await declare('Secret', [NAME]);
    const { id } = (await post('ada', '/api/secrets', { name: 'x', permission: BITS.read.owner })).body;
    const ask = async (as: string) =>
      post(as, '/access/v1/evaluation', {
        subject: { type: 'user', id: await app.idOf('User', 'login', as) },
        action: { name: 'read' },
        resource: { type: 'Secret', id },
      });
    expect((await ask('ada')).body.decision).toBe(true);
    expect((await ask('bob')).body.decision).toBe(false);
    expect(Object.keys((await get('bob', '/access/v1/rights')).body.verdicts)).toContain('Secret read');
  });

  test('is documented for those who may do something with it', async () => {
    const { id } = (await declare('Vault', [NAME], 0)).body;
    const shows = async (as: string | undefined, url = '/openapi.json') =>
      Object.keys((await get(as, url)).body.paths).some((path) => path.startsWith('/api/vaults'));
    const shown = async () =>
      Promise.all([shows('admin'), shows('ada'), shows(undefined), shows(undefined, '/docs/json')]);
    expect(await shown()).toEqual([true, false, false, false]);
    for (const type of ['vaults', 'nothing'] as const) {
      const asked = { subject: { type: 'user', id: 'x' }, action: { name: 'read' }, resource: { type, id: 'x' } };
      const told = JSON.stringify((await post('ada', '/access/v1/evaluation', asked)).body);
      expect(told, 'whoever asks for what is not there is told what is').not.toContain('Vault');
    }
    const permission = BITS.read.everybody;
    await app.request({ as: 'admin', method: 'PATCH', url: `/api/kinds/${id}`, body: { permission } });
    expect(await shown(), 'from the next request on').toEqual([true, true, true, true]);
  });

  test('may refer to others, and is checked as any type', async () => {
    await declare('Tome', [NAME, { name: 'boxId', kind: 'reference', to: 'Box' }]);
    const boxId = (await post('ada', '/api/boxes', { name: 'A' })).body.id;
    expect((await post('ada', '/api/tomes', { name: 'I', boxId })).status).toBe(201);
    const nowhere = '00000000-0000-7000-8000-000000000000';
    expect((await post('ada', '/api/tomes', { name: 'I', boxId: nowhere })).body.code).toBe('reference_not_found');
    const gone = await app.request({ as: 'ada', method: 'DELETE', url: `/api/boxes/${boxId}` });
    expect(gone.body.code).toBe('still_referenced');
  });

  test.each<[string, Parameters<TestApplication['request']>[0], number, string | undefined]>([
    [
      'an unknown field',
      { method: 'POST', url: '/api/books', body: { title: 'x', colour: 'red' } },
      422,
      'invalid_input',
    ],
    ['no body', { method: 'POST', url: '/api/books' }, 422, 'invalid_input'],
    ['an unknown filter', { url: '/api/books?colour=red' }, 422, 'invalid_input'],
    ['an unknown view', { url: '/api/books/00000000-0000-7000-8000-000000000000?colour=1' }, 422, 'invalid_input'],
    ['an id that is none', { url: '/api/books/x' }, 404, 'not_found'],
    ['only its headers', { method: 'HEAD', url: '/api/books' }, 200, undefined],
    ['another method', { method: 'PUT', url: '/api/books', body: {} }, 405, 'method_not_allowed'],
    ['another collection', { url: '/api/nothing' }, 404, 'not_found'],
    ['what lies below', { url: '/api/books/x/y' }, 404, 'not_found'],
    ['a slash at the end', { url: '/api/books/' }, 404, 'not_found'],
    ['its name in place of its address', { url: '/api/Book' }, 404, 'not_found'],
    ['a name of JavaScript', { url: '/api/__proto__' }, 404, 'not_found'],
  ])('answers as any type: %s', async (_says, request, status, code) => {
    const answer = await app.request({ as: 'admin', ...request });
    expect([answer.status, answer.body?.code]).toEqual([status, code]);
    if (status === 405) expect(answer.headers.allow).toBe('GET, HEAD, POST');
  });
});

/** More than a row has room for. */
const MANY = Array.from({ length: 401 }, (_, index) => ({ name: `field${index}`, kind: 'text', optional: true }));

describe('what can not be declared is refused, and nothing is changed:', () => {
  test.each<[string, string, readonly object[], string]>([
    ['the name of a type', 'Notice', [NAME], "'Notice/administrator'"],
    ['a name that is the same in SQL', 'notice', [NAME], "both 'notice' in SQL"],
    ['a name that is no word', 'drop table "user"', [NAME], 'is not a name'],
    ['a name that PostgreSQL would cut', 'A'.repeat(70), [NAME], 'is not a name'],
    ['an address that is taken', 'Boxe', [NAME], '/api/boxes too'],
    ['a type that every object knows', 'constructor', [NAME], 'every object knows'],
    ['a field that every object knows', 'Thing', [{ name: 'valueOf', kind: 'text' }], 'every object knows'],
    ['the name of an index', 'NoticePkey', [NAME], 'something else in the database has it'],
    ['a column of PostgreSQL', 'Thing', [{ name: 'xmin', kind: 'text' }], 'a column that every table has'],
    ['too many fields', 'Thing', MANY, 'more than 400 fields'],
    ['a field that is built in', 'Thing', [{ name: 'createdAt', kind: 'text' }], 'rename one'],
    [
      'a reference to nothing',
      'Thing',
      [{ name: 'x', kind: 'reference', to: 'Nothing' }],
      "no resource type 'Nothing'",
    ],
    ['a reference to what nobody stores', 'Thing', [{ name: 'x', kind: 'reference', to: 'Unknown' }], 'Unknown'],
    ['a pattern that is none', 'Thing', [{ ...NAME, pattern: '(' }], 'fields.name'],
    ['a default of another kind', 'Thing', [{ name: 'x', kind: 'integer', default: 'one' }], 'must be integer'],
    ['encryption without keys', 'Thing', [{ ...NAME, secret: true, encrypted: true, optional: true }], 'no keys here'],
  ])('%s', async (_says, name, fields, why) => {
    const before = await app.fingerprint();
    const known = await paths();
    const answer = await declare(name, fields);
    expect([answer.status, answer.body.code]).toEqual([422, 'invalid_input']);
    expect(answer.body.detail).toContain(why);
    expect(await app.fingerprint()).toBe(before);
    expect(await paths()).toEqual(known);
  });

  test('with the place, where the application knows it', async () => {
    const { body } = await declare('Thing', [NAME, { name: 'x', kind: 'nonsense' }]);
    const message = "x: there is no kind 'nonsense'";
    expect(body).toMatchObject({ detail: message, errors: [{ pointer: '/fields/1/kind', message }] });
  });

  test('by somebody who may not, before anything is looked at', async () => {
    expect((await post('ada', '/api/kinds', { name: 'Notice', fields: [NAME] })).status).toBe(403);
    expect((await post(undefined, '/api/kinds', { name: 'Mine', fields: [NAME] })).status).toBe(403);
  });

  test('a field that becomes another, or is required now', async () => {
    const { id } = (await declare('Cup', [NAME])).body;
    await post('ada', '/api/cups', { name: 'full' });
    const change = (fields: readonly object[]) =>
      app.request({ as: 'admin', method: 'PATCH', url: `/api/kinds/${id}`, body: { fields } });
    const other = (await change([{ name: 'name', kind: 'integer' }])).body;
    expect(other).toMatchObject({ detail: expect.stringContaining('Cup.name is stored as text') });
    expect(other.errors).toEqual([{ pointer: '/fields/0', message: other.detail }]);
    const required = (await change([NAME, { name: 'size', kind: 'integer' }])).body;
    expect(required.errors).toEqual([{ pointer: '/fields/1', message: expect.stringContaining('new and required') }]);
    expect((await get('ada', '/api/cups')).body.items).toMatchObject([{ name: 'full' }]);
    const added = await change([NAME, { name: 'size', kind: 'integer', optional: true }]);
    expect(added.status).toBe(200);
    expect((await get('ada', '/api/cups')).body.items).toMatchObject([{ name: 'full', size: null }]);
    expect((await getElsewhere('/api/cups')).body.items).toMatchObject([{ name: 'full', size: null }]);
  });
});

describe('declaring', () => {
  test('two at once: both are there', async () => {
    const names = ['One', 'Two', 'Three', 'Four'];
    const answers = await Promise.all(names.map((name) => declare(name)));
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 201));
    for (const url of ['/api/ones', '/api/twoes', '/api/twos', '/api/threes', '/api/fours']) {
      expect((await get('ada', url)).status, url).toBe(url === '/api/twoes' ? 404 : 200);
    }
  });

  test('the same twice at once: one is', async () => {
    const answers = await Promise.all([declare('Same'), declare('Same')]);
    expect(answers.map(({ body }) => body.code).toSorted()).toEqual(['already_exists', undefined]);
  });

  test('what is declared no longer is not served, and keeps its table and its records for when it is again', async () => {
    const { id } = (await declare('Cloud', [NAME])).body;
    await post('ada', '/api/clouds', { name: 'Cirrus' });
    const revoke = await app.request({ as: 'admin', method: 'DELETE', url: `/api/kinds/${id}` });
    expect(revoke.status).toBe(204);
    expect((await get('admin', '/api/clouds')).status).toBe(404);
    expect((await getElsewhere('/api/clouds')).status).toBe(404);
    expect(await paths()).not.toContain('/api/clouds');
    await declare('Cloud', [NAME]);
    expect((await get('admin', '/api/clouds')).body.items).toMatchObject([{ name: 'Cirrus' }]);
  });

  test('what others refer to stays declared', async () => {
    const { id } = (await declare('Root', [NAME])).body;
    await declare('Leaf', [NAME, { name: 'rootId', kind: 'reference', to: 'Root' }]);
    const answer = await app.request({ as: 'admin', method: 'DELETE', url: `/api/kinds/${id}` });
    expect([answer.status, answer.body.detail]).toEqual([422, expect.stringContaining("no resource type 'Root'")]);
    expect((await get('ada', '/api/roots')).status).toBe(200);
  });

  test('waits for those who use a table, and not for ever', async () => {
    const client = await app.database.pool.connect();
    await client.query('begin; lock table declaring."user" in row exclusive mode');
    try {
      const answer = await declare('Late', [NAME]);
      expect([answer.status, answer.body.code]).toEqual([503, 'unavailable']);
    } finally {
      await client.query('rollback');
      client.release();
    }
    expect((await get('admin', '/api/lates')).status).toBe(404);
    expect((await declare('Late', [NAME])).status).toBe(201);
  });

  test('a change that declares nothing waits for nobody who declares', async () => {
    const { id } = (await declare('Calm', [NAME])).body;
    const change = (body: object) => app.request({ as: 'admin', method: 'PATCH', url: `/api/kinds/${id}`, body });
    const client = await app.database.pool.connect();
    await client.query('begin');
    // As whoever declares: see storage/schema.ts.
    await client.query('select pg_advisory_xact_lock(7246771)');
    try {
      expect((await change({ permission: 1 })).status).toBe(200);
      expect((await change({ fields: [NAME, { name: 'more', kind: 'text', optional: true }] })).status).toBe(503);
    } finally {
      await client.query('rollback');
      client.release();
    }
    expect((await get('ada', '/api/calms')).status).toBe(200);
  });

  test('a request that began before goes on with the policy that it began with', async () => {
    const { id: kindId } = (await declare('Page', [NAME])).body;
    const { id } = (await post('ada', '/api/pages', { name: 'blank' })).body;
    const client = await app.database.pool.connect();
    await client.query('begin');
    await client.query('select from declaring.page where id = $1 for update', [id]);
    const url = `/api/pages/${id}`;
    const begun = app.request({ as: 'ada', method: 'PATCH', url, body: { name: 'written' } });
    try {
      await untilSomebodyWaits();
      const revoked = await app.request({ as: 'admin', method: 'DELETE', url: `/api/kinds/${kindId}` });
      expect(revoked.status).toBe(204);
      expect((await get('admin', url)).status, 'the next one').toBe(404);
    } finally {
      await client.query('rollback');
      client.release();
    }
    const answer = await begun;
    expect([answer.status, answer.body.name]).toEqual([200, 'written']);
  });

  /** Until a statement waits for a row: at most five seconds. */
  async function untilSomebodyWaits(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt += 1) {
      const { rows } = await app.database.pool.query(
        `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      if (rows.length > 0) return;
      await delay(50);
    }
    throw new Error('nobody waited for the row');
  }
});

describe('a server that starts', () => {
  test('knows what was declared, and learns that it is no longer, or is another', async () => {
    const { id } = (await declare('Moon', [NAME])).body;
    const other = await openNode(app, {});
    try {
      const headers = { authorization: `Bearer ${await app.login('admin')}` };
      const ask = async (query = '') =>
        (await other.server.inject({ url: `/declaring/api/moons${query}`, headers })).statusCode;
      const documented = async () => (await other.server.inject('/declaring/openapi.json')).json().paths['/api/moons'];
      expect([await ask(), await ask('?craters=1')]).toEqual([200, 422]);
      const fields = [NAME, { name: 'craters', kind: 'integer', optional: true }];
      await app.request({ as: 'admin', method: 'PATCH', url: `/api/kinds/${id}`, body: { fields } });
      expect([await ask(), await ask('?craters=1')]).toEqual([200, 200]);
      expect(JSON.stringify(await documented())).toContain('craters');
      await app.request({ as: 'admin', method: 'DELETE', url: `/api/kinds/${id}` });
      expect([await ask(), await documented()]).toEqual([404, undefined]);
    } finally {
      await other.close();
    }
  });

  test('goes on without what fits no longer, serves the rest, and lets others be declared until it is mended', async () => {
    const { id } = (await declare('Broken', [NAME])).body;
    const { id: whole } = (await declare('Whole', [NAME])).body;
    const { pool } = app.database;
    await pool.query(`update declaring.kind set fields = '[{"name": "x", "kind": "nonsense"}]' where name = 'Broken'`);
    const other = await openNode(app, {});
    try {
      const headers = { authorization: `Bearer ${await app.login('admin')}` };
      const status = async (url: string) =>
        (await other.server.inject({ url: `/declaring${url}`, headers })).statusCode;
      expect([await status('/api/brokens'), await status('/api/books')]).toEqual([404, 200]);
      expect((await declare('Beside', [NAME])).status).toBe(201);
      expect([await status('/api/besides'), (await get('ada', '/api/besides')).status]).toEqual([200, 200]);
      const change = (of: string, fields: readonly object[]) =>
        app.request({ as: 'admin', method: 'PATCH', url: `/api/kinds/${of}`, body: { fields } });
      const unfit = [{ name: 'x', kind: 'rubbish' }];
      for (const of of [id, whole]) {
        const refused = await change(of, unfit);
        expect([refused.status, refused.body.errors?.[0].pointer]).toEqual([422, '/fields/0/kind']);
      }
      expect((await change(id, [NAME])).status).toBe(200);
      expect([await status('/api/brokens'), await status('/api/wholes')]).toEqual([200, 200]);
      expect((await change(id, unfit)).status, 'what fits again is held to it').toBe(422);
    } finally {
      await other.close();
      await pool.query(`delete from declaring.kind where name = 'Broken'`);
    }
  });
});

test('no more types are declared than there is room for', async () => {
  const few = await openApplication({ ...declaring, declared: { ...declaring.declared, most: 3 } as never });
  try {
    const more = (name: string) =>
      few.request({ as: 'admin', method: 'POST', url: '/api/kinds', body: { name, fields: [NAME], permission: 255 } });
    const { body: third } = await more('Third');
    const before = await few.fingerprint();
    const fourth = await more('Fourth');
    expect([fourth.status, fourth.body.code]).toEqual([422, 'too_many_types']);
    expect(await few.fingerprint()).toBe(before);
    const change = { method: 'PATCH', url: `/api/kinds/${third.id}`, body: { fields: [] } } as const;
    expect((await few.request({ as: 'admin', ...change })).status, 'it may be changed').toBe(200);
    await few.request({ as: 'admin', method: 'DELETE', url: `/api/kinds/${third.id}` });
    expect((await more('Fourth')).status).toBe(201);
  } finally {
    await few.close();
  }
});

describe('a backup', () => {
  test('brings back what was declared, with its records; and what is declared no longer', async () => {
    const { id } = (await declare('Wind', [NAME])).body;
    await post('ada', '/api/winds', { name: 'Foehn' });
    await app.request({ as: 'admin', method: 'DELETE', url: `/api/kinds/${id}` });
    await declare('Sail', [NAME, { name: 'boxId', kind: 'reference', to: 'Box', optional: true }]);
    const boxId = (await post('ada', '/api/boxes', { name: 'of sails' })).body.id;
    await post('ada', '/api/sails', { name: 'Spinnaker', boxId });
    const out = new PassThrough();
    const [file] = await Promise.all([buffer(out), backup(app.database.pool, ['ostiary', 'declaring'], out)]);
    const other = await testDatabase();
    const database = openDatabase(other.config);
    await restore(other.pool, Readable.from([file]), {
      createSchema: () => createTables(database, [declaring]).then(() => {}),
      declaring: ['declaring'],
    });
    await database.close();
    const node = await openNode({ ...app, database: other }, {});
    try {
      const inject = async (as: string, method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) => {
        const headers = { authorization: `Bearer ${await app.login(as)}` };
        return node.server.inject({ method, url: `/declaring${url}`, headers, ...(payload && { payload }) });
      };
      expect((await inject('bob', 'GET', '/api/sails')).json().items).toMatchObject([{ name: 'Spinnaker', boxId }]);
      expect((await inject('bob', 'DELETE', `/api/boxes/${boxId}`)).json().code).toBe('still_referenced');
      expect((await inject('bob', 'POST', '/api/sails', { name: 'Genoa' })).statusCode).toBe(201);
      expect((await inject('admin', 'GET', '/api/winds')).statusCode).toBe(404);
      await inject('admin', 'POST', '/api/kinds', { name: 'Wind', fields: [NAME], permission: 255 });
      expect((await inject('bob', 'GET', '/api/winds')).json().items).toMatchObject([{ name: 'Foehn' }]);
    } finally {
      await node.close();
      await other.drop();
    }
  });
});
