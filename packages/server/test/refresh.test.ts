import { DEMO_PASSWORD, purgeExpired } from '@ostiary/server';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, START, type TestAnswer, type TestApplication } from './support/application.js';
import { trials } from './support/trials.js';
import { OTHER_PASSWORD, ward } from './support/ward.js';

const DAY = 24 * 3600;

interface Pair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

let app: TestApplication;
beforeAll(async () => {
  app = await openApplication(ward);
});
afterEach(() => app.clock.set(START));
afterAll(() => app?.close());

async function login(name = 'night', kind = 'nurse'): Promise<Pair> {
  const body = { name, password: 'ostiary-demo' };
  const answer = await app.request({ method: 'POST', url: `/api/${kind}/login`, body });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

const refresh = (refreshToken: string, kind = 'nurse'): Promise<TestAnswer> =>
  app.request({ method: 'POST', url: `/api/${kind}/refresh`, body: { refreshToken } });

async function refreshed(pair: Pair): Promise<Pair> {
  const answer = await refresh(pair.refreshToken);
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

const me = async ({ accessToken }: Pair) => (await app.request({ token: accessToken, url: '/api/nurse/me' })).status;

async function expectRefused(refreshToken: string, kind?: string): Promise<void> {
  const answer = await refresh(refreshToken, kind);
  expect([answer.status, answer.body.code], answer.text).toEqual([401, 'invalid_token']);
}

const events = async () => (await app.audit()).map(({ event, detail }) => [event, detail.reason]);

describe('a refresh token', () => {
  test('gives a new pair, of the same session, which is on record', async () => {
    const first = await login();
    await app.audit();
    const second = await refreshed(first);
    for (const { refreshToken } of [first, second]) expect(refreshToken).toMatch(/^ort_[0-9a-f-]{36}_[\w-]{43}$/);
    expect(second.refreshToken.slice(-43)).not.toBe(first.refreshToken.slice(-43));
    expect([await me(first), await me(second)]).toEqual([200, 200]);
    expect(await events()).toEqual([['token.refreshed', undefined]]);
    await app.request({ token: second.accessToken, method: 'POST', url: '/api/nurse/logout' });
    expect([await me(first), await me(second)], 'one session, ended once').toEqual([401, 401]);
  });

  test('works once: using it again ends the session, for whoever has it', async () => {
    const first = await login();
    const elsewhere = await login();
    const second = await refreshed(first);
    await app.audit();
    await expectRefused(first.refreshToken);
    expect(await events()).toEqual([['token.reused', undefined]]);
    expect([await me(first), await me(second)]).toEqual([401, 401]);
    await app.audit();
    await expectRefused(second.refreshToken);
    expect(await events()).toEqual([['token.refused', 'ended']]);
    expect(await me(elsewhere), 'another session of the same account goes on').toBe(200);
  });

  test('ends the session also when it is used again long after its own time', async () => {
    const first = await login();
    const unused = await login();
    let stolen = await refreshed(first);
    for (const days of [6, 6]) {
      app.clock.advance(days * DAY);
      stolen = await refreshed(stolen);
    }
    await purgeExpired(app.context);
    await app.audit();
    await expectRefused(first.refreshToken);
    expect(await events()).toEqual([['token.reused', undefined]]);
    expect(await me(stolen)).toBe(401);
    await app.audit();
    await expectRefused(unused.refreshToken);
    expect(await events(), 'what nobody used is gone after its time').toEqual([['token.refused', 'unknown']]);
  });

  test('used by several at once is good for one of them, and then for none', async () => {
    const first = await login();
    const answers = await Promise.all(Array.from({ length: 6 }, () => refresh(first.refreshToken)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(await me(won[0]?.body)).toBe(401);
    await expectRefused(won[0]?.body.refreshToken);
  });

  test('is over after its time, and goes on for its time with each use, until the session is over', async () => {
    const idle = await login();
    let pair = await login();
    app.clock.advance(6 * DAY);
    pair = await refreshed(pair);
    app.clock.advance(DAY);
    await expectRefused(idle.refreshToken);
    app.clock.advance(5 * DAY);
    pair = await refreshed(pair);
    app.clock.advance(6 * DAY);
    pair = await refreshed(pair);
    app.clock.set(new Date(START.getTime() + 20 * DAY * 1000 - 1000));
    pair = await refreshed(pair);
    expect(await me(pair)).toBe(200);
    app.clock.advance(1);
    expect(await me(pair), 'after 20 days the session is over').toBe(401);
    await expectRefused(pair.refreshToken);
  });

  test('gives an access token that lives as long as the application says', async () => {
    const first = await login();
    const second = await refreshed(first);
    app.clock.advance(1799);
    expect(await me(second)).toBe(200);
    app.clock.advance(1);
    expect([await me(first), await me(second)]).toEqual([200, 401]);
    app.clock.advance(1800);
    expect(await me(first)).toBe(401);
    expect(await me(await refreshed(second)), 'the session goes on').toBe(200);
  });

  test.each<[string, (id: string, token: string) => Promise<unknown>]>([
    ['logging out', (_, token) => app.request({ token, method: 'POST', url: '/api/nurse/logout' })],
    ['a new password', (id) => change(id, { password: OTHER_PASSWORD })],
    ['deleting the account', async (id) => asHead({ method: 'DELETE', url: `/api/nurse/nurses/${id}` })],
    ['a disabled account', (id) => change(id, { enabled: false })],
  ])('is ended by %s', async (says, end) => {
    const id = await app.seed((system) => system.create('Nurse', { name: says, password: DEMO_PASSWORD }));
    const pair = await login(says);
    await end(id, pair.accessToken);
    expect(await me(pair)).toBe(401);
    await expectRefused(pair.refreshToken);
  });

  test('brings back no rights: what it gives tells who, and nothing else', async () => {
    const { accessToken } = await refreshed(await login());
    const claims = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());
    expect(Object.keys(claims).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'kind', 'nbf', 'sid', 'sub']);
  });

  test('is kept as a hash, and never written down', async () => {
    const first = await login();
    const second = await refreshed(first);
    await expectRefused(first.refreshToken);
    const { rows } = await app.database.pool.query(
      `select t::text as line from ostiary.refresh_token t union all select s::text from ostiary.login_session s
       union all select a::text from ostiary.audit a`,
    );
    const written = rows.map(({ line }) => line).join('\n');
    for (const { refreshToken } of [first, second]) {
      const secret = refreshToken.slice('ort_'.length + 37);
      expect(written).not.toContain(secret);
      expect(written).not.toContain(Buffer.from(secret, 'base64url').toString('hex'));
    }
  });

  test.each<[string, (token: string) => string]>([
    ['another secret', (token) => `${token.slice(0, -43)}${'A'.repeat(43)}`],
    ['another id', (token) => token.replace(/_[0-9a-f]{8}/, '_00000000')],
    ['a secret with more behind it', (token) => `${token}A`],
    ['another prefix', (token) => token.replace('ort_', 'ost_')],
    ['nothing but the id', (token) => token.slice(0, -44)],
    ['SQL', () => `ort_' or true --`],
  ])('is refused with %s, which ends nothing', async (_, forge) => {
    const pair = await login();
    await app.audit();
    await expectRefused(forge(pair.refreshToken));
    expect(await events()).toEqual([['token.refused', 'unknown']]);
    expect(await me(await refreshed(pair))).toBe(200);
  });

  test('is no access token, and an access token is none', async () => {
    const pair = await login();
    expect((await app.request({ token: pair.refreshToken, url: '/api/nurse/me' })).status).toBe(401);
    await expectRefused(pair.accessToken);
  });

  test('is refused at the root of another kind, and is not used up by that', async () => {
    const pair = await login();
    const answer = await refresh(pair.refreshToken, 'patient');
    expect([answer.status, answer.body.code]).toEqual([403, 'wrong_kind']);
    await refreshed(pair);
  });
});

const asHead = async (request: { method: 'PATCH' | 'DELETE'; url: string; body?: object }) => {
  const answer = await app.request({ ...request, token: (await login('head')).accessToken });
  expect(answer.status, answer.text).toBeLessThan(300);
};
const change = (id: string, body: object) => asHead({ method: 'PATCH', url: `/api/nurse/nurses/${id}`, body });

test('without roots one refreshes beside where one logs out; the token of another application is none', async () => {
  const tokens = { algorithm: 'ES256', lifetimeSeconds: 60, refreshSeconds: 3600 } as const;
  const other = await openApplication({ ...trials, tokens }, { beside: [ward] });
  try {
    const post = (url: string, body: object) => other.root({ method: 'POST', url, body });
    const login = { login: 'lead', password: 'ostiary-demo' };
    const { body: pair } = await post('/trials/auth/login', login);
    const stranger = await post('/ward/api/nurse/refresh', { refreshToken: pair.refreshToken });
    expect([stranger.status, stranger.body.code]).toEqual([401, 'invalid_token']);
    const answer = await post('/trials/auth/refresh', { refreshToken: pair.refreshToken });
    expect([answer.status, Object.keys(answer.body)]).toEqual([200, ['accessToken', 'refreshToken']]);
    expect((await post('/trials/auth/refresh', {})).status).toBe(422);
  } finally {
    await other.close();
  }
});

test('further claims tell what the record says when a token is made: by a log-in, and by a refresh', async () => {
  const nurse = { login: 'name', password: 'password', claims: { called: 'name' } };
  const told = await openApplication({ ...ward, logins: { ...ward.logins, nurse } });
  const called = ({ accessToken }: Pair) =>
    JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).called;
  const post = async (url: string, body: object) => (await told.request({ method: 'POST', url, body })).body as Pair;
  const first = await post('/api/nurse/login', { name: 'night', password: DEMO_PASSWORD });
  expect(called(first)).toBe('night');
  const id = await told.idOf('Nurse', 'name', 'night');
  await told.seed((system) => system.update('Nurse', id, { name: 'dawn' }));
  expect(called(await post('/api/nurse/refresh', { refreshToken: first.refreshToken }))).toBe('dawn');
  await told.close();
});
