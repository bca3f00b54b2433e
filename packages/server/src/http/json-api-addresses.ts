import type { FastifyInstance, FastifyRequest } from 'fastify';
import { rootsOf } from '../application/addresses.js';
import type { Application } from '../application/application.js';
import { MEDIA_TYPE, negotiate } from '../json-api/media-type.js';
import { readJsonAs } from './bodies.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** The addresses below which answers are JSON:API, each with a slash at its end. */
    readonly jsonApiRoots: Set<string>;
    /** The addresses of the commands of the same applications, likewise. */
    readonly jsonApiCommands: Set<string>;
  }
}

/** Whether a request is for an address below which answers are JSON:API, whatever is there. */
function isJsonApi(request: FastifyRequest): boolean {
  return isBelow(request, request.server?.jsonApiRoots);
}

/** Whether a request is for an address where problems are JSON:API's: with its records, the commands of an application. */
export function toldAsJsonApi(request: FastifyRequest): boolean {
  return isJsonApi(request) || isBelow(request, request.server?.jsonApiCommands);
}

function isBelow({ routeOptions, url }: FastifyRequest, addresses: ReadonlySet<string> = new Set()): boolean {
  const at = `${routeOptions?.url ?? url.split('?', 1)[0]}/`;
  return [...addresses].some((address) => at.startsWith(address));
}

/** Lets an application speak JSON:API below the roots of its records: media types, and the form of its problems. */
export function speakJsonApi(server: FastifyInstance, application: Application): void {
  if (application.api !== 'json-api') return;
  for (const { api } of rootsOf(application)) server.jsonApiRoots.add(`${server.prefix}${api}/`);
  for (const { path } of application.commands ?? []) server.jsonApiCommands.add(`${server.prefix}${path}/`);
  readJsonAs(server, MEDIA_TYPE);
  server.addHook('onRequest', async (request, reply) => {
    if (!isJsonApi(request)) return;
    reply.header('vary', [reply.getHeader('vary') ?? [], 'accept'].flat().join(', '));
    negotiate(request.headers);
  });
}
