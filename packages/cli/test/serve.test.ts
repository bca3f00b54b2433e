import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import {
  curlLine,
  databasesIn,
  dataFolder,
  freePort,
  logIn,
  ONE,
  ostiary,
  post,
  ROOT,
  serve,
  shell,
  temporaryFolder,
} from './support/command.js';

const GOOD_SECRET = 'a secret for tests, of more than 32 characters';
const PASSWORD = 'correct horse battery staple 9';

describe('with demo data', () => {
  let data: string;
  beforeAll(async () => {
    data = join(await temporaryFolder(), 'data');
  });

  test('the first start makes everything, and what it prints works when pasted', async () => {
    const server = await serve(['--port', '0', '--data', data]);
    expect(server.said()).toContain('Creating the database');
    expect(server.said()).toContain('Loading demo data of Open Data Capture');
    expect(server.said()).toMatch(/JaneDoe +group manager of the Depression Clinic/);
    const { items } = JSON.parse(await shell(curlLine(server.said())));
    expect(items.length, 'the curl line lists something').toBeGreaterThan(0);
    expect((await fetch(`${server.url}/open-data-capture/docs`)).status).toBe(200);

    const page = await fetch(`${server.url}/`, { headers: { accept: 'text/html,*/*' } });
    expect(page.headers.get('content-type')).toContain('text/html');
    const list = await fetch(`${server.url}/`, { headers: { accept: 'application/json' } });
    expect(await list.json()).toMatchObject({
      applications: [{ name: 'daptin' }, { name: 'open-data-capture' }, { name: 'opentera' }],
    });

    const { code, out, err } = await server.stop('SIGINT');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Stopped.');
    expect(await databasesIn(data), 'no PostgreSQL is left running').toEqual([]);
  });

  test('the second start makes nothing anew, however it is started', async () => {
    await (await serve(['--port', '0', '--data', data], { script: true })).stop();
    const server = await serve(['--port', '0', '--data', data], { script: true });
    const { code } = await server.stop('SIGTERM');
    console.log(`The second start took ${server.took} ms`);
    expect(code).toBe(0);
    for (const work of ['Installing', 'Building', 'Creating', 'Loading']) expect(server.said()).not.toContain(work);
  });

  test('one application alone is served at the root', async () => {
    const server = await serve(['--port', '0', '--data', data, '--app', join(ROOT, 'apps/open-data-capture')]);
    const { items } = JSON.parse(await shell(curlLine(server.said())));
    expect(items.length).toBeGreaterThan(0);
    expect((await logIn(server.url, 'JaneDoe', 'ostiary-demo')).status).toBe(200);
    expect((await logIn(`${server.url}/open-data-capture`, 'JaneDoe', 'ostiary-demo')).status).toBe(404);
    await server.stop();
  });

  test('a second server on the same folder is refused, and the first goes on', async () => {
    const first = await serve(['--port', '0', '--data', data, ...ONE]);
    const second = await ostiary(['serve', '--port', '0', '--data', data, ...ONE]);
    expect(second.code).toBe(4);
    expect(second.err).toContain('Another server uses the data folder');
    expect((await logIn(first.url, 'admin', 'ostiary-demo')).status).toBe(200);
    await first.stop();
  });

  test('it does not listen beyond this machine, unless told twice', async () => {
    for (const flag of ['--demo', '--no-demo']) {
      const { code, err } = await ostiary(['serve', '--port', '0', '--data', data, ...ONE, '--host', '0.0.0.0', flag]);
      expect({ flag, code }).toEqual({ flag, code: 6 });
      expect(err).toContain('--i-know-that-everyone-knows-the-demo-passwords');
    }
    expect(await databasesIn(data)).toEqual([]);
    const told = ['--host', '0.0.0.0', '--i-know-that-everyone-knows-the-demo-passwords'];
    const server = await serve(['--port', '0', '--data', data, ...ONE, ...told]);
    expect((await server.stop()).code).toBe(0);
  });

  test('in production it does not start, unless told twice', async () => {
    const env = { NODE_ENV: 'production', SECRET_KEY: GOOD_SECRET };
    const { code, err } = await ostiary(['serve', '--port', '0', '--data', data, ...ONE], { env });
    expect({ code, err }).toEqual({ code: 6, err: expect.stringContaining('NODE_ENV is production') });
    const fresh = await dataFolder();
    expect(await ostiary(['serve', '--port', '0', '--demo', '--data', fresh, ...ONE], { env })).toMatchObject({
      code: 6,
    });
    const told = ['--i-know-that-everyone-knows-the-demo-passwords'];
    expect((await (await serve(['--port', '0', '--data', data, ...ONE, ...told], { env })).stop()).code).toBe(0);
  });

  test('a database that ends by itself is started again, or the server ends too', async () => {
    const folder = await dataFolder();
    const server = await serve(['--port', '0', '--data', folder, ...ONE]);
    const [postmaster = 0] = await databasesIn(folder);
    process.kill(postmaster, 'SIGKILL');
    await vi.waitFor(() => expect(server.said()).toContain('The database is back.'), { timeout: 30_000 });
    expect((await logIn(server.url, 'admin', 'ostiary-demo')).status).toBe(200);

    await rm(join(folder, 'postgresql-18', 'global', 'pg_control'));
    for (const pid of await databasesIn(folder)) process.kill(pid, 'SIGKILL');
    const { code, err } = await server.ended;
    expect({ code, err }).toEqual({ code: 7, err: expect.stringContaining("can't be started again") });
    expect(await databasesIn(folder)).toEqual([]);
  });

  test('a port in use is said before anything is started', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((done) => other.once('listening', done));
    const { port } = other.address() as { port: number };
    const folder = join(await temporaryFolder(), 'data');
    const { code, err, out } = await ostiary(['serve', '--port', String(port), '--data', folder]);
    other.close();
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(/^ostiary: Port \d+ of 127\.0\.0\.1 is in use\..*\n$/);
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
  });

  test('logs are JSON, and hold neither credentials nor what was asked for', async () => {
    const server = await serve(['--port', '0', '--data', data, ...ONE], { env: { OSTIARY_LOG: 'info' } });
    const base = server.url;
    const { accessToken } = (await (await logIn(base, 'admin', 'ostiary-demo')).json()) as { accessToken: string };
    await fetch(`${base}/api/subjects?customId=sought-for`, { headers: { authorization: `Bearer ${accessToken}` } });
    await server.stop();
    const log = server.logged();
    const entries = log
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const { time } of entries) expect(time, 'UTC, as RFC 3339 has it').toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(entries.map(({ req }) => req?.path)).toContain('/api/subjects');
    for (const secret of [accessToken, 'ostiary-demo', 'sought-for', 'Bearer']) expect(log).not.toContain(secret);
  });
});

