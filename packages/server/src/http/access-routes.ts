import { ship } from '@ostiary/policy';
import type { FastifyInstance } from 'fastify';
import type { Asker, Context } from '../application/context.js';
import { decisionType } from '../decisions/asking.js';
import { evaluate } from '../decisions/evaluate.js';
import { evaluateAll, type Questions } from '../decisions/evaluations.js';
import { explainDecision } from '../decisions/explanation.js';
import { auditExplanation } from '../decisions/on-record.js';
import { type Question, readQuestion, requireResourceId } from '../decisions/question.js';
import {
  type ActionSearch,
  type ResourceSearch,
  type SubjectSearch,
  searchActions,
  searchResources,
  searchSubjects,
} from '../decisions/search.js';
import type { Served } from '../declared/served.js';
import type { JsonSchema } from '../input/json-schema.js';
import {
  actionSearchSchema,
  answerSchema,
  answersSchema,
  anySchema,
  foundActions,
  foundEntities,
  questionSchema,
  questionsSchema,
  resourceSearchSchema,
  subjectSearchSchema,
} from './access-schemas.js';
import { asker, caller, contextOf } from './request.js';
import { answers } from './responses.js';
import type { RouteDecision } from './route-decision.js';

const ABOUT_OTHERS: RouteDecision = {
  authenticated: 'about others is decided when it is known who is asked about',
  services: true,
  guests: true,
};

/** Each explanation is in the trail, which nobody without a name should fill. */
const NOT_FOR_GUESTS: RouteDecision = { ...ABOUT_OTHERS, guests: false };

interface Documented {
  readonly operationId: string;
  readonly summary: string;
  readonly body: JsonSchema;
  readonly answer: JsonSchema;
  readonly decision?: RouteDecision;
}

/** Decisions for others to ask for (OpenID AuthZEN Authorization API 1.0), and the reasons for them. */
export function accessRoutes(server: FastifyInstance, served: Served): void {
  const post = <Body>(
    at: string,
    documented: Documented,
    handle: (context: Context, by: Asker, body: Body) => Promise<unknown>,
  ) => {
    const { answer, decision = ABOUT_OTHERS, ...about } = documented;
    server.post(
      `/access/v1/${at}`,
      {
        config: { decision, rate: 'decisions', misshapenIsMalformed: true },
        schema: { tags: ['Access'], security: [{ bearer: [] }], ...about, response: answers(200, answer) },
      },
      async (request) => handle(contextOf(request), asker(request), request.body as Body),
    );
  };

  post<Question>(
    'evaluation',
    {
      operationId: 'evaluate',
      summary: 'May this principal do this on that? (OpenID AuthZEN 1.0 §6)',
      body: questionSchema,
      answer: answerSchema,
    },
    async (context, by, question) => {
      requireResourceId(question);
      return evaluate(context, by, question);
    },
  );

  post<Partial<Questions>>(
    'evaluations',
    {
      operationId: 'evaluateAll',
      summary: 'The same, about much at once (OpenID AuthZEN 1.0 §7)',
      body: questionsSchema,
      answer: answersSchema,
    },
    async (context, by, { evaluations = [], ...questions }) =>
      evaluations.length === 0
        ? evaluate(context, by, readQuestion(questions))
        : { evaluations: await evaluateAll(context, by, { evaluations, ...questions }) },
  );

  const type = decisionType(served.current);
  post<SubjectSearch>(
    'search/subject',
    {
      operationId: 'searchSubjects',
      summary: 'Who may do this on that? (OpenID AuthZEN 1.0 §8.4)',
      body: subjectSearchSchema,
      answer: foundEntities,
      ...(type === undefined ? {} : { decision: { action: 'read', type, services: true } }),
    },
    async (context, by, asked) => {
      requireResourceId(asked);
      return searchSubjects(context, by, asked);
    },
  );

  post<ResourceSearch>(
    'search/resource',
    {
      operationId: 'searchResources',
      summary: 'On what may this principal do this? (OpenID AuthZEN 1.0 §8.5)',
      body: resourceSearchSchema,
      answer: foundEntities,
    },
    (context, by, asked) => searchResources(context, by, asked),
  );

  post<ActionSearch>(
    'search/action',
    {
      operationId: 'searchActions',
      summary: 'What may this principal do on that? (OpenID AuthZEN 1.0 §8.6)',
      body: actionSearchSchema,
      answer: foundActions,
    },
    (context, by, asked) => searchActions(context, by, asked),
  );

  post<Question>(
    'explanation',
    {
      operationId: 'explain',
      summary: 'Why, or why not: every rule with its reference, and the least that is missing',
      body: questionSchema,
      answer: anySchema,
      decision: NOT_FOR_GUESTS,
    },
    async (context, by, asked) => {
      const explanation = await explainDecision(context, by, asked);
      await auditExplanation(context, by, asked);
      return explanation;
    },
  );

  server.get(
    '/access/v1/rights',
    {
      config: { decision: { authenticated: 'everyone may know their own rights', guests: true }, rate: 'decisions' },
      schema: {
        tags: ['Access'],
        operationId: 'rights',
        summary: 'Your own rights, for a page to decide which buttons to show',
        security: [{ bearer: [] }],
        response: answers(200, anySchema),
      },
    },
    async (request) => {
      const { principal } = caller(request);
      const context = contextOf(request);
      return principal === null ? null : ship(context.policy, principal, context.types.current);
    },
  );
}
