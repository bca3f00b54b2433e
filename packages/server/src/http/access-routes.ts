import { ship } from '@ostiary/policy';
import type { FastifyInstance } from 'fastify';
import { actor } from '../access/access.js';
import { evaluate, explainDecision, type Question } from '../access/evaluate.js';
import { writeAudit } from '../audit/trail.js';
import type { Context } from '../context.js';
import { Type } from '../input/json-schema.js';
import { caller } from './guard.js';
import { answers } from './responses.js';

const name = Type.String({ minLength: 1, maxLength: 200 });
const properties = Type.Optional(Type.Object({}, { additionalProperties: true }));

/** AuthZEN 1.0 §5: unknown members are ignored, so that newer callers are understood. */
const question = Type.Object(
  {
    subject: Type.Object({ type: name, id: name, properties }),
    action: Type.Object({ name, properties }),
    resource: Type.Object({ type: name, id: Type.Optional(Type.String({ maxLength: 200 })), properties }),
    context: properties,
  },
  { additionalProperties: true },
);

/** Decisions for others to ask for, and the reasons for them. */
export function accessRoutes(server: FastifyInstance, context: Context): void {
  server.post(
    '/access/v1/evaluation',
    {
      config: {
        decision: { authenticated: 'about others is decided when it is known who is asked about' },
        misshapenIsMalformed: true,
      },
      schema: {
        tags: ['Access'],
        operationId: 'evaluate',
        summary: 'May this principal do this on that? (OpenID AuthZEN 1.0 §6)',
        security: [{ bearer: [] }],
        body: question,
        response: answers(
          200,
          Type.Object({ decision: Type.Boolean(), context: Type.Object({}, { additionalProperties: true }) }),
        ),
      },
    },
    async (request) => evaluate(context, caller(request), request.body as Question),
  );

  server.post(
    '/access/v1/explanation',
    {
      config: {
        decision: { authenticated: 'about others is decided when it is known who is asked about' },
        misshapenIsMalformed: true,
      },
      schema: {
        tags: ['Access'],
        operationId: 'explain',
        summary: 'Why, or why not: every rule with its reference, and the least that is missing',
        security: [{ bearer: [] }],
        body: question,
        response: answers(200, Type.Object({}, { additionalProperties: true })),
      },
    },
    async (request) => {
      const by = caller(request);
      const asked = request.body as Question;
      const explanation = await explainDecision(context, by, asked);
      await writeAudit(context.database.db, context.runtime, {
        application: context.policy.model.name,
        event: 'access.explained',
        outcome: 'allowed',
        ...actor(by),
        action: asked.action.name,
        resourceType: asked.resource.type,
        ...(asked.resource.id === undefined ? {} : { recordId: asked.resource.id }),
        detail: { subject: { type: asked.subject.type, id: asked.subject.id } },
      });
      return explanation;
    },
  );

  server.get(
    '/access/v1/rights',
    {
      config: { decision: { authenticated: 'everyone may know their own rights' } },
      schema: {
        tags: ['Access'],
        operationId: 'rights',
        summary: 'Your own rights, for a page to decide which buttons to show',
        security: [{ bearer: [] }],
        response: answers(200, Type.Object({}, { additionalProperties: true })),
      },
    },
    async (request) => {
      const { principal } = caller(request);
      return principal === null ? null : ship(context.policy, principal);
    },
  );
}
