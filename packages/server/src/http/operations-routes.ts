import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Installation } from '../installation.js';
import { auditJwks } from '../keys/index.js';
import { Problem } from '../problems.js';
import { query } from '../storage/query.js';
import { bearerToken } from './guard.js';
import type { Metrics } from './metrics.js';
import { isLocal, type Trust } from './peers.js';
import { sendProblem } from './problem-reply.js';

export interface Operations {
  readonly installation: Installation;
  readonly metrics: Metrics;
  readonly trusts: Trust;
  /** Whoever presents it reads the metrics; without one, only this machine does. */
  readonly metricsToken: string | undefined;
}

/** What operators and other services ask of the whole installation. */
export function operationsRoutes(server: FastifyInstance, operations: Operations): void {
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
      config: { decision: { public: 'to this machine, or to whoever has the token' } },
      schema: { hide: true },
      onRequest: async (request) => requireOperator(request, operations),
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

function requireOperator(request: FastifyRequest, { trusts, metricsToken }: Operations): void {
  if (request.headers.authorization !== undefined) {
    // Of their hashes, which are as long as each other.
    const [given, known] = [bearerToken(request), metricsToken ?? ''].map((text) => hash('sha256', text, 'buffer'));
    if (given === undefined || known === undefined || metricsToken === undefined || !timingSafeEqual(given, known))
      throw new Problem('invalid_token');
    return;
  }
  if (isLocal(request, trusts)) return;
  if (metricsToken !== undefined) throw new Problem('not_authenticated', { detail: 'Send the token of the metrics.' });
  throw new Problem('not_allowed', {
    missing: ['a request from this machine itself, or a token, which OSTIARY_METRICS_TOKEN sets'],
  });
}
