import { ship } from '@ostiary/policy';
import type { FastifyInstance } from 'fastify';
import { askedBy, decisionType, printable } from '../access/asking.js';
import { evaluate } from '../access/evaluate.js';
import { evaluateAll, type Questions, SEMANTICS } from '../access/evaluations.js';
import { explainDecision } from '../access/explanation.js';
import {
  actionSchema,
  contextSchema,
  type Question,
  questionSchema,
  readQuestion,
  requireResourceId,
  resourceSchema,
  resourceTypeSchema,
  subjectSchema,
  subjectTypeSchema,
} from '../access/question.js';
import { searchActions, searchResources, searchSubjects } from '../access/search.js';
import { writeAudit } from '../audit/trail.js';
import type { Asker, Context } from '../context.js';
import { type JsonSchema, Type } from '../input/json-schema.js';
import type { RouteDecision } from './guard.js';
import { asker, caller } from './guard.js';
import { answers } from './responses.js';

const ABOUT_OTHERS: RouteDecision = {
  authenticated: 'about others is decided when it is known who is asked about',
  services: true,
};

const any = Type.Object({}, { additionalProperties: true });
const open = (members: Readonly<Record<string, JsonSchema>>): JsonSchema =>
  Type.Object(members, { additionalProperties: true });

const answer = Type.Object({
  decision: Type.Boolean(),
  context: Type.Optional({
    ...Type.Object({
      error: Type.Optional(Type.Object({ status: Type.Integer(), message: Type.String() })),
      rules: Type.Optional(Type.Array(Type.String())),
      missing: Type.Optional(Type.Array(Type.String())),
      reason_admin: Type.Optional(any),
      reason_user: Type.Optional(any),
    }),
    description: 'The reasons, where `context.reasons` asked for them; or why there is no answer but no.',
  }),
});

/** What a default leaves out, an item says: so it may be there in part. */
const part = Type.Optional(open({ type: Type.Optional(Type.String()), id: Type.Optional(Type.String()) }));
const MOST_EVALUATIONS = 1_000;
const questionsSchema = open({
  subject: part,
  action: Type.Optional(open({ name: Type.Optional(Type.String()) })),
  resource: part,
  context: contextSchema,
  evaluations: Type.Optional(
    Type.Array(Type.Unknown(), {
      maxItems: MOST_EVALUATIONS,
      description:
        'Questions; what one leaves out is as it stands beside them. Without any this is one question itself.',
    }),
  ),
  options: Type.Optional(open({ evaluations_semantic: Type.Optional(Type.Enum(SEMANTICS)) })),
});

const page = Type.Optional(
  open({
    token: Type.Optional(Type.String({ maxLength: 4_000, description: 'The `next_token` of the page before.' })),
    limit: Type.Optional(Type.Integer({ minimum: 0, description: 'At most so many: 50 unless given, 1,000 at most.' })),
  }),
);
const found = (result: JsonSchema) =>
  Type.Object({
    page: Type.Object({
      next_token: Type.String({ description: 'Empty on the last page.' }),
      count: Type.Integer({ minimum: 0 }),
    }),
    context: Type.Optional(any),
    results: Type.Array(result),
  });
const entity = Type.Object({ type: Type.String(), id: Type.String() });

/** Decisions for others to ask for (OpenID AuthZEN Authorization API 1.0), and the reasons for them. */
export function accessRoutes(server: FastifyInstance, context: Context): void {
  const post = <Body>(
    at: string,
    documented: {
      readonly operationId: string;
      readonly summary: string;
      readonly body: JsonSchema;
      readonly answer: JsonSchema;
    },
    handle: (by: Asker, body: Body) => Promise<unknown>,
    decision: RouteDecision = ABOUT_OTHERS,
  ) => {
    const { answer, ...about } = documented;
    server.post(
      `/access/v1/${at}`,
      {
        config: { decision, misshapenIsMalformed: true },
        schema: { tags: ['Access'], security: [{ bearer: [] }], ...about, response: answers(200, answer) },
      },
      async (request) => handle(asker(request), request.body as Body),
    );
  };

  post<Question>(
    'evaluation',
    {
      operationId: 'evaluate',
      summary: 'May this principal do this on that? (OpenID AuthZEN 1.0 §6)',
      body: questionSchema,
      answer,
    },
    async (by, question) => {
      requireResourceId(question);
      return evaluate(context, by, question);
    },
  );

  post<Partial<Questions>>(
    'evaluations',
    {
      operationId: 'evaluateAll',
      summary: 'The same, about much at once (§7)',
      body: questionsSchema,
      answer: Type.Object({
        evaluations: Type.Optional(Type.Array(answer)),
        decision: Type.Optional(Type.Boolean({ description: 'Of a request without evaluations.' })),
      }),
    },
    async (by, { evaluations = [], ...questions }) =>
      evaluations.length === 0
        ? evaluate(context, by, readQuestion(questions))
        : { evaluations: await evaluateAll(context, by, { evaluations, ...questions }) },
  );

  const type = decisionType(context);
  post<Parameters<typeof searchSubjects>[2]>(
    'search/subject',
    {
      operationId: 'searchSubjects',
      summary: 'Who may do this on that? (§8.4)',
      body: open({
        subject: subjectTypeSchema,
        action: actionSchema,
        resource: resourceTypeSchema,
        context: contextSchema,
        page,
      }),
      answer: found(entity),
    },
    async (by, asked) => {
      requireResourceId(asked);
      return searchSubjects(context, by, asked);
    },
    type === undefined ? ABOUT_OTHERS : { action: 'read', type, services: true },
  );

  post<Parameters<typeof searchResources>[2]>(
    'search/resource',
    {
      operationId: 'searchResources',
      summary: 'On what may this principal do this? (§8.5)',
      body: open({
        subject: subjectSchema,
        action: actionSchema,
        resource: resourceTypeSchema,
        context: contextSchema,
        page,
      }),
      answer: found(entity),
    },
    (by, asked) => searchResources(context, by, asked),
  );

  post<Parameters<typeof searchActions>[2]>(
    'search/action',
    {
      operationId: 'searchActions',
      summary: 'What may this principal do on that? (§8.6)',
      body: open({ subject: subjectSchema, resource: resourceSchema, context: contextSchema, page }),
      answer: found(Type.Object({ name: Type.String() })),
    },
    (by, asked) => searchActions(context, by, asked),
  );

  post<Question>(
    'explanation',
    {
      operationId: 'explain',
      summary: 'Why, or why not: every rule with its reference, and the least that is missing',
      body: questionSchema,
      answer: any,
    },
    async (by, asked) => {
      const explanation = await explainDecision(context, by, asked);
      await writeAudit(context.database.db, context.runtime, {
        application: context.policy.model.name,
        event: 'access.explained',
        outcome: 'allowed',
        ...askedBy(by, { subject: { type: asked.subject.type, id: printable(asked.subject.id) } }),
        action: asked.action.name,
        resourceType: asked.resource.type,
        ...(asked.resource.id === undefined ? {} : { recordId: printable(asked.resource.id) }),
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
        response: answers(200, any),
      },
    },
    async (request) => {
      const { principal } = caller(request);
      return principal === null ? null : ship(context.policy, principal);
    },
  );
}
