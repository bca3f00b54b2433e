import type { FastifyInstance } from 'fastify';
import { Problem } from '../problems.js';
import { sendProblem } from './problem-reply.js';

declare module 'fastify' {
  interface FastifyInstance {
    readonly drainage: Drainage;
  }
}

/** Whether a server is being drained, and how many requests it still works on. */
interface Drainage {
  begun: boolean;
  running: number;
  /** What does not end by itself, and is ended at once. */
  readonly atOnce: (() => Promise<void>)[];
  whenIdle: () => void;
}

/** What whoever watches a server that is draining still has to be told. */
const ALWAYS_ANSWERED = new Set(['/healthz', '/metrics']);

/** Counts the requests that run. From the moment that draining begins, new ones are refused, and their connections end. */
export function watchDrain(server: FastifyInstance): void {
  const drainage: Drainage = { begun: false, running: 0, atOnce: [], whenIdle: () => {} };
  server.decorate('drainage', drainage);
  server.addHook('onRequest', async (request, reply) => {
    // Sent, not thrown: nothing failed that would have to be logged.
    if (drainage.begun && !ALWAYS_ANSWERED.has(request.routeOptions.url ?? ''))
      return sendProblem(reply, new Problem('unavailable', { detail: 'This server is closing.', retryAfter: 1 }));
    drainage.running += 1;
    // Comes once, after the answer or when the caller hangs up.
    reply.raw.on('close', () => {
      drainage.running -= 1;
      if (drainage.running === 0) drainage.whenIdle();
    });
  });
  server.addHook('onSend', async (_request, reply) => {
    if (drainage.begun) reply.header('connection', 'close');
  });
}

/**
 * Takes no more requests, gives those that run some time to end, and closes the server. Until then it answers new ones
 * with 503, and `/readyz` too, so that whoever distributes requests turns to another server.
 * @param milliseconds how long running requests may take; then their connections are cut
 */
export async function drain(server: FastifyInstance, milliseconds: number): Promise<void> {
  const { drainage } = server;
  const late = setTimeout(() => server.server.closeAllConnections(), milliseconds);
  const idle = new Promise<void>((done) => {
    drainage.whenIdle = done;
  });
  drainage.begun = true;
  await Promise.all(drainage.atOnce.map((end) => end()));
  if (drainage.running > 0) await idle;
  await server.close().finally(() => clearTimeout(late));
}
