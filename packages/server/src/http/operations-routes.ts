import type { FastifyInstance } from 'fastify';
import type { Installation } from '../installation.js';
import { Problem } from '../problems.js';
import { query } from '../storage/query.js';
import { sendProblem } from './problem-reply.js';

/** What operators and other services ask of the whole installation. */
export function operationsRoutes(server: FastifyInstance, { database, keys }: Installation): void {
  server.get(
    '/healthz',
    { logLevel: 'warn', config: { decision: { public: 'tells only that the process runs' } }, schema: { hide: true } },
    async () => ({ status: 'ok' }),
  );
  server.get(
    '/readyz',
    {
      logLevel: 'warn',
      config: { decision: { public: 'tells only that the database answers' } },
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
    '/.well-known/jwks.json',
    { config: { decision: { public: 'public keys' } }, schema: { hide: true } },
    async () => keys.jwks(),
  );
}
