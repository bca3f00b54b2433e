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
 * How bodies are read: JSON alone, in UTF-8 (RFC 8259 §8.1) without a byte order mark and not compressed; no body where a
 * route needs none; nothing that is nested too deep, and no member twice (§4), of which others may have read the first.
 */
export function readBodies(server: FastifyInstance): void {
  server.removeContentTypeParser(['application/json', 'text/plain']);
  readJsonAs(server, 'application/json');
  server.addHook('preValidation', async (request) => {
    if (request.routeOptions.schema?.body !== undefined && request.body == null && mayBeEmpty(request))
      request.body = {};
  });
}

/** Reads bodies of another media type that is JSON. */
export function readJsonAs(server: FastifyInstance, mediaType: string): void {
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser(mediaType, { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    // Many clients name a content type whatever they send.
    if (body.length === 0 && mayBeEmpty(request)) return done(null, undefined);
    const problem = problemOfBytes(request.headers['content-encoding'], body);
    if (problem !== null) return done(problem, undefined);
    parse(request, body.toString('utf8'), (error, value) => done(error ?? problemOfValue(body, value), value));
  });
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** Why bytes are not read: a decoder would put something else in the place of what is no UTF-8, and nobody would know. */
function problemOfBytes(coding: string | undefined, body: Buffer): Problem | null {
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    // RFC 9110 §15.5.16
    return new Problem('unsupported_media_type', { detail: 'Send the body without a Content-Encoding.' });
  }
  if (!isUtf8(body)) return new Problem('malformed_request', { detail: 'The body is not UTF-8.' });
  if (!body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) return null;
  return new Problem('malformed_request', { detail: 'The body begins with a byte order mark: send it without.' });
}

/** Why a value is not taken that was read from these bytes. */
function problemOfValue(body: Buffer, value: unknown): Problem | null {
  const members = countMembers(value);
  if (members === null) return new Problem('invalid_input', { detail: 'The body is nested too deep.' });
  if (members === countWrittenMembers(body)) return null;
  return new Problem('malformed_request', { detail: 'An object in the body has a member twice.' });
}

/** Whether a route takes no body, or does as well without. */
function mayBeEmpty(request: FastifyRequest): boolean {
  return request.routeOptions.schema?.body === undefined || request.routeOptions.config.bodyOptional === true;
}

/**
 * How many members all objects in a value have; null where it is nested too deep. It is walked level by level, so that
 * this overflows nothing.
 */
function countMembers(value: unknown): number | null {
  let members = 0;
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return null;
    const next: unknown[] = [];
    for (const each of level) {
      if (typeof each !== 'object' || each === null) continue;
      const inside = Object.values(each);
      if (!Array.isArray(each)) members += inside.length;
      for (const one of inside) next.push(one);
    }
    level = next;
  }
  return members;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** How many members are written in a text that is JSON in UTF-8: each has the one colon that is outside of strings. */
function countWrittenMembers(text: Buffer): number {
  let members = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const byte = text[index];
    if (byte === QUOTE) inString = !inString;
    else if (inString && byte === BACKSLASH) index += 1;
    else if (!inString && byte === COLON) members += 1;
  }
  return members;
}
