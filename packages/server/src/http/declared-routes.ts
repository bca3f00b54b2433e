import type { FastifyInstance } from 'fastify';
import { rootsOf } from '../application/addresses.js';
import type { Application } from '../application/application.js';
import { Problem } from '../problems.js';
import { contextOf } from './guard.js';
import { findOperation, requireSchemas } from './operations/declared.js';
import type { FindAsked } from './route-decision.js';

/**
 * The routes of types that are declared while the server runs: one for all of them at each root, beside those of the
 * application's own types. What it means is looked up in the request's context.
 */
export function declaredRoutes(server: FastifyInstance, application: Application): void {
  if (application.declared === undefined) return;
  for (const root of rootsOf(application)) {
    const declared: FindAsked = (context, { method, params }) =>
      findOperation(context, root, method, (params as { readonly '*': string })['*']);
    server.route({
      method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      url: `${root.api}/*`,
      config: { decision: { declared } },
      schema: { hide: true },
      handler: (request, reply) => {
        const { asked } = request;
        if (asked === null) throw new Problem('not_found');
        request.params = asked.params;
        if (asked.operation.bodyOptional) request.body ??= {};
        requireSchemas(asked, request);
        return asked.operation.handle(contextOf(request), asked.type, request, reply);
      },
    });
  }
}
