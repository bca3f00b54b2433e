import type { FastifyReply, FastifyRequest } from 'fastify';

/** What a caller may call its request: visible ASCII, spaces within. */
const GIVEN = /^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/;

/**
 * Names a request in its answer: by the caller's own id where it has one (AuthZEN 1.0 §10.1.4), so that it can tell its
 * answers apart; and always by ours, which alone is in problems, the log and the audit trail.
 */
export function nameRequest(request: FastifyRequest, reply: FastifyReply): void {
  const given = request.headers['x-request-id'];
  const echoed = typeof given === 'string' && GIVEN.test(given) ? given : request.id;
  reply.header('x-request-id', echoed).header('ostiary-request', request.id);
}
