import type { FastifyInstance } from 'fastify';
import type { LoginSettings } from '../application.js';
import type { Context } from '../context.js';
import { login, logout, redeemSetupLink } from '../identity/index.js';
import { type JsonSchema, Type } from '../input/json-schema.js';
import { createSchema } from '../input/schemas.js';
import { Problem } from '../problems.js';
import { preparePassword } from '../records/accounts.js';
import { System } from '../records/system.js';
import { inTransaction } from '../records/write.js';
import { caller } from './guard.js';
import { answers } from './responses.js';

const typed = Type.String({ minLength: 1, maxLength: 1_000 });

/** Logging in and out, and setting up. */
export function identityRoutes(server: FastifyInstance, context: Context): void {
  for (const [kind, settings] of Object.entries(context.application.logins))
    loginRoute(server, context, kind, settings);

  server.post(
    '/auth/logout',
    {
      config: { decision: { authenticated: 'everyone may end their own session' } },
      schema: {
        tags: ['Identity'],
        operationId: 'logout',
        summary: 'Log out: the token is refused from the next request on',
        security: [{ bearer: [] }],
        response: answers(204, null),
      },
    },
    async (request, reply) => {
      if (request.identity === null) throw new Problem('not_authenticated');
      await logout(context.identity, context.policy.model.name, request.identity, request.id);
      return reply.code(204).send();
    },
  );

  server.get(
    '/auth/me',
    {
      config: { decision: { authenticated: 'everyone may know who they are logged in as' } },
      schema: {
        tags: ['Identity'],
        operationId: 'me',
        summary: 'Who you are logged in as',
        security: [{ bearer: [] }],
        response: answers(200, Type.Object({ kind: Type.String(), id: Type.String() })),
      },
    },
    async (request) => {
      const { principal } = caller(request);
      return { kind: principal?.kind, id: principal?.id };
    },
  );

  setupRoute(server, context);
}

function loginRoute(server: FastifyInstance, context: Context, kind: string, settings: LoginSettings): void {
  server.post(
    settings.path,
    {
      config: { decision: { public: 'this is where credentials are checked' } },
      schema: {
        tags: ['Identity'],
        operationId: `login${kind}`,
        summary: `Log in as a ${kind}`,
        body: Type.Object({ [settings.login]: typed, [settings.password]: typed }, { additionalProperties: false }),
        response: answers(200, Type.Object({ accessToken: Type.String() })),
      },
    },
    async (request, reply) => {
      const body = request.body as Record<string, string>;
      const { accessToken } = await login(context.identity, {
        application: context.policy.model.name,
        kind,
        login: body[settings.login] ?? '',
        password: body[settings.password] ?? '',
        requestId: request.id,
      });
      reply.header('cache-control', 'no-store');
      return { accessToken };
    },
  );
}

/** What a set-up link still asks for: the first administrator's fields, without those that make one. */
function setupSchema(context: Context): { readonly type: string; readonly schema: JsonSchema } {
  const { administrator } = context.application;
  const type = context.policy.model.principals[administrator.kind];
  if (!type) throw new TypeError(`administrators are of the kind '${administrator.kind}', which has no records`);
  const whole = createSchema(context.policy.model, type) as unknown as {
    readonly properties: Readonly<Record<string, JsonSchema>>;
    readonly required?: readonly string[];
  };
  const asked = Object.entries(whole.properties).filter(([name]) => !(name in administrator.values));
  const properties = Object.fromEntries(
    asked.map(([name, schema]) => [name, whole.required?.includes(name) ? schema : Type.Optional(schema)]),
  );
  return { type, schema: Type.Object({ token: typed, ...properties }, { additionalProperties: false }) };
}

function setupRoute(server: FastifyInstance, context: Context): void {
  const { type, schema } = setupSchema(context);
  server.post(
    '/setup',
    {
      config: { decision: { public: 'the one-time link is the credential' } },
      schema: {
        tags: ['Identity'],
        operationId: 'setup',
        summary: 'Make the first administrator, with the token of a one-time set-up link',
        body: schema,
        response: answers(201, Type.Object({ id: Type.String() })),
      },
    },
    async (request, reply) => {
      const { token, ...given } = request.body as Record<string, unknown> & { readonly token: string };
      const application = context.policy.model.name;
      const values = { ...given, ...context.application.administrator.values };
      const id = await inTransaction(context, async (transaction) => {
        await redeemSetupLink(transaction, context.runtime, { application, token, requestId: request.id });
        await preparePassword(context, type, values, values);
        return new System(context, transaction, request.id).create(type, values);
      });
      return reply.code(201).send({ id });
    },
  );
}
