import type { FastifyInstance, FastifyRequest } from 'fastify';
import { metadataOf } from '../decisions/metadata.js';
import { Type } from '../input/json-schema.js';
import { Problem } from '../problems.js';
import { answers } from './responses.js';

/** So long others may go by what they were told (AuthZEN 1.0 §9.2.2 leaves it to HTTP). */
const MAX_AGE_SECONDS = 3_600;

const url = Type.String({ format: 'uri' });

/**
 * Where the endpoints for decisions are (AuthZEN 1.0 §9.2). By RFC 8615 the well-known part of an address comes before
 * its path; below an application's own address it is as well, for whoever looks there.
 */
export function metadataRoute(
  server: FastifyInstance,
  at: string,
  options: { readonly base: string; readonly publicUrl: string | undefined; readonly hide?: boolean },
): void {
  server.get(
    at,
    {
      config: { decision: { public: 'tells only where to ask' } },
      schema: {
        ...(options.hide ? { hide: true } : {}),
        tags: ['Access'],
        operationId: 'decisionPoint',
        summary: 'Where decisions are asked for (OpenID AuthZEN 1.0 §9)',
        response: answers(200, Type.Object(Object.fromEntries(Object.keys(metadataOf('')).map((name) => [name, url])))),
      },
    },
    async (request, reply) => {
      const metadata = metadataOf(`${options.publicUrl ?? addressOf(request)}${options.base}`);
      reply.header('cache-control', `max-age=${MAX_AGE_SECONDS}`);
      return metadata;
    },
  );
}

/** The address by which this request came: of what proxies say of it, that of trusted ones is believed alone. */
function addressOf(request: FastifyRequest): string {
  const address = `${request.protocol}://${request.host}`;
  const isWeb = ['http', 'https'].includes(request.protocol);
  if (!isWeb || !/^[\w.:[\]-]+$/.test(request.host) || !URL.canParse(address)) {
    throw new Problem('malformed_request', { detail: 'The protocol or the host of this request is none.' });
  }
  return new URL(address).origin;
}