describe('without demo data', () => {
  test('the first administrator comes from a set-up link, which is good once', async () => {
    const data = await dataFolder();
    const server = await serve(['--port', '0', '--data', data, '--no-demo']);
    expect(server.said()).toContain('Open Data Capture has no accounts yet');
    const said = server.said().slice(server.said().indexOf('Open Data Capture has no accounts yet'));
    const [, url = '', json = ''] = /curl -s (\S+\/setup) .* -d '(.*)'/.exec(curlLine(said)) ?? [];
    const asked = JSON.parse(json);
    expect(Object.keys(asked).sort()).toEqual(['firstName', 'lastName', 'password', 'token', 'username']);
    const body = { ...asked, username: 'first', firstName: 'First', lastName: 'Person', password: PASSWORD };
    expect((await post(url, { ...body, password: 'first' })).status, 'a weak password leaves it good').toBe(422);
    expect((await post(url, body)).status).toBe(201);
    expect((await post(url, { ...body, username: 'second' })).status).toBe(403);
    expect((await logIn(`${server.url}/open-data-capture`, 'first', PASSWORD)).status).toBe(200);
    await server.stop();

    const again = await serve(['--port', '0', '--data', data]);
    expect(again.said()).not.toContain('Open Data Capture has no accounts yet');
    expect(again.said(), 'it stays without demo data').not.toContain('ostiary-demo');
    await again.stop();
  });

  test('an open link is not shown again, and the administrator can be made by a command', async () => {
    const data = await dataFolder();
    const production = { NODE_ENV: 'production', SECRET_KEY: GOOD_SECRET, OSTIARY_LOG: 'warn' };
    await (await serve(['--port', '0', '--data', data, ...ONE], { env: production })).stop();
    const server = await serve(['--port', '0', '--data', data, ...ONE], { env: production });
    expect(server.said()).toContain('is good until');
    expect(server.said()).not.toContain('curl');
    const fields = ['username=first', 'firstName=First', 'lastName=Person'].flatMap((pair) => ['--set', pair]);
    const create = ['user', 'create', '--admin', '--data', data, ...ONE, '--password-stdin', ...fields];
    const weak = await ostiary(create, { input: 'password1\n' });
    expect(weak).toMatchObject({ code: 1, err: expect.stringContaining('The password is too weak') });
    const made = await ostiary(create, { input: `${PASSWORD}\n` });
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^[0-9a-f-]{36}\n$/) });
    expect(await ostiary(create, { input: `${PASSWORD}\n` })).toMatchObject({ code: 1 });
    expect((await logIn(server.url, 'first', PASSWORD)).status).toBe(200);

    const link = await ostiary(['setup-link', '--data', data, ...ONE, '--url', server.url]);
    expect(link).toMatchObject({
      code: 0,
      out: expect.stringContaining(`curl -s ${server.url}/setup`),
    });
    await server.stop();
  });
});

