import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { dataFolder, logIn, ONE, ostiary, serve } from './support/command.js';

const TOKEN = 'a-token-for-the-tests';

/** What OpenTelemetry sends spans to: it keeps the names of what it got. */
async function collector() {
  const names: string[] = [];
  const services: string[] = [];
  const server = createServer(async (incoming, answer) => {
    const sent = JSON.parse(await text(incoming)) as Export;
    for (const { resource, scopeSpans } of sent.resourceSpans) {
      for (const { key, value } of resource.attributes) if (key === 'service.name') services.push(value.stringValue);
      names.push(...scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name)));
    }
    answer.setHeader('content-type', 'application/json').end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { names, services, port: (server.address() as AddressInfo).port, close: () => server.close() };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
    };
    readonly scopeSpans: readonly { readonly spans: readonly { readonly name: string }[] }[];
  }[];
}

test('rates, metrics and traces are as configured, and what runs ends before the server does', async () => {
  const spans = await collector();
  const server = await serve(['--port', '0', '--data', await dataFolder(), ...ONE], {
    env: {
      OSTIARY_RATE_LIMITS: 'credentials=3',
      OSTIARY_METRICS_TOKEN: TOKEN,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${spans.port}`,
    },
  });
  const base = server.url;
  const { accessToken } = (await (await logIn(base, 'admin', 'ostiary-demo')).json()) as { accessToken: string };
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) statuses.push((await logIn(base, 'admin', 'wrong')).status);
  expect(statuses).toEqual([401, 401, 429]);

  const proxied = { 'x-forwarded-for': '203.0.113.7' };
  expect((await fetch(`${server.url}/metrics`, { headers: proxied })).status).toBe(401);
  const metrics = await fetch(`${server.url}/metrics`, { headers: { ...proxied, authorization: `Bearer ${TOKEN}` } });
  expect(await metrics.text()).toContain('ostiary_rate_limited_total{rate="credentials"} 1\n');

  // A request whose body is still on its way when the server is told to stop.
  const body = JSON.stringify({
    subject: { type: 'user', id: 'admin' },
    action: { name: 'list' },
    resource: { type: 'Session' },
  });
  const slow = request(`${base}/access/v1/evaluation`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      'content-length': body.length,
    },
  });
  slow.flushHeaders();
  const answered = once(slow, 'response') as Promise<[IncomingMessage]>;
  slow.write(body.slice(0, 5));
  await vi.waitFor(async () => {
    const told = await (await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
    expect(told).toContain('ostiary_http_requests_running 2\n');
  });
  const stopped = server.stop('SIGTERM');
  await vi.waitFor(() => expect(server.said()).toContain('Stopping ...'));
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
  slow.end(body.slice(5));
  const [answer] = await answered;
  expect(JSON.parse(await text(answer))).toMatchObject({ decision: true });
  expect(await stopped).toMatchObject({ code: 0, err: '' });
  expect(spans.names).toEqual(expect.arrayContaining(['POST /auth/login', 'insert', 'audit']));
  expect(new Set(spans.services)).toEqual(new Set(['ostiary']));
  spans.close();
});

describe('what is configured wrongly is said before anything is started', () => {
  test.each<[says: RegExp, code: number, env: Readonly<Record<string, string>>, args: readonly string[]]>([
    [/OSTIARY_RATE_LIMITS: 'reads=1' is no rate/, 6, { OSTIARY_RATE_LIMITS: 'reads=1' }, []],
    [/OSTIARY_METRICS_TOKEN can't be used/, 6, { OSTIARY_METRICS_TOKEN: 'short' }, []],
    [/It is an address such as 10\.0\.0\.2/, 2, {}, ['--trusted-proxy', '0.0.0.0/0']],
  ])('%s', async (says, code, env, args) => {
    const data = await dataFolder();
    const ended = await ostiary(['serve', '--port', '0', '--data', data, ...args], { env });
    expect(ended).toMatchObject({ code, out: '', err: expect.stringMatching(says) });
    expect(ended.err).not.toContain('short');
  });
});
