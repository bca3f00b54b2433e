import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { rootsOf } from '../application/addresses.js';
import type { Served } from '../declared/served.js';
import type { Throttle } from '../throttle/throttle.js';
import { accessRoutes } from './access-routes.js';
import { commandRoutes } from './command-routes.js';
import { declaredRoutes } from './declared-routes.js';
import { COMPONENTS, documentation, documentedNow } from './documentation.js';
import { guard } from './guard.js';
import type { GuestRefusals } from './guest-refusals.js';
import { identityRoutes } from './identity-routes.js';
import { speakJsonApi } from './json-api-addresses.js';
import { recordRoutes } from './operations/operations.js';
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
    transformSpecification: () => documentedNow(served, server),
    transformSpecificationClone: false,
    uiHooks: {
      preHandler: async ({ routeOptions: { url = '' } }) => {
        if (/\/(json|yaml)$/.test(url)) await documentation(served, server);
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
  server.get('/openapi.json', { config: { decision: { public: 'documentation' } }, schema: { hide: true } }, async () =>
    documentation(served, server),
  );

  guard(server, served, throttle, refusals);
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
