import type { Rates } from '@ostiary/server';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { type Node, openNode } from './support/nodes.js';
import { trials } from './support/trials.js';

/** Small enough to be counted one by one. */
const RATES: Rates = { credentials: 3, guests: 6, read: 9, write: 5, decisions: 4 };
const METRICS_TOKEN = 'a-token-for-the-metrics';

/** Three servers on one database, whose clocks differ. */
let app: TestApplication;
let nodes: Node[];

beforeAll(async () => {
  app = await openApplication(trials);
  nodes = await Promise.all(
    [0, 20, 40].map((off) => openNode(app, { rates: RATES, metricsToken: METRICS_TOKEN }, off)),
  );
  for (const login of ['lead', 'member']) await app.login(login);
});
afterAll(async () => {
  for (const node of nodes ?? []) await node.close();
  await app?.close();
});
beforeEach(async () => {
  await windowEnds();
  await app.audit();
});

async function windowEnds(): Promise<void> {
  await app.database.pool.query('update ostiary.rate set ends_at = now()');
  for (const { clock } of nodes) clock.advance(61);
}

interface Sent {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly as?: string;
  readonly token?: string;
  readonly body?: object;
  readonly from?: string;
}

async function send(node: number, { method = 'GET', url, as, token, body, from }: Sent) {
  const bearer = token ?? (as === undefined ? undefined : await app.login(as));
  const options: InjectOptions = {
    method,
    url,
    remoteAddress: from ?? '203.0.113.7',
    headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
    ...(body === undefined ? {} : { payload: body }),
  };
  const answer = await nodes[node % 3]?.server.inject(options);
  if (answer === undefined) throw new TypeError('there are three servers');
  return answer;
}

/** Sends the same so many times, to the servers in turn. Returns how often each status came back. */
async function repeat(times: number, request: Sent): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  await Promise.all(
    Array.from({ length: times }, async (_, index) => {
      const { statusCode } = await send(index, request);
      counts[statusCode] = (counts[statusCode] ?? 0) + 1;
    }),
  );
  return counts;
}

const SAMPLES = '/trials/api/samples';
const badLogin = {
  method: 'POST',
  url: '/trials/auth/login',
  body: { login: 'lead', password: 'a wrong one' },
} as const;

describe('a principal', () => {
  test('is held to a rate by all servers together, and told so', async () => {
    expect(await repeat(30, { url: SAMPLES, as: 'lead' })).toEqual({ 200: 9, 429: 21 });
    const refused = await send(0, { url: SAMPLES, as: 'lead' });
    expect(refused.json()).toMatchObject({
      code: 'too_many_requests',
      detail: "At most 9 requests of the kind 'read' in 60 seconds are answered to one caller.",
    });
    const { 'retry-after': seconds } = refused.headers;
    expect(refused.headers).toMatchObject({
      'content-type': expect.stringContaining('application/problem+json'),
      'retry-after': expect.stringMatching(/^([1-9]|[1-5]\d|60)$/),
      'ratelimit-limit': '9',
      'ratelimit-remaining': '0',
      'ratelimit-reset': seconds,
      'ratelimit-policy': '"read";q=9;w=60',
      ratelimit: `"read";r=0;t=${seconds}`,
    });
    expect(await repeat(3, { url: SAMPLES, as: 'member' }), 'another one is not touched').toEqual({ 200: 3 });
  });

  test('has the same rate over all its sessions and addresses', async () => {
    expect(await repeat(9, { url: SAMPLES, as: 'lead' })).toEqual({ 200: 9 });
    app.forget('lead');
    expect(await repeat(3, { url: SAMPLES, as: 'lead', from: '198.51.100.1' })).toEqual({ 429: 3 });
  });

  test('is told what is left in each answer, refusals by the rules included', async () => {
    expect((await send(0, { url: SAMPLES, as: 'lead' })).headers['ratelimit-remaining']).toBe('8');
    const refused = await send(0, { method: 'POST', url: '/trials/api/teams', as: 'lead', body: { name: 'X' } });
    expect(refused.statusCode).toBe(403);
    expect(refused.headers.ratelimit).toMatch(/^"write";r=4;t=/);
  });

  test('leaves one entry in the trail when it goes beyond, and none for each refusal', async () => {
    const forbidden = { method: 'POST', url: '/trials/api/teams', as: 'lead', body: { name: 'X' } } as const;
    expect(await repeat(30, forbidden)).toEqual({ 403: 5, 429: 25 });
    const entries = await app.audit();
    expect(entries.filter(({ event }) => event === 'access.refused')).toHaveLength(5);
    expect(entries.filter(({ event }) => event === 'rate.exceeded')).toMatchObject([
      {
        application: 'trials',
        outcome: 'refused',
        principal_id: await app.idOf('Person', 'login', 'lead'),
        detail: { rate: 'write' },
      },
    ]);
    expect(entries).toHaveLength(6);
  });

  test('is let in again when the window ends', async () => {
    expect(await repeat(20, { url: SAMPLES, as: 'lead' })).toEqual({ 200: 9, 429: 11 });
    await windowEnds();
    expect(await repeat(20, { url: SAMPLES, as: 'lead' })).toEqual({ 200: 9, 429: 11 });
  });
});

