import type { FastifyInstance, FastifyRequest } from 'fastify';
import { rootsOf } from '../application/addresses.js';
import type { Application } from '../application/application.js';
import type { Context } from '../application/context.js';
import { Problem } from '../problems.js';
import { findOperation, requireSchemas } from './operations/declared.js';
import { contextOf } from './request.js';

/**
 * The routes of types that are declared while the server runs: one for all of them at each root, beside those of the
 * application's own types. What it means is looked up in the request's context.
 */
export function declaredRoutes(server: FastifyInstance, application: Application): void {
  if (application.declared === undefined) return;
  for (const root of rootsOf(application)) {
    const find = (context: Context, { method, params }: FastifyRequest) =>
      findOperation(context, root, method, (params as { readonly '*': string })['*']);
    server.route({
      method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      url: `${root.api}/*`,
      config: { decision: { declared: find } },
      schema: { hide: true },
      handler: (request, reply) => {
        const asked = find(contextOf(request), request);
        if (asked === null || 'methods' in asked) throw new Problem('not_found');
        request.params = asked.params;
        if (asked.operation.bodyOptional) request.body ??= {};
        requireSchemas(asked, request);
        return asked.operation.handle(contextOf(request), asked.type, request, reply);
      },
    });
  }
}
