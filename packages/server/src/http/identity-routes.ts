import type { FastifyInstance } from 'fastify';
import { loginAddress, type Root, rootOf, rootsOf } from '../application/addresses.js';
import type { Context } from '../application/context.js';
import type { LoginSettings } from '../application/logins.js';
import type { Served } from '../declared/served.js';
import { type LoginResult, login, logout, redeemSetupLink, refresh } from '../identity/index.js';
import { type JsonSchema, Type } from '../input/json-schema.js';
import { createSchema } from '../input/schemas.js';
import { Problem } from '../problems.js';
import { preparePassword } from '../records/accounts.js';
import { makeAdministrator } from '../records/administrator.js';
import { inTransaction } from '../records/transaction.js';
import { caller } from './request.js';
import { answers } from './responses.js';
import { documentedAt } from './root-documentation.js';

const typed = Type.String({ minLength: 1, maxLength: 1_000 });

/** Logging in and out, refreshing, and setting up. */
export function identityRoutes(server: FastifyInstance, served: Served): void {
  const context = served.current;
  const { application, identity } = context;
  for (const [kind, settings] of Object.entries(application.logins)) loginRoute(server, context, kind, settings);
  for (const root of rootsOf(application)) {
    // Where nobody logs in, there is no session to go on with or to end.
    if (root.kind === null || application.logins[root.kind] !== undefined) {
      logoutRoute(server, context, root);
      if (identity.refresh !== undefined) refreshRoute(server, context, root);
    }
    meRoute(server, root);
  }
  setupRoute(server, served);
}

function logoutRoute(server: FastifyInstance, context: Context, root: Root): void {
  server.post(
    `${root.identity}/logout`,
    {
      config: { decision: { authenticated: 'everyone may end their own session' } },
      schema: {
        ...documentedAt(root, 'Identity', 'logout'),
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
}

function meRoute(server: FastifyInstance, root: Root): void {
  server.get(
    `${root.identity}/me`,
    {
      config: { decision: { authenticated: 'everyone may know who they are logged in as' } },
      schema: {
        ...documentedAt(root, 'Identity', 'me'),
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
}

/** What a log-in and a refresh answer. */
export function tokensSchema({ identity }: Context): JsonSchema {
  const refreshToken = identity.refresh === undefined ? {} : { refreshToken: Type.String() };
  return Type.Object({ accessToken: Type.String(), ...refreshToken });
}

/** The same, of an opened session. */
export function tokensOf({ accessToken, refreshToken }: LoginResult): object {
  return refreshToken === undefined ? { accessToken } : { accessToken, refreshToken };
}

function refreshRoute(server: FastifyInstance, context: Context, root: Root): void {
  server.post(
    `${root.identity}/refresh`,
    {
      config: { decision: { public: 'the refresh token is the credential' } },
      schema: {
        ...documentedAt(root, 'Identity', 'refresh'),
        summary: 'New tokens for a refresh token, which works once: using it again ends the session',
        body: Type.Object({ refreshToken: typed }, { additionalProperties: false }),
        response: answers(200, tokensSchema(context)),
      },
    },
    async (request) => {
      const { refreshToken } = request.body as { readonly refreshToken: string };
      const application = context.policy.model.name;
      return refresh(context.identity, { application, kind: root.kind, token: refreshToken, requestId: request.id });
    },
  );
}

function loginRoute(server: FastifyInstance, context: Context, kind: string, settings: LoginSettings): void {
  const address = loginAddress(context.application, kind, settings);
  if (address === null) return;
  server.post(
    address,
    {
      config: { decision: { public: 'this is where credentials are checked' } },
      schema: {
        tags: documentedAt(rootOf(context.application, kind), 'Identity', '').tags,
        operationId: `login${kind}`,
        summary: `Log in as a ${kind}`,
        body: Type.Object({ [settings.login]: typed, [settings.password]: typed }, { additionalProperties: false }),
        response: answers(200, tokensSchema(context)),
      },
    },
    async (request, reply) => {
      const body = request.body as Record<string, string>;
      const opened = await login(context.identity, {
        application: context.policy.model.name,
        kind,
        login: body[settings.login] ?? '',
        password: body[settings.password] ?? '',
        tellsDisabled: context.application.enabled?.[kind] === undefined,
        requestId: request.id,
      });
      reply.header('cache-control', 'no-store');
      return tokensOf(opened);
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

function setupRoute(server: FastifyInstance, served: Served): void {
  const { type, schema } = setupSchema(served.current);
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
      const context = await served.latest();
      const { token, ...given } = request.body as Record<string, unknown> & { readonly token: string };
      const application = context.policy.model.name;
      const values = { ...given, ...context.application.administrator.values };
      const id = await inTransaction(context, async (transaction) => {
        await redeemSetupLink(transaction, context.runtime, { application, token, requestId: request.id });
        await preparePassword(context, type, values, values);
        return makeAdministrator(context, transaction, values, request.id);
      });
      return reply.code(201).send({ id });
    },
  );
}
