import type { FastifyRequest } from 'fastify';
import type { Asker, Caller, Context, Service } from '../application/context.js';
import type { Identity } from '../identity/index.js';
import { Problem } from '../problems.js';
import type { LoadedRecord } from '../storage/rows.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request; null until it is authenticated, and on public routes. */
    caller: Caller | null;
    identity: Identity | null;
    /** The program that makes the request with a service key, on routes that have `services`; then there is no caller. */
    service: Service | null;
    /** What a route with `loads` is about; null where there is no such record, or for a service. */
    loaded: LoadedRecord | null;
    /** The application, as it is from the beginning of the request to its end: see `contextOf`. */
    context: Context | null;
  }
}

/**
 * The application of a request, as it was when it was known who asks: also where a type is declared meanwhile, it sees one
 * policy from its beginning to its end.
 */
export function contextOf(request: FastifyRequest): Context {
  if (request.context === null) throw new TypeError('the route is outside of an application');
  return request.context;
}

/** The caller of a request on a guarded route. */
export function caller(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Problem('not_authenticated');
  return request.caller;
}

/** Who asks, on a route that is there for services too. */
export function asker(request: FastifyRequest): Asker {
  return request.service ?? caller(request);
}