describe('each rate is for', () => {
  const as = 'lead';
  test.each<[rate: keyof Rates, what: string, request: Sent]>([
    ['read', 'lists', { url: SAMPLES, as }],
    ['read', 'records', { url: `${SAMPLES}/x`, as }],
    ['read', 'who one is', { url: '/trials/auth/me', as }],
    ['write', 'new records', { method: 'POST', url: SAMPLES, as, body: {} }],
    ['write', 'changes', { method: 'PATCH', url: `${SAMPLES}/x`, as, body: {} }],
    ['write', 'deletions', { method: 'DELETE', url: `${SAMPLES}/x`, as }],
    ['write', 'named actions', { method: 'POST', url: `${SAMPLES}/x/seal`, as }],
    ['decisions', 'questions', { method: 'POST', url: '/trials/access/v1/evaluation', as, body: {} }],
    ['decisions', 'explanations', { method: 'POST', url: '/trials/access/v1/explanation', as, body: {} }],
    ['decisions', 'rights', { url: '/trials/access/v1/rights', as }],
    ['credentials', 'log-ins', { ...badLogin, body: { login: 'nobody there', password: 'x' } }],
    ['credentials', 'set-up', { method: 'POST', url: '/trials/setup', body: {} }],
    ['guests', 'requests without a token', { url: SAMPLES }],
    ['guests', 'requests with a bad one', { url: SAMPLES, token: 'bad' }],
    ['guests', 'the page', { url: '/' }],
    ['guests', 'the documentation', { url: '/trials/openapi.json' }],
    ['guests', 'public keys', { url: '/.well-known/jwks.json' }],
    ['guests', 'the metrics, without their token', { url: '/metrics' }],
    ['guests', 'the metrics, with another', { url: '/metrics', token: 'bad' }],
    ['guests', 'what does not exist', { url: '/nothing' }],
    ['guests', 'what does not exist in an application', { method: 'POST', url: '/trials/nothing' }],
    ['guests', 'methods that are not offered', { method: 'DELETE', url: '/trials/auth/login' }],
  ])('%s: %s', async (rate, _what, request) => {
    const counts = await repeat(10, request);
    expect(counts[429]).toBe(10 - (RATES[rate] ?? 0));
    expect(counts[500]).toBeUndefined();
  });

  test.each<Sent>([{ url: '/healthz' }, { url: '/readyz' }, { url: '/metrics', token: METRICS_TOKEN }])(
    'none, of an address that has used up its own as well: $url',
    async (request) => {
      expect(await repeat(10, { url: '/' })).toEqual({ 200: 6, 429: 4 });
      expect(await repeat(10, request)).toEqual({ 200: 10 });
    },
  );
});

