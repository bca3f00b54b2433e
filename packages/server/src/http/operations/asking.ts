import type { FastifyRequest } from 'fastify';
import type { Root } from '../../application/addresses.js';
import type { Context } from '../../application/context.js';
import type { Asking } from '../../json-api/answers.js';
import { caller } from '../request.js';

/** Who asks what, and where. */
export function askingOf(context: Context, root: Root, request: FastifyRequest): Asking {
  return {
    context,
    caller: caller(request),
    base: `${request.server.prefix}${root.api}`,
    url: request.url,
    query: request.query as Readonly<Record<string, string>>,
  };
}
