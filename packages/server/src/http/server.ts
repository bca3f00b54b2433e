import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { auditRefusal, Refusal } from '../access/access.js';
import { isGuest } from '../access/guests.js';
import { Served } from '../declared/served.js';
import type { Installation } from '../installation.js';
import { Presence } from '../presence/index.js';
import { Problem } from '../problems.js';
import { DEFAULT_RATES, type Rates } from '../throttle/rates.js';
import { Throttle } from '../throttle/throttle.js';
import { applicationRoutes } from './application-routes.js';
import { readBodies } from './bodies.js';
import { watchDrain } from './drain.js';
import { requireDecisions } from './guard.js';
import { GuestRefusals } from './guest-refusals.js';
import { healthRoutes } from './health-routes.js';
import { homeRoute } from './home.js';
import { metadataRoute } from './metadata-route.js';
import { watchMethods } from './methods.js';
import { Metrics } from './metrics.js';
import { observeRequests } from './observe.js';
import { addressOf, trustIn } from './peers.js';
import { refuseConnection, sendProblem, toProblem } from './problem-reply.js';
import { answerInPlaceOfNode } from './protocol.js';
import { nameRequest } from './request-id.js';
import type { SignOnOptions } from './sign-on-routes.js';
import { throttleAddresses } from './throttling.js';
import { watchUpgrades } from './upgrade.js';
import { validatorCompiler } from './validation.js';

export interface ServerOptions {
  readonly installation: Installation;
  readonly version: string;
  /** Serve this application alone, at the root. */
  readonly alone?: string;
  /** The address that people use, without a slash at its end; where it is not known, that of each request. */
  readonly publicUrl?: string | undefined;
  /** Who else may tell who people are; nobody unless given. */
  readonly signOn?: SignOnOptions;
  /** Origins that browsers may call from; none unless given. */
  readonly corsOrigins?: readonly string[];
  /** Addresses of proxies, and ranges of them, whose X-Forwarded-… and traceparent are believed; none unless given. */
  readonly trustedProxies?: readonly string[];
  /** How many requests a minute are let through. */
  readonly rates?: Rates;
  /** The minute, for tests that can't wait for one. */
  readonly rateWindowSeconds?: number;
  /** How many refusals of those who are not logged in are written in full, for an address and minute; 60 unless given. */
  readonly refusalsInFull?: number;
  /** With this token, and only with it, the metrics may be read; without one, from this machine alone. */
  readonly metricsToken?: string;
  /** Seconds in which a request must have come in whole, and half of them for its headers; 30 unless given. */
  readonly requestSeconds?: number;
  /** How often a server looks after its sockets, and says that it is there; 5 seconds unless given. */
  readonly beatSeconds?: number;
  readonly logger?: FastifyBaseLogger | false;
  /** Largest body in bytes. */
  readonly bodyLimit?: number;
}