describe('an address', () => {
  test('that floods with bad tokens can not fill the trail', async () => {
    expect(await repeat(60, { url: SAMPLES, token: 'bad' })).toEqual({ 401: 6, 429: 54 });
    const entries = await app.audit();
    expect(entries.filter(({ event }) => event === 'token.refused')).toHaveLength(6);
    expect(entries.filter(({ event }) => event === 'rate.exceeded')).toMatchObject([
      { application: 'trials', principal_id: null, detail: { rate: 'guests', address: '203.0.113.7' } },
    ]);
    expect(entries).toHaveLength(7);
  });

  test('that floods locks out nobody else who has it: whoever came in before, or is looked at in time', async () => {
    const good = { url: SAMPLES, as: 'lead' };
    expect(await repeat(3, good)).toEqual({ 200: 3 });
    expect(await repeat(60, { url: SAMPLES, token: 'bad' })).toEqual({ 401: 6, 429: 54 });
    expect(await repeat(3, good), 'who came in before').toEqual({ 200: 3 });
    app.forget('lead');
    expect(await repeat(9, { url: SAMPLES, token: 'bad' }), 'which takes all looks of the second').toEqual({ 429: 9 });
    expect(await repeat(3, good), 'another token, when as many were looked at as may be').toEqual({ 429: 3 });
    expect(await repeat(1, { ...good, from: '203.0.113.8' }), 'from elsewhere').toEqual({ 200: 1 });
    for (const { clock } of nodes) clock.advance(1);
    expect(await repeat(2, good), 'a second later').toEqual({ 200: 2 });
  });

  test('that floods has so many tokens looked at in a second, and each that was good only until it is not', async () => {
    const lost = { url: '/trials/auth/me', token: await app.login('member') };
    expect(await repeat(3, lost)).toEqual({ 200: 3 });
    await app.request({ as: 'member', method: 'POST', url: '/auth/logout' });
    app.forget('member');
    expect(await repeat(60, { url: SAMPLES, token: 'bad' })).toEqual({ 401: 6, 429: 54 });
    const statements: string[] = [];
    const watched = nodes.map(({ installation }) =>
      installation.database.statements.watch(({ operation }) => statements.push(operation)),
    );
    for (const { clock } of nodes) clock.advance(1);
    for (let round = 0; round < 5; round += 1) expect(await repeat(3, lost)).toEqual({ 429: 3 });
    for (const end of watched) end();
    // On each server once as known, and once as one that is looked at nevertheless.
    expect(statements).toEqual(Array.from({ length: 6 }, () => 'select'));
  });

  test('that floods without a token has nothing looked at', async () => {
    expect(await repeat(20, { url: SAMPLES })).toEqual({ 401: 6, 429: 14 });
    expect(await repeat(3, { url: SAMPLES, as: 'lead' }), 'the looks are left').toEqual({ 200: 3 });
  });

  test('that floods with passwords is refused before they are looked at', async () => {
    expect(await repeat(30, badLogin)).toEqual({ 401: 3, 429: 27 });
    const events = (await app.audit()).map(({ event }) => event).sort();
    expect(events).toEqual(['login.failed', 'login.failed', 'login.failed', 'rate.exceeded']);
  });

  test('of IPv6 is the network that one caller has', async () => {
    const from = ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:DB8:1:2:a:b:c:d', '2001:db8:1:2:0:0:1.2.3.4'];
    for (let request = 0; request < 6; request += 1)
      expect((await send(request, { url: '/', from: from[request % 4] ?? '' })).statusCode).toBe(200);
    for (const address of from) expect((await send(2, { url: '/', from: address })).statusCode).toBe(429);
    expect((await send(2, { url: '/', from: '2001:db8:1:3::1' })).statusCode).toBe(200);
  });
});

test('guesses on three servers lock a log-in as they do on one', async () => {
  const guess = { ...badLogin, body: { login: 'member', password: 'a wrong one' } };
  const answers = await Promise.all(
    Array.from({ length: 15 }, (_, index) => send(index, { ...guess, from: `198.51.100.${index}` })),
  );
  const codes = answers.map((answer) => answer.json().code);
  expect(codes.filter((code) => code === 'invalid_credentials')).toHaveLength(5);
  expect(codes.filter((code) => code === 'account_locked')).toHaveLength(10);
  for (const node of [0, 1, 2]) {
    const right = { ...guess, body: { login: 'member', password: 'ostiary-demo' }, from: `192.0.2.${node}` };
    const answer = await send(node, right);
    expect(answer.json().code, 'not even the right password is looked at').toBe('account_locked');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
});
