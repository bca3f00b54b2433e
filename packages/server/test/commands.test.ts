import { type Application, ApplicationError, type Command, checkApplication, DEFAULT_RATES } from '@ostiary/server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { desk } from './support/desk.js';

let app: TestApplication;

beforeAll(async () => {
  app = await openApplication(desk);
  for (const login of ['ada', 'porter']) {
    const { body } = await post('/enter', { login, password: 'ostiary-demo' });
    app.adopt(login, body.token);
  }
});
afterAll(() => app?.close());
beforeEach(async () => {
  await app.audit();
});

const post = (url: string, body: unknown = {}, as?: string) => app.request({ method: 'POST', url, body, as });
const trail = async () => (await app.audit()).map(({ event, outcome }) => `${event} ${outcome}`);

describe('who comes in', () => {
  test('by a password gets a token that works, and a cookie that no page can read', async () => {
    const { status, body, headers } = await post('/enter', { login: 'ada', password: 'ostiary-demo' });
    expect(status).toBe(200);
    expect(headers['set-cookie']).toBe(`token=${body.token}; Path=/desk; HttpOnly; SameSite=Strict; Max-Age=60`);
    expect(await trail()).toEqual(['login.succeeded allowed', 'record.action allowed']);
    const me = await app.request({ token: body.token, url: '/auth/me' });
    expect(me.body).toMatchObject({ kind: 'person', id: await app.idOf('Person', 'login', 'ada') });
  });

  test.each([
    ['a wrong password', 'ada', 'wrong_password'],
    ['a name that nobody has', 'adam', 'unknown_login'],
  ])('%s is refused in the same words', async (_, login, reason) => {
    const { status, body } = await post('/enter', { login, password: 'ostiary-dem' });
    expect([status, body.code, body.detail]).toEqual([401, 'invalid_credentials', undefined]);
    const entries = await app.audit();
    expect(entries.map(({ event, detail }) => [event, detail.reason])).toEqual([['login.failed', reason]]);
  });

  test('a name is locked after so many wrong passwords, though nobody has it', async () => {
    const statuses: number[] = [];
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      statuses.push((await post('/enter', { login: 'eve', password: `guess-${attempt}` })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 403]);
  });

  test('a new account comes in by the command that made it', async () => {
    const { status, body } = await post('/register', { login: 'bo', password: 'violet-harbour-castle' });
    expect(status).toBe(200);
    const entries = await app.audit();
    expect(entries.map(({ event, detail }) => [event, detail.command])).toEqual([
      ['account.created', undefined],
      ['record.created', undefined],
      ['rights.changed', undefined],
      ['record.action', 'register'],
      ['login.succeeded', 'register'],
    ]);
    expect((await app.request({ token: body.token, url: '/auth/me' })).body.id).toBe(body.id);
  });

  test.each([
    ['somebody who is logged in', 'ada', 'fox', 'violet-harbour-castle', 403, 'not_allowed'],
    ['a weak password', undefined, 'fox', 'password', 422, 'weak_password'],
    ['a short password', undefined, 'fox', 'short', 422, 'invalid_input'],
    ['a name that is taken', undefined, 'ada', 'violet-harbour-castle', 409, 'already_exists'],
  ])('%s makes no account', async (_, as, login, password, status, code) => {
    const before = await app.fingerprint();
    const answer = await post('/register', { login, password }, as);
    expect([answer.status, answer.body.code], answer.text).toEqual([status, code]);
    expect(await app.fingerprint(), 'a refused command wrote something').toBe(before);
  });

  test('there is no log-in of its own', async () => {
    expect((await post('/auth/login', {})).status).toBe(404);
    const { body } = await app.request({ url: '/openapi.json' });
    expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(['/enter', '/ring/{bell}/{times}']));
    expect(JSON.stringify(body)).not.toContain('loginperson');
    expect(body.paths['/enter'].post).toMatchObject({ operationId: 'enter', summary: 'Come in with a password' });
  });
});

