import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ID_PATTERN } from '../input/ids.js';
import { Type } from '../input/json-schema.js';
import { Problem } from '../problems.js';
import { listLinks, removeLink } from '../sign-on/index.js';
import { caller, contextOf } from './request.js';
import { answers } from './responses.js';

/** One's own links with accounts elsewhere, told and undone. */
export function linkRoutes(server: FastifyInstance, application: string): void {
  const link = Type.Object({
    id: Type.String(),
    provider: Type.String(),
    issuer: Type.String(),
    createdAt: Type.String({ format: 'date-time' }),
  });
  const owner = (request: FastifyRequest) => {
    const { principal } = caller(request);
    if (principal === null) throw new Problem('not_authenticated');
    return { kind: principal.kind, principalId: principal.id };
  };

  server.get(
    '/auth/links',
    {
      config: { decision: { authenticated: 'everyone may know which accounts of theirs let them in' } },
      schema: {
        tags: ['Identity'],
        operationId: 'signOnLinks',
        summary: 'The accounts elsewhere with which you sign in',
        security: [{ bearer: [] }],
        response: answers(200, Type.Object({ links: Type.Array(link) })),
      },
    },
    async (request) => {
      const links = await listLinks(contextOf(request), application, owner(request));
      return { links: links.map(({ id, provider, issuer, createdAt }) => ({ id, provider, issuer, createdAt })) };
    },
  );

  server.delete(
    '/auth/links/:id',
    {
      config: { decision: { authenticated: 'everyone may undo a link of their own' } },
      schema: {
        tags: ['Identity'],
        operationId: 'removeSignOnLink',
        summary: 'Undo a link: that account is a stranger from then on',
        security: [{ bearer: [] }],
        params: Type.Object({ id: Type.String({ format: 'uuid', pattern: ID_PATTERN }) }),
        response: answers(204, null),
      },
    },
    async (request, reply) => {
      const { id } = request.params as { readonly id: string };
      const own = owner(request);
      const actor = { principal: { kind: own.kind, id: own.principalId }, requestId: request.id };
      await removeLink(contextOf(request), application, id, actor, own);
      return reply.code(204).send();
    },
  );
}
