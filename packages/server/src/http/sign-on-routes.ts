import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../application/context.js';
import type { Served } from '../declared/served.js';
import { Type } from '../input/json-schema.js';
import { randomSecret } from '../keys/index.js';
import { Problem } from '../problems.js';
import {
  admit,
  begin,
  createSignOnClient,
  finish,
  loginProviders,
  openSession,
  providersOf,
  recordedProviders,
  redeemCode,
  type SignOn,
  type SignOnConfiguration,
  SignOnFailure,
} from '../sign-on/index.js';
import { prefersHtml } from './home.js';
import { tokensOf, tokensSchema } from './identity-routes.js';
import { answers } from './responses.js';
import { SignOnCookie } from './sign-on-cookie.js';
import { linkRoutes } from './sign-on-link-routes.js';

export interface SignOnOptions extends SignOnConfiguration {
  /** The address that people and providers use, without a slash at its end: https, or this machine's. */
  readonly url: string;
  /** How long an answer of a provider may take; 10 unless given. */
  readonly providerSeconds?: number;
}

const named = Type.Object({ provider: Type.String({ maxLength: 63 }) });
const publicRoute = { decision: { public: 'this is where people prove who they are' }, rate: 'credentials' } as const;

/** Signing in with an account that one has elsewhere. */
export function signOnRoutes(server: FastifyInstance, served: Served, options: SignOnOptions | undefined): void {
  const context = served.current;
  const { signOn: settings } = context.application;
  if (settings === undefined) return;
  linkRoutes(server, context.policy.model.name);
  const signOn = options === undefined ? null : signOnOf(context, settings, options, server.prefix);
  const cookie = new SignOnCookie(options?.url.startsWith('https:') ?? true);
  const returnTo = options?.returnTo ?? [];
  const configured = () => {
    if (signOn === null) throw new Problem('not_found');
    return { ...signOn, context: served.current };
  };

  server.get(
    '/auth/sign-on',
    {
      config: { decision: { public: 'tells which buttons a page for logging in has' } },
      schema: {
        tags: ['Identity'],
        operationId: 'signOnProviders',
        summary: 'With whose accounts one can sign in',
        response: answers(
          200,
          Type.Object({
            providers: Type.Array(
              Type.Object({
                name: Type.String(),
                title: Type.String(),
                start: Type.String({ description: 'Where to send the browser.' }),
              }),
            ),
          }),
        ),
      },
    },
    async () => {
      const providers = signOn === null ? [] : await loginProviders(signOn);
      return {
        providers: providers.map(({ name, title }) => ({
          name,
          title,
          start: `${signOn?.base}/auth/sign-on/${name}`,
        })),
      };
    },
  );

  server.get(
    '/auth/sign-on/:provider',
    {
      config: publicRoute,
      schema: {
        tags: ['Identity'],
        operationId: 'signOn',
        summary: 'Go to a provider to sign in there: the browser keeps a cookie',
        description:
          'A browser is sent there. Who asks for JSON is told where to send the browser that has the cookie.',
        params: named,
        querystring: Type.Object(
          {
            returnTo: Type.Optional(
              Type.String({ maxLength: 2_000, description: 'One of the addresses that the configuration allows.' }),
            ),
          },
          { additionalProperties: false },
        ),
        response: answers(200, Type.Object({ location: Type.String() })),
      },
    },
    async (request, reply) => {
      const { provider } = request.params as { readonly provider: string };
      const wanted = (request.query as { readonly returnTo?: string }).returnTo;
      if (wanted !== undefined && !returnTo.includes(wanted)) {
        throw new Problem('invalid_input', {
          errors: [{ pointer: '/returnTo', message: 'is not among the addresses that the configuration allows' }],
        });
      }
      const browser = cookie.read(request) ?? randomSecret(context.runtime);
      const asked = { provider, browser, returnTo: wanted ?? returnTo[0] ?? null, requestId: request.id };
      const to = await begin(configured(), asked).catch((error: unknown) => sendBack(request, reply, error));
      if (!(to instanceof URL)) return to;
      cookie.write(reply, browser);
      return prefersHtml(request.headers.accept) ? reply.redirect(to.href, 303) : { location: to.href };
    },
  );

  server.get(
    '/auth/sign-on/:provider/callback',
    {
      config: publicRoute,
      schema: {
        tags: ['Identity'],
        operationId: 'signOnCallback',
        summary: 'Where the provider sends the browser back to',
        description:
          'A browser is sent on to the page, with a one-time code behind the #. Who asks for JSON gets the token at once.',
        params: named,
        response: answers(200, tokensSchema(context)),
      },
    },
    async (request, reply) => {
      const { provider } = request.params as { readonly provider: string };
      const browser = cookie.read(request);
      const query = (request.raw.url ?? '').split('?').slice(1).join('?');
      const asked = { provider, browser, query, requestId: request.id };
      const signOn = configured();
      const finished = await finish(signOn, asked).catch((error: unknown) => sendBack(request, reply, error));
      if (!('admitted' in finished)) return finished;
      if (finished.returnTo !== null && browser !== null && prefersHtml(request.headers.accept)) {
        const code = await admit(signOn, finished, browser);
        return reply.redirect(`${finished.returnTo}#code=${code}`, 303);
      }
      const opened = await openSession(signOn, finished.admitted, request.id);
      cookie.clear(reply);
      return tokensOf(opened);
    },
  );

  server.post(
    '/auth/sign-on/token',
    {
      config: publicRoute,
      schema: {
        tags: ['Identity'],
        operationId: 'signOnToken',
        summary: 'Exchange the one-time code for a token, from the same browser and within a minute',
        body: Type.Object({ code: Type.String({ minLength: 1, maxLength: 200 }) }, { additionalProperties: false }),
        response: answers(200, tokensSchema(context)),
      },
    },
    async (request, reply) => {
      const { code } = request.body as { readonly code: string };
      const asked = { code, browser: cookie.read(request), requestId: request.id };
      const opened = await redeemCode(configured(), asked);
      cookie.clear(reply);
      return tokensOf(opened);
    },
  );
}

function signOnOf(
  context: Context,
  settings: NonNullable<Context['application']['signOn']>,
  options: SignOnOptions,
  prefix: string,
): SignOn {
  const { name } = context.policy.model;
  const configured = options.providers
    .filter(({ applications }) => applications === null || applications.includes(name))
    .map(({ provider }) => provider);
  const { connections } = settings;
  return {
    context,
    settings,
    providers: providersOf([{ list: async () => configured }, recordedProviders(context, connections)]),
    client: createSignOnClient(context.runtime, { seconds: options.providerSeconds ?? 10 }),
    base: `${options.url}${prefix}`,
  };
}

/** A browser whose page is known is sent there with what went wrong; anybody else is answered. */
function sendBack(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  if (!(error instanceof SignOnFailure) || error.returnTo === null || !prefersHtml(request.headers.accept)) throw error;
  return reply.redirect(`${error.returnTo}#error=${error.code}&reason=${error.reason}`, 303);
}
