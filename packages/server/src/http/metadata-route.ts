import type { FastifyInstance, FastifyRequest } from 'fastify';
import { metadataOf } from '../decisions/metadata.js';
import { Type } from '../input/json-schema.js';
import { Problem } from '../problems.js';
import { answers } from './responses.js';

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
    async (request) => metadataOf(`${options.publicUrl ?? addressOf(request)}${options.base}`),
  );
}

/** The address by which this request came: of what proxies say of it, that of trusted ones is believed alone. */
function addressOf(request: FastifyRequest): string {
  const address = `${request.protocol}://${request.host}`;
  if (!/^[\w.:[\]-]+$/.test(request.host) || !URL.canParse(address)) {
    throw new Problem('malformed_request', { detail: 'The host of this request is none.' });
  }
  return new URL(address).origin;
}
