import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_RATES } from '../src/throttle/rates.js';
import { openApplication, type TestApplication } from './support/application.js';
import { trials } from './support/trials.js';

const TOKEN = 'a-token-for-the-tests';
let app: TestApplication;

beforeAll(async () => {
  app = await openApplication(trials, { rates: { ...DEFAULT_RATES, write: 1 }, metricsToken: TOKEN });
});
afterAll(() => app?.close());

const operator = { authorization: `Bearer ${TOKEN}` };
const read = (headers: Readonly<Record<string, string>> = operator, remoteAddress = '127.0.0.1') =>
  app.server.inject({ url: '/metrics', remoteAddress, headers: { host: 'localhost:4000', ...headers } });

/** The value of a series, by its name and labels in order; undefined where there is none. */
async function metric(series: string): Promise<number | undefined> {
  const line = (await read()).body.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** How much something raises a series. */
async function raise(series: string, work: () => Promise<unknown>): Promise<number> {
  const before = (await metric(series)) ?? 0;
  await work();
  return ((await metric(series)) ?? 0) - before;
}

describe('the metrics count', () => {
  test('decisions, by action and outcome', async () => {
    const sample = await app.idOf('Sample', 'label', 'a1');
    const of = (action: string, outcome: string) =>
      `ostiary_decisions_total{application="trials",action="${action}",outcome="${outcome}"}`;
    const get = (as: string) => app.request({ as, url: `/api/samples/${sample}` });
    expect(await raise(of('read', 'allowed'), () => get('lead'))).toBe(1);
    expect(await raise(of('read', 'refused'), () => get('lead'))).toBe(0);
    expect(await raise(of('read', 'refused'), () => get('guest'))).toBe(1);
    expect(await raise(of('list', 'allowed'), () => app.request({ as: 'lead', url: '/api/samples' }))).toBe(1);
    const body = {
      subject: { type: 'person', id: 'lead' },
      action: { name: 'delete' },
      resource: { type: 'Sample', id: sample },
    };
    const ask = () => app.request({ as: 'lead', method: 'POST', url: '/access/v1/evaluation', body });
    expect(await raise(of('delete', 'allowed'), ask)).toBe(1);
  });

  test('log-ins, by outcome', async () => {
    const of = (outcome: string) => `ostiary_logins_total{application="trials",outcome="${outcome}"}`;
    const login = (password: string) => () =>
      app.request({ method: 'POST', url: '/auth/login', body: { login: 'analyst', password } });
    expect(await raise(of('succeeded'), login('ostiary-demo'))).toBe(1);
    for (let guess = 0; guess < 5; guess += 1) expect(await raise(of('failed'), login('wrong'))).toBe(1);
    expect(await raise(of('locked'), login('ostiary-demo'))).toBe(1);
  });

  test('requests, by application, route, method and class of status', async () => {
    const of = (application: string, route: string, method: string, status: string) =>
      `ostiary_http_request_duration_seconds_count{application="${application}",route="${route}",method="${method}",status="${status}"}`;
    const list = of('trials', '/trials/api/samples', 'GET', '2xx');
    expect(await raise(list, () => app.request({ as: 'lead', url: '/api/samples?limit=1' }))).toBe(1);
    const none = of('trials', '/trials/api/samples/:id', 'GET', '4xx');
    expect(await raise(none, () => app.request({ url: '/api/samples/somebody' }))).toBe(1);
    expect(await raise(of('', '', 'GET', '4xx'), () => app.root({ url: '/somewhere' }))).toBe(1);
    expect(await raise(of('', '/healthz', 'GET', '2xx'), () => app.root({ url: '/healthz' }))).toBe(1);
  });

  test("requests of an application that is served alone, and apart from them the installation's own", async () => {
    const alone = await openApplication(trials, { alone: 'trials' });
    for (const url of ['/', '/healthz', '/readyz', '/metrics', '/.well-known/jwks.json', '/nothing'])
      await alone.root({ url, headers: { host: 'localhost' } });
    const own = ['/api/samples', '/auth/me', '/openapi.json', '/docs/', '/.well-known/authzen-configuration'];
    for (const url of own) await alone.root({ url });
    await alone.root({ method: 'PUT', url: '/auth/me' });
    const { text } = await alone.root({ url: '/metrics', headers: { host: 'localhost' } });
    await alone.close();
    const series = /^ostiary_http_request_duration_seconds_count\{application="(\w*)",route="([^"]*)",method="(\w+)"/gm;
    const labels = [...text.matchAll(series)].map(([, application, route, method]) => [application, route, method]);
    expect(labels.filter(([application]) => application === '').map(([, route]) => route)).toEqual([
      '/',
      '/healthz',
      '/readyz',
      '/metrics',
      '/.well-known/jwks.json',
      '',
    ]);
    const named = labels.filter(([application]) => application === 'trials');
    expect(named).toHaveLength(labels.length - 6);
    expect(named).toContainEqual(['trials', '/auth/me', 'PUT']);
  });

  test('requests beyond a rate', async () => {
    const write = () => app.request({ as: 'member', method: 'POST', url: '/api/samples', body: {} });
    await write();
    expect(await raise('ostiary_rate_limited_total{rate="write"}', write)).toBe(1);
  });

  test('connections and statements of the database', async () => {
    expect(await metric('ostiary_database_connections{state="total"}')).toBeGreaterThan(0);
    expect(await metric('ostiary_database_connections{state="waiting"}')).toBe(0);
    const selects = 'ostiary_database_statement_duration_seconds_count{operation="select",outcome="done"}';
    expect(await raise(selects, () => app.request({ as: 'lead', url: '/api/samples' }))).toBeGreaterThan(1);
  });

  test('what the process itself takes', async () => {
    expect(await metric('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  });

  test('no id, no name and no text that a caller made up', async () => {
    const id = await app.idOf('Sample', 'label', 'a1');
    await app.request({ as: 'lead', url: `/api/samples/${id}?label=a1` });
    await app.root({ url: '/made-up/by-a-caller' });
    await app.root({ url: '/', method: 'OPTIONS' });
    await app.request({ method: 'POST', url: '/auth/login', body: { login: 'a made-up name', password: 'x' } });
    const { body } = await read();
    expect(body).not.toMatch(/made-up|a1"|lead|[0-9a-f]{8}-[0-9a-f]{4}/);
  });
});

describe('the metrics are told to', () => {
  const from = '203.0.113.7';
  test.each<[who: string, headers: Readonly<Record<string, string>>, from: string | undefined, status: number]>([
    ['whoever has the token', operator, from, 200],
    ['this machine with the token', operator, undefined, 200],
    ['not this machine without: a proxy on it that says nothing of itself looks the same', {}, undefined, 401],
    ['nobody else', {}, from, 401],
    ['nobody behind a proxy on this machine', { 'x-forwarded-for': '127.0.0.1' }, undefined, 401],
    ['nobody with another token', { authorization: `Bearer ${TOKEN}x` }, from, 401],
    ['nobody with a part of it', { authorization: `Bearer ${TOKEN.slice(1)}` }, from, 401],
    ['nobody with another token, on this machine either', { authorization: 'Bearer x' }, undefined, 401],
    ['nobody with the token as a password', { authorization: `Basic ${TOKEN}` }, from, 401],
  ])('%s', async (_who, headers, address, status) => {
    const answer = await read(headers, address);
    expect(answer.statusCode).toBe(status);
    if (status === 200) expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    else expect(answer.body).not.toContain('ostiary_');
  });

  test('this machine alone, where there is no token', async () => {
    const other = await openApplication(trials);
    const get = (remoteAddress: string, headers: Readonly<Record<string, string>> = {}) =>
      other.server.inject({ url: '/metrics', remoteAddress, headers: { host: 'localhost', ...headers } });
    expect((await get('127.0.0.1')).statusCode).toBe(200);
    const refused = await get(from);
    expect(refused.statusCode).toBe(403);
    expect(refused.json().missing[0]).toContain('OSTIARY_METRICS_TOKEN');
    for (const token of ['', 'x', 'undefined']) {
      expect((await get(from, { authorization: `Bearer ${token}` })).statusCode).toBe(401);
    }
    await other.close();
  });
});
