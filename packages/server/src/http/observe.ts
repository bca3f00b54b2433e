import { context, propagation, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { tracer } from '../telemetry/tracing.js';
import type { Metrics } from './metrics.js';
import type { Trust } from './peers.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The span of the request, where it is traced. */
    span: Span | null;
  }
}

interface Observation {
  readonly metrics: Metrics;
  /** Whose `traceparent` is taken: others could make us record, and under any name. */
  readonly trusts: Trust;
  /** Of which application a route is; undefined for the installation's own. */
  readonly applicationOf: (route: string) => string | undefined;
}

/** Measures each request from its first hook until its answer is sent or its caller hangs up, and traces it. */
export function observeRequests(server: FastifyInstance, observation: Observation): void {
  server.decorateRequest('span', null);
  server.addHook('onRequest', (request, reply, done) => {
    const began = performance.now();
    const span = beginSpan(request, observation);
    let sent = false;
    reply.raw.on('finish', () => {
      sent = true;
    });
    reply.raw.on('close', () => {
      const status = sent ? reply.raw.statusCode : null;
      answered(request, status, performance.now() - began, observation);
    });
    if (span === null) done();
    else context.with(trace.setSpan(context.active(), span), done);
  });
  // Reading a body leaves the context that the request began in.
  server.addHook('preValidation', (request, _reply, done) => {
    if (request.span === null) done();
    else context.with(trace.setSpan(context.active(), request.span), done);
  });
}

function beginSpan(request: FastifyRequest, { trusts, applicationOf }: Observation): Span | null {
  const { method, routeOptions, headers, socket } = request;
  const parent = trusts(socket.remoteAddress) ? propagation.extract(ROOT_CONTEXT, headers) : ROOT_CONTEXT;
  const route = routeOptions.url;
  const application = route === undefined ? undefined : applicationOf(route);
  const span = tracer.startSpan(
    route === undefined ? method : `${method} ${route}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': method,
        ...(route === undefined ? {} : { 'http.route': route }),
        ...(application === undefined ? {} : { 'ostiary.application': application }),
      },
    },
    parent,
  );
  request.span = span.isRecording() ? span : null;
  return request.span;
}

function answered(
  request: FastifyRequest,
  status: number | null,
  milliseconds: number,
  { metrics, applicationOf }: Observation,
): void {
  const route = request.routeOptions.url;
  metrics.answered({
    application: route === undefined ? undefined : applicationOf(route),
    method: request.method,
    route,
    status,
    milliseconds,
  });
  if (request.span === null) return;
  if (status !== null) request.span.setAttribute('http.response.status_code', status);
  if (status === null || status >= 500) request.span.setStatus({ code: SpanStatusCode.ERROR });
  request.span.end();
}