describe('what a command does', () => {
  const written = ['record.created allowed', 'record.read allowed', 'record.action allowed'];
  const twice = ['record.created allowed', 'record.created allowed', 'record.updated allowed', 'record.read allowed'];
  test.each<[string, string | undefined, string, object, number, string | undefined, readonly string[]]>([
    ['is done in the name of who asks', 'ada', '/ring/front/once', {}, 200, undefined, written],
    ['may need no body', 'ada', '/ring/front/once', undefined as never, 200, undefined, written],
    ['may write nothing', 'ada', '/ring/front/once', { word: 'shh' }, 200, undefined, ['record.action allowed']],
    ['may decide nothing', 'ada', '/look', {}, 200, undefined, ['record.action allowed']],
    [
      'may be several things',
      'ada',
      '/ring/front/twice',
      {},
      200,
      undefined,
      [...twice, 'record.deleted allowed', 'record.action allowed'],
    ],
    ['is decided', 'ada', '/ring/cellar/once', {}, 403, 'not_allowed', ['access.refused refused']],
    ['hides what is not there', 'ada', '/ring/attic/once', {}, 403, 'not_allowed', ['access.refused refused']],
    ['tells whoever may know', 'porter', '/ring/attic/once', {}, 404, 'not_found', []],
    ['is refused to guests in part', undefined, '/ring/front/once', {}, 403, 'not_allowed', ['access.refused refused']],
    ['fails whole', 'ada', '/ring/front/twice', { word: 'oops' }, 409, 'conflict', []],
    [
      'fails whole where a part is refused',
      'ada',
      '/ring/front/twice',
      { word: 'theft' },
      403,
      'not_allowed',
      ['access.refused refused'],
    ],
    ['is held against the schema', 'ada', '/ring/front/twice', { word: 'shape' }, 422, 'invalid_input', []],
    ['takes no unknown input', 'ada', '/ring/front/once', { loud: true }, 422, 'invalid_input', []],
    ['takes no other address', 'ada', '/ring/front/thrice', {}, 422, 'invalid_input', []],
  ])('%s: %s %s', async (_, as, url, body, status, code, entries) => {
    const before = await app.fingerprint();
    const answer = await app.request({ method: 'POST', url, as, ...(body === undefined ? {} : { body }) });
    expect([answer.status, answer.body?.code], answer.text).toEqual([status, code]);
    expect(await trail()).toEqual(entries);
    if (status !== 200) expect(await app.fingerprint(), 'a refused command wrote something').toBe(before);
  });

  test('is in the trail with the record that it was allowed on', async () => {
    await post('/ring/front/once', {}, 'ada');
    const entry = (await app.audit()).find(({ event }) => event === 'record.action');
    expect(entry).toMatchObject({
      action: 'ring',
      resource_type: 'Bell',
      record_id: await app.idOf('Bell', 'name', 'front'),
      rules: ['Bell/ring'],
      detail: { command: 'ring' },
    });
  });
});

test('only what logs somebody in is counted as a log-in, by its address', async () => {
  const counted = await openApplication(desk, { rates: { ...DEFAULT_RATES, credentials: 2 } });
  const ask = async (url: string, body: object) => (await counted.request({ method: 'POST', url, body })).status;
  const statuses: number[] = [];
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    statuses.push(await ask('/enter', { login: 'ada', password: 'wrong-guess' }), await ask('/look', {}));
  }
  await counted.close();
  expect(statuses).toEqual([401, 200, 401, 200, 429, 200]);
});

describe('an application is refused', () => {
  const [enter] = desk.commands as readonly [Command];
  const change = (of: Partial<Record<keyof Command, unknown>>): Application =>
    ({ ...desk, commands: [{ ...enter, ...of }] }) as Application;
  test.each<[string, Application, RegExp]>([
    ['with a misspelt command', change({ runs: 1 } as never), /commands\.0 has no member 'runs'/],
    ['with a path of the server', change({ path: '/api/enter' }), /\/api\/enter is an address of every application/],
    ['with a path that begins with a parameter', change({ path: '/:a' }), /commands\.0\.path must match pattern/],
    ['with a parameter that is not described', change({ path: '/a/:b' }), /params: it does not say what 'b' is/],
    [
      'with a parameter that is not there',
      change({ params: { properties: { b: {} } } }),
      /params: there is no :b in \/enter/,
    ],
    ['with an input that no schema is', change({ input: { type: 'word' } }), /commands\[0\]\.input: schema is invalid/],
    ['with two commands of one path', { ...desk, commands: [enter, { ...enter, name: 'x' }] }, /else is at \/enter/],
    ['with two commands of one name', { ...desk, commands: [enter, { ...enter, path: '/x' }] }, /two commands 'enter'/],
    ['with a decision on no type', change({ decision: { action: 'read', type: 'Bel' } }), /no resource type 'Bel'/],
    ['with no such action', change({ decision: { action: 'rin', type: 'Bell' } }), /Bell has no action 'rin'/],
  ])('%s', (_, application, message) => {
    expect(() => checkApplication(application)).toThrow(ApplicationError);
    expect(() => checkApplication(application)).toThrow(message);
  });
});
