import type { FastifyInstance } from 'fastify';
import { Problem } from '../problems.js';
import { sendProblem } from './problem-reply.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Remembers which methods each address offers. Returns what lets the others answer 405, once all routes are there. */
export function watchMethods(server: FastifyInstance): () => void {
  const offered = new Map<string, Set<string>>();
  server.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*') || /\/docs(\/|$)/.test(url)) return;
    offered.set(url, new Set([...(offered.get(url) ?? []), ...[method].flat()]));
  });
  return () => {
    for (const [url, methods] of [...offered]) {
      const others = METHODS.filter((method) => !methods.has(method) && !server.hasRoute({ url: '*', method }));
      if (others.length === 0) continue;
      server.route({
        method: others,
        url,
        config: { decision: { public: 'tells only which methods there are' }, rate: 'guests' },
        schema: { hide: true },
        // RFC 9110 §15.5.6: with the methods that are offered.
        handler: (_request, reply) =>
          sendProblem(reply.header('allow', [...methods].join(', ')), new Problem('method_not_allowed')),
      });
    }
  };
}
