import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../problems.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** No body stands for an empty object: for actions that need no input. */
    readonly bodyOptional?: boolean;
    /** Input of the wrong shape or media type is a 400 here, as a published standard says, rather than a 422 or 415. */
    readonly misshapenIsMalformed?: boolean;
  }
}

/** So deep may a body be nested: what lies deeper overflows the stack of whatever walks it, PostgreSQL's too. */
const DEEPEST = 100;

/**
 * How bodies are read: JSON alone, in UTF-8 (RFC 8259 §8.1) and not compressed; no body where a route needs none; nothing
 * that is nested too deep.
 */
export function readBodies(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.removeContentTypeParser(['application/json', 'text/plain']);
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    // Many clients name a content type whatever they send.
    if (body.length === 0 && mayBeEmpty(request)) return done(null, undefined);
    const problem = problemOfBytes(request.headers['content-encoding'], body);
    if (problem === null) parse(request, body.toString('utf8'), done);
    else done(problem, undefined);
  });
  server.addHook('preValidation', async (request) => {
    if (request.routeOptions.schema?.body !== undefined && request.body == null && mayBeEmpty(request))
      request.body = {};
    if (isTooDeep(request.body)) throw new Problem('invalid_input', { detail: 'The body is nested too deep.' });
  });
}

/** Why bytes are not read: a decoder would put something else in the place of what is no UTF-8, and nobody would know. */
function problemOfBytes(coding: string | undefined, body: Buffer): Problem | null {
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    // RFC 9110 §15.5.16
    return new Problem('unsupported_media_type', { detail: 'Send the body without a Content-Encoding.' });
  }
  return isUtf8(body) ? null : new Problem('malformed_request', { detail: 'The body is not UTF-8.' });
}

/** Whether a route takes no body, or does as well without. */
function mayBeEmpty(request: FastifyRequest): boolean {
  return request.routeOptions.schema?.body === undefined || request.routeOptions.config.bodyOptional === true;
}

/** Whether a body is nested too deep. It is walked level by level, so that this overflows nothing. */
function isTooDeep(body: unknown): boolean {
  let level: readonly unknown[] = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return false;
}
