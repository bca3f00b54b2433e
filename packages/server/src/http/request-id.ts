import type { FastifyReply, FastifyRequest } from 'fastify';

/** What a caller may call its request: whatever may stand in a header (RFC 9110 §5.5), up to a length. */
const GIVEN = /^[\t\x20-\x7e\x80-\xff]{1,4000}$/;

/**
 * Names a request in its answer: by the caller's own id where it has one (AuthZEN 1.0 §10.1.3), and then by ours in a
 * header of its own; which alone is in problems, the log and the audit trail.
 */
export function nameRequest(request: FastifyRequest, reply: FastifyReply): void {
  const given = request.headers['x-request-id'];
  if (typeof given === 'string' && GIVEN.test(given)) {
    reply.header('x-request-id', given).header('ostiary-request', request.id);
  } else reply.header('x-request-id', request.id);
}
