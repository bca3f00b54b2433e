import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';
import { validationProblem } from '../input/validation.js';
import { errorDocument } from '../json-api/errors.js';
import { PROBLEMS, Problem, type ProblemCode } from '../problems.js';
import { isUnreachable } from '../storage/unreachable.js';
import { toldAsJsonApi } from './json-api-addresses.js';
import { sendDocument } from './operations/json-api-reply.js';

/** A problem as its body says it (RFC 9457). */
export function problemBody(problem: Problem, requestId: string) {
  const { code, status, details } = problem;
  const { retryAfter: _, part: __, ...told } = details;
  return { type: `urn:ostiary:problem:${code}`, title: PROBLEMS[code].title, status, code, ...told, requestId };
}

/** Answers with a problem, in the form that the address asked for has. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { request } = reply;
  if (problem.status === 401) reply.header('www-authenticate', challenge(problem.code));
  const { retryAfter } = problem.details;
  if (retryAfter !== undefined) reply.header('retry-after', String(Math.ceil(retryAfter)));
  reply.header('cache-control', 'no-store');
  if (toldAsJsonApi(request)) {
    const { status, body } = errorDocument(problem, request.id);
    return sendDocument(reply.code(status), body);
  }
  return reply.code(problem.status).type('application/problem+json').send(problemBody(problem, request.id));
}

/** RFC 6750 §3: no error code where no credentials were given. */
function challenge(code: ProblemCode): string {
  return code === 'invalid_token' ? 'Bearer error="invalid_token"' : 'Bearer';
}

/** What went wrong, as a problem: never with what a library or the database said of it. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { code, statusCode, validation, validationContext } = error as {
    readonly code?: unknown;
    readonly statusCode?: unknown;
    readonly validation?: Parameters<typeof validationProblem>[0];
    readonly validationContext?: string;
  };
  if (validation) return validationProblem(validation, validationContext);
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem('body_too_large');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('unsupported_media_type', { detail: 'Send application/json.' });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new Problem('malformed_request', { detail: 'The body is empty.' });
    default:
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new Problem('malformed_request', {}, { cause: error });
  }
  if (isUnreachable(error)) return new Problem('unavailable', { retryAfter: 1 }, { cause: error });
  return new Problem('internal', {}, { cause: error });
}

/** Answers what is not even HTTP, or has headers that are too large, and hangs up. */
export function refuseConnection(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return;
  const problem = connectionProblem(error.code);
  const body = JSON.stringify(problemBody(problem, 'none'));
  const type = 'content-type: application/problem+json';
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function connectionProblem(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem('request_timeout');
  const detail = code === 'HPE_HEADER_OVERFLOW' ? 'The headers are too large.' : 'That is no HTTP.';
  return new Problem('malformed_request', { detail });
}
