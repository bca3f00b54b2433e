import type { FastifyInstance } from 'fastify';
import { Problem } from '../problems.js';

/** What Node would answer by itself, without a problem: a request that names no host, and an expectation of no kind. */
export function answerInPlaceOfNode(server: FastifyInstance): void {
  server.addHook('onRequest', async ({ raw }) => {
    // RFC 9112 §3.2
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
      throw new Problem('malformed_request', { detail: 'Send a Host header.' });
    }
  });
  // RFC 9110 §10.1.1: it may go unanswered.
  server.server.on('checkExpectation', (request, response) => server.routing(request, response));
}
