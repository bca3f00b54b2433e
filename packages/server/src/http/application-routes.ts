import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { Principal } from '@ostiary/policy';
import type { FastifyInstance } from 'fastify';
import { rootsOf } from '../application/addresses.js';
import type { Context } from '../application/context.js';
import type { Served } from '../declared/served.js';
import type { Throttle } from '../throttle/throttle.js';
import { accessRoutes } from './access-routes.js';
import { commandRoutes } from './command-routes.js';
import { declaredRoutes } from './declared-routes.js';
import { COMPONENTS, documented, prepareDocumentation } from './documentation.js';
import { guard } from './guard.js';
import type { GuestRefusals } from './guest-refusals.js';
import { identityRoutes } from './identity-routes.js';
import { speakJsonApi } from './json-api-addresses.js';
import { recordRoutes } from './operations/operations.js';
import { contextOf } from './request.js';
import type { RouteDecision } from './route-decision.js';
import { type SignOnOptions, signOnRoutes } from './sign-on-routes.js';
import { type SocketSettings, socketRoutes } from './socket-routes.js';

const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" width="160" height="40">
<text x="0" y="28" font-family="sans-serif" font-size="24" fill="#fff">Ostiary</text></svg>`;

/** The page sets styles in its elements; it loads nothing from elsewhere, and nobody frames it. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/** What the routes of an application have in common with those of others. */
export interface ApplicationRouteOptions {
  readonly version: string;
  readonly throttle: Throttle;
  readonly refusals: GuestRefusals;
  readonly sockets: SocketSettings | null;
  readonly signOn: SignOnOptions | undefined;
  readonly secureCookies: boolean;
}

/** Everything of one application: its documentation, identity, decisions and records. */
export async function applicationRoutes(
  server: FastifyInstance,
  served: Served,
  { version, throttle, refusals, sockets, signOn, secureCookies }: ApplicationRouteOptions,
): Promise<void> {
  const context = served.current;
  const { model } = context.policy;
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: model.title, version, description: `${model.title}, served by Ostiary.` },
      servers: [{ url: server.prefix === '' ? '/' : server.prefix }],
      components: COMPONENTS,
    },
    stripBasePath: true,
  });
  await server.register(swaggerUi, {
    routePrefix: '/docs',
    indexPrefix: server.prefix,
    transformSpecification: () => documented(served.current, server, guestOf(served.current)),
    transformSpecificationClone: false,
    uiHooks: {
      preHandler: async ({ routeOptions: { url = '' } }) => {
        if (/\/(json|yaml)$/.test(url)) await prepareDocumentation(await served.upTo(null));
      },
    },
    staticCSP: true,
    transformStaticCSP: () => PAGE_POLICY,
    theme: { title: `${model.title} · Ostiary` },
    logo: { type: 'image/svg+xml', content: Buffer.from(LOGO), href: '/', target: '_self' },
  });

  if (server.prefix !== '') {
    const decision = { public: 'leads to the documentation' };
    server.get('', { config: { decision }, schema: { hide: true } }, async (_request, reply) =>
      reply.redirect(`${server.prefix}/docs/`, 303),
    );
  }

  guard(server, served, throttle, refusals);
  const decision: RouteDecision =
    context.application.declared === undefined
      ? { public: 'documentation' }
      : { authenticated: 'of types that are declared it shows those that are there for the caller', guests: true };
  server.get('/openapi.json', { config: { decision }, schema: { hide: true } }, async (request) => {
    const now = contextOf(request);
    await prepareDocumentation(now);
    return documented(now, server, request.caller?.principal ?? null);
  });
  speakJsonApi(server, context.application);
  identityRoutes(server, served);
  signOnRoutes(server, served, signOn);
  accessRoutes(server, served);
  recordRoutes(server, context);
  declaredRoutes(server, context.application);
  commandRoutes(server, context, { throttle, secureCookies });
  const { presence = {} } = context.application;
  if (sockets === null || Object.keys(presence).length === 0) return;
  for (const root of rootsOf(context.application))
    if (root.kind === null || presence[root.kind] !== undefined) socketRoutes(server, root, sockets);
}

/** Whoever reads the page, for which nobody logs in; null where there are no guests. */
function guestOf({ application: { guests }, principals }: Context): Principal | null {
  return guests === undefined ? null : principals.guest(guests);
}