describe('what can not start', () => {
  test.each([
    ['missing', {}],
    ['short', { SECRET_KEY: 'short' }],
  ])('in production with a %s SECRET_KEY', async (_, env) => {
    const data = await dataFolder();
    const { code, err } = await ostiary(['serve', '--port', '0', '--data', data], {
      env: { NODE_ENV: 'production', ...env },
    });
    expect(code).toBe(6);
    expect(err).toMatch(/^ostiary: SECRET_KEY is .*32 random characters\.\n$/);
    expect(await databasesIn(data)).toEqual([]);
  });

  test('on a data folder that is a file, or holds half a database', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'half', 'postgresql-18'), { recursive: true });
    for (const name of ['file', 'half']) {
      const { code, err } = await ostiary(['serve', '--port', '0', '--data', join(folder, name)]);
      expect({ name, code }).toEqual({ name, code: 5 });
      expect(err, 'one clear line').toMatch(/^ostiary: [^\n]+\n$/);
    }
  });

  test('with a database that does not answer: its password is not repeated', async () => {
    const env = { DATABASE_URL: `postgres://ostiary:hunter2@127.0.0.1:${await freePort()}/ostiary` };
    const { code, err } = await ostiary(['serve', '--port', '0'], { env });
    expect(code).toBe(7);
    expect(err).toContain('DATABASE_URL');
    expect(err).not.toContain('hunter2');
    const malformed = await ostiary(['serve', '--port', '0'], {
      env: { DATABASE_URL: 'mysql://root:hunter2@localhost' },
    });
    expect(malformed.code).toBe(6);
    expect(malformed.err).not.toContain('hunter2');
    const unreadable = await ostiary(['serve', '--port', '0'], {
      env: { DATABASE_URL: 'postgres://ostiary:hunter2@localhost:port/ostiary' },
    });
    expect(unreadable).toMatchObject({ code: 6, err: expect.stringContaining("can't be read") });
    expect(unreadable.err).not.toContain('hunter2');
  });

  test.each([
    [['serve', '--colour'], 2, /unknown option '--colour'/],
    [['serve', '--port', '70000'], 2, /0 to 65535/],
    [['serve', '--host', '203.0.113.1', '--no-demo', '--port', '0'], 2, /does not have that address/],
    [['serve', '--cors-origin', 'example.org', '--port', '0'], 2, /origin/],
    [['serve', '--app', '/nowhere'], 2, /no application in \/nowhere/],
    [['serve', '--trusted-proxy', 'nonsense', '--port', '0'], 2, /address such as/],
    [['serve', '--trusted-proxy', '10.0.0.0/33', '--port', '0'], 2, /address such as/],
    [['serve', '--data', '', '--port', '0'], 2, /empty/],
    [['serve', '--data', '/proc/ostiary', '--port', '0'], 5, /data folder .* cannot be used/],
    [['frobnicate'], 2, /unknown command 'frobnicate'/],
  ])('%j ends with %i', async (args, code, says) => {
    const ended = await ostiary(args);
    expect({ code: ended.code, err: ended.err }).toEqual({ code, err: expect.stringMatching(says) });
    expect(ended.err, 'no stack trace').not.toContain('    at ');
  });

  test('an application that can not be loaded is named, with the reason', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'package.json'), '{"type":"module","main":"index.js"}');
    await writeFile(join(folder, 'index.js'), 'throw new TypeError("half a model");');
    const { code, err } = await ostiary(['serve', '--port', '0', '--app', folder]);
    expect({ code, err }).toEqual({
      code: 6,
      err: `ostiary: The application in ${folder} can't be loaded. TypeError: half a model (index.js:1)\n`,
    });
  });
});
