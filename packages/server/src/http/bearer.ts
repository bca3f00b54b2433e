import type { FastifyRequest } from 'fastify';
import { headerLines } from './header-lines.js';

/** The token of a request; null where there is none, or not just one. RFC 6750 §2.1: it comes in the header, and nowhere else. */
export function bearerToken(request: FastifyRequest): string | null {
  const [, token] = /^Bearer +([^\s]+)$/i.exec(request.headers.authorization ?? '') ?? [];
  return token === undefined || headerLines(request, 'authorization') > 1 ? null : token;
}
