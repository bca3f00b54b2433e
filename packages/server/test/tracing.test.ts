import { context, propagation, type SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication, type TestRequest } from './support/application.js';
import { trials } from './support/trials.js';

const spans = new InMemorySpanExporter();
const FAILED = 2 satisfies SpanStatusCode.ERROR;
const REMOTE = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${REMOTE}-b7ad6b7169203331-01`;
let app: TestApplication;
let sample: string;

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }));
  // What is injected comes from the loopback address.
  app = await openApplication(trials, { trustedProxies: ['127.0.0.1'] });
  sample = await app.idOf('Sample', 'label', 'a1');
  await app.login('lead');
});
afterAll(() => app?.close());
beforeEach(() => spans.reset());

/** The spans of one request: its own, and the names of those below it. */
async function traced(request: TestRequest): Promise<{ root: ReadableSpan; below: readonly string[] }> {
  await app.request(request);
  const roots = spans.getFinishedSpans().filter(({ kind }) => kind === 1);
  expect(roots, 'one request is one trace').toHaveLength(1);
  const [root] = roots;
  if (root === undefined) throw new TypeError('just counted');
  const rest = spans.getFinishedSpans().filter((span) => span !== root);
  for (const span of rest) expect(span.spanContext().traceId, span.name).toBe(root.spanContext().traceId);
  return { root, below: rest.map(({ name }) => name) };
}

describe('a request is a trace', () => {
  test('of a reading: who asks, the decision, the statements', async () => {
    const { root, below } = await traced({ as: 'lead', url: `/api/samples/${sample}` });
    expect(root.name).toBe('GET /trials/api/samples/:id');
    expect(root.attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/trials/api/samples/:id',
      'http.response.status_code': 200,
      'ostiary.application': 'trials',
    });
    expect(below).toEqual(expect.arrayContaining(['authenticate', 'select', 'decide', 'audit', 'with']));
  });

  test('of a write, whose body was waited for', async () => {
    const { root, below } = await traced({
      as: 'lead',
      method: 'PATCH',
      url: `/api/samples/${sample}`,
      body: { rank: 7 },
    });
    expect(root.attributes['http.response.status_code']).toBe(200);
    expect(below).toEqual(expect.arrayContaining(['authenticate', 'decide', 'update', 'audit', 'with']));
  });

  test('of a refusal', async () => {
    const { root, below } = await traced({ url: '/api/samples', token: 'bad' });
    expect(root.attributes['http.response.status_code']).toBe(401);
    expect(root.status.code, 'a refusal is no failure of the server').not.toBe(FAILED);
    expect(below).toContain('audit');
    const failed = spans.getFinishedSpans().find(({ name }) => name === 'authenticate');
    expect(failed?.status).toEqual({ code: FAILED });
  });

  test('of what does not exist', async () => {
    const { root } = await traced({ url: '/somewhere/made-up' });
    expect(root.name).toBe('GET');
  });
});

test('spans hold no id, no name and nothing of what was sent', async () => {
  await app.request({
    as: 'lead',
    method: 'PATCH',
    url: `/api/samples/${sample}`,
    body: { label: 'told-in-confidence' },
  });
  await app.request({ as: 'lead', url: '/api/samples?label=told-in-confidence' });
  await app.request({ method: 'POST', url: '/auth/login', body: { login: 'told-in-confidence', password: 'told' } });
  const person = await app.idOf('Person', 'login', 'lead');
  const told = spans
    .getFinishedSpans()
    .map(({ name, attributes, events, status }) => JSON.stringify([name, attributes, events, status]))
    .join('\n');
  for (const secret of ['told', sample, person, await app.login('lead'), '127.0.0.1', 'trials.sample'])
    expect(told).not.toContain(secret);
});

describe('a trace that began elsewhere', () => {
  test('goes on behind a trusted proxy', async () => {
    const { root } = await traced({ url: '/auth/me', headers: { traceparent } });
    expect(root.spanContext().traceId).toBe(REMOTE);
  });

  test('and is left unrecorded where that one says so', async () => {
    await app.request({ url: '/auth/me', headers: { traceparent: traceparent.replace(/01$/, '00') } });
    expect(spans.getFinishedSpans()).toEqual([]);
  });

  test.each(['', 'garbage', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `${traceparent}-${'x'.repeat(9_000)}`])(
    "begins anew where the header is no good: '%.60s'",
    async (header) => {
      const { root } = await traced({ url: '/auth/me', headers: { traceparent: header } });
      expect(root.spanContext().traceId).not.toBe(REMOTE);
    },
  );

  test('begins anew where the caller is no trusted proxy', async () => {
    await app.server.inject({ url: '/', remoteAddress: '203.0.113.7', headers: { traceparent } });
    expect(spans.getFinishedSpans().map((span) => span.spanContext().traceId)).not.toContain(REMOTE);
    expect(spans.getFinishedSpans()).toHaveLength(1);
  });
});