/** Makes the HTTP server of an installation; it listens when told to. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { installation, publicUrl } = options;
  const { runtime } = installation;
  const trusts = trustIn(options.trustedProxies ?? []);
  const throttle = new Throttle(
    installation.database,
    runtime,
    options.rates ?? DEFAULT_RATES,
    options.rateWindowSeconds,
  );
  const requestMilliseconds = (options.requestSeconds ?? 30) * 1000;
  const server = fastify({
    ...(options.logger ? { loggerInstance: options.logger } : { logger: false }),
    bodyLimit: options.bodyLimit ?? 1_048_576,
    genReqId: () => runtime.id(),
    trustProxy: options.trustedProxies?.length ? trusts : false,
    // Whoever sends slower than this holds a connection for nothing.
    requestTimeout: requestMilliseconds,
    http: {
      headersTimeout: requestMilliseconds / 2,
      connectionsCheckingInterval: requestMilliseconds / 6,
      requireHostHeader: false,
    },
    connectionTimeout: 60_000,
    keepAliveTimeout: 10_000,
    return503OnClosing: true,
    routerOptions: { maxParamLength: 200 },
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error, request, reply) => {
      nameRequest(request, reply);
      sendProblem(reply, toProblem(error));
    },
  });

  server.decorate('jsonApiRoots', new Set<string>());
  server.decorate('jsonApiCommands', new Set<string>());
  const presence = openPresence(server, options);
  if (presence !== null) watchUpgrades(server);
  server.setValidatorCompiler(validatorCompiler);
  // What is answered was shaped and masked by records; a response's schema is documentation.
  server.setSerializerCompiler(() => (data) => JSON.stringify(data));
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    xFrameOptions: { action: 'deny' },
  });
  if (options.corsOrigins && options.corsOrigins.length > 0) {
    await server.register(cors, {
      origin: [...options.corsOrigins],
      // The one cookie there is tells browsers apart during a sign-on.
      credentials: options.signOn !== undefined,
    });
  }
  // After the plugins, whose preflight answers hold nothing to decide on.
  const bases = options.alone === undefined ? [...installation.contexts.keys()].map((name) => `/${name}`) : [''];
  requireDecisions(server, (url) => bases.some((base) => `${url}/`.startsWith(`${base}/docs/`)));
  const refuseOtherMethods = watchMethods(server);
  const metrics = new Metrics(installation, throttle, () => server.drainage.running, presence);
  const applications = new Map<string, string>();
  observeRequests(server, { metrics, trusts, applicationOf: (route) => applications.get(route) });
  server.addHook('onClose', async () => metrics.close());
  watchDrain(server);
  if (presence !== null) attendSockets(server, presence);
  throttleAddresses(server, throttle);
  answerInPlaceOfNode(server);
  readBodies(server);
  server.addHook('onSend', async (request, reply) => {
    nameRequest(request, reply);
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });

  const fail =
    (of: { readonly served: Served; readonly refusals: GuestRefusals } | null) =>
    async (
      error: unknown,
      request: Parameters<typeof sendProblem>[0]['request'],
      reply: Parameters<typeof sendProblem>[0],
    ) => {
      let problem = toProblem(error);
      const misshapen = problem.code === 'invalid_input' || problem.code === 'unsupported_media_type';
      if (misshapen && request.routeOptions.config.misshapenIsMalformed) {
        problem = new Problem('malformed_request', problem.details);
      }
      if (error instanceof Refusal && of !== null) {
        const { served, refusals } = of;
        const context = request.context ?? served.current;
        try {
          if (request.caller !== null && isGuest(context, request.caller)) {
            await refusals.add(addressOf(request), { application: context.policy.model.name, ...error.entry });
          } else await auditRefusal(context, error);
        } catch (cause) {
          problem = toProblem(cause);
        }
      }
      if (problem.status >= 500)
        request.log.error({ err: problem.cause ?? problem, code: problem.code }, 'request failed');
      return sendProblem(reply, problem);
    };
  server.setErrorHandler(fail(null));
  server.setNotFoundHandler((_request, reply) => sendProblem(reply, new Problem('not_found')));

  const origins = [...(options.corsOrigins ?? []), ...(publicUrl === undefined ? [] : [new URL(publicUrl).origin])];
  const secureCookies = installation.production || publicUrl?.startsWith('https:') === true;
  const sockets = presence === null ? null : { presence, origins };
  healthRoutes(server, { installation, metrics, throttle, trusts, metricsToken: options.metricsToken });
  for (const context of installation.contexts.values()) {
    const { name } = context.policy.model;
    if (options.alone !== undefined && options.alone !== name) continue;
    await server.register(
      async (scope) => {
        const served = new Served(installation.contexts, name, installation.leftOut);
        const refusals = new GuestRefusals(context, options.refusalsInFull, options.rateWindowSeconds);
        scope.setErrorHandler(fail({ served, refusals }));
        scope.addHook('onRoute', ({ url }) => void applications.set(url, name));
        const { version, signOn } = options;
        await applicationRoutes(scope, served, { version, throttle, refusals, sockets, signOn, secureCookies });
        metadataRoute(scope, '/.well-known/authzen-configuration', { base: scope.prefix, publicUrl });
      },
      { prefix: options.alone === undefined ? `/${name}` : '' },
    );
    if (options.alone === undefined) {
      const at = `/.well-known/authzen-configuration/${name}`;
      metadataRoute(server, at, { base: `/${name}`, publicUrl, hide: true });
    }
  }
  homeRoute(server, installation, options.alone);
  refuseOtherMethods();
  return server;
}

/** Who is online, where an application that is served has that; null otherwise, and then nothing listens or beats. */
function openPresence(server: FastifyInstance, options: ServerOptions): Presence | null {
  const { database, runtime, contexts } = options.installation;
  if (![...contexts.values()].some(({ application }) => application.presence !== undefined)) return null;
  return new Presence({
    database,
    contexts,
    server: runtime.id(),
    beatSeconds: options.beatSeconds,
    report: (err, message) => server.log.error({ err }, message),
  });
}

function attendSockets(server: FastifyInstance, presence: Presence): void {
  server.drainage.atOnce.push(() => presence.stop());
  server.addHook('onReady', () => presence.start());
  server.addHook('preClose', () => presence.stop());
}
