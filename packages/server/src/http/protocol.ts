import type { FastifyInstance } from 'fastify';
import { Problem } from '../problems.js';
import { headerLines } from './header-lines.js';

/**
 * What Node would answer by itself, without a problem: a request that names no host, and an expectation of no kind. And
 * what it would let pass: a request that names several, or several types of its body.
 */
export function answerInPlaceOfNode(server: FastifyInstance): void {
  server.addHook('onRequest', async (request) => {
    const { raw } = request;
    // RFC 9112 §3.2
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
      throw new Problem('malformed_request', { detail: 'Send a Host header.' });
    }
    if (headerLines(request, 'host') > 1) throw new Problem('malformed_request', { detail: 'Send one Host header.' });
    if (headerLines(request, 'content-type') > 1) {
      throw new Problem('malformed_request', { detail: 'Send one Content-Type header.' });
    }
  });
  // RFC 9110 §10.1.1: it may go unanswered.
  server.server.on('checkExpectation', (request, response) => server.routing(request, response));
}
