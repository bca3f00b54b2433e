import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { INSTALLATION } from '../audit/trail.js';
import type { Installation } from '../installation.js';
import { auditJwks } from '../keys/index.js';
import { Problem } from '../problems.js';
import { query } from '../storage/query.js';
import type { Throttle } from '../throttle/throttle.js';
import { bearerToken } from './bearer.js';
import type { Metrics } from './metrics.js';
import { isLocal, type Trust } from './peers.js';
import { sendProblem } from './problem-reply.js';
import { throttleByAddress } from './throttling.js';

export interface Operations {
  readonly installation: Installation;
  readonly metrics: Metrics;
  readonly throttle: Throttle;
  readonly trusts: Trust;
  /** Whoever presents it reads the metrics, and nobody else; without one, this machine does. */
  readonly metricsToken: string | undefined;
}

/** What operators and other services ask of the whole installation. */
export function healthRoutes(server: FastifyInstance, operations: Operations): void {
  const { database, keys } = operations.installation;
  server.get(
    '/healthz',
    {
      logLevel: 'warn',
      config: { decision: { public: 'tells only that the process runs' }, rate: 'none' },
      schema: { hide: true },
    },
    async () => ({ status: 'ok' }),
  );
  server.get(
    '/readyz',
    {
      logLevel: 'warn',
      config: { decision: { public: 'tells only that the database answers' }, rate: 'none' },
      schema: { hide: true },
    },
    async (_request, reply) => {
      try {
        await query(database.db, 'select 1');
        return { status: 'ready' };
      } catch (cause) {
        return sendProblem(reply, new Problem('unavailable', { retryAfter: 1 }, { cause }));
      }
    },
  );
  server.get(
    '/metrics',
    {
      logLevel: 'warn',
      // Counted where it refuses: a flood must not blind whoever watches it.
      config: { decision: { public: 'to whoever has the token; without one, to this machine' }, rate: 'none' },
      schema: { hide: true },
      onRequest: async (request, reply) => {
        const refusal = refusalOfMetrics(request, operations);
        if (refusal === null) return;
        await throttleByAddress(operations.throttle, 'guests', INSTALLATION, request, reply);
        throw refusal;
      },
    },
    async (_request, reply) => {
      const { type, body } = await operations.metrics.text();
      return reply.type(type).send(body);
    },
  );
  server.get(
    '/.well-known/jwks.json',
    { config: { decision: { public: 'public keys' } }, schema: { hide: true } },
    async () => keys.jwks(),
  );
  server.get(
    '/.well-known/audit-jwks.json',
    { config: { decision: { public: 'public keys' } }, schema: { hide: true } },
    async () => auditJwks(database.db),
  );
}

/**
 * Why a request is not told the metrics. Where a token is set, this machine needs it as well: a proxy on it that adds no
 * headers of its own looks like it.
 */
function refusalOfMetrics(request: FastifyRequest, { trusts, metricsToken }: Operations): Problem | null {
  const { authorization } = request.headers;
  if (metricsToken === undefined) {
    if (authorization !== undefined) return new Problem('invalid_token');
    if (isLocal(request, trusts)) return null;
    const missing = ['a request from this machine itself, or a token, which OSTIARY_METRICS_TOKEN sets'];
    return new Problem('not_allowed', { missing });
  }
  if (authorization === undefined)
    return new Problem('not_authenticated', { detail: 'Send the token of the metrics.' });
  const given = bearerToken(request);
  return given !== null && isSame(given, metricsToken) ? null : new Problem('invalid_token');
}

/** Compares hashes, which are as long as each other. */
function isSame(given: string, known: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', known, 'buffer'));
}
