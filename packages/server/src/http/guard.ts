import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { refuseKind, requirePossible } from '../access/access.js';
import { rootsOf } from '../addresses.js';
import type { AuditEntry } from '../audit/trail.js';
import type { Asker, Caller, Context, Service } from '../context.js';
import {
  authenticateAlong,
  authenticateService,
  authenticateStatic,
  type Identity,
  isServiceKey,
  isStaticToken,
  NOTHING,
} from '../identity/index.js';
import { Problem } from '../problems.js';
import { recordAlong } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import { traced } from '../telemetry/tracing.js';
import type { Throttle } from '../throttle/throttle.js';
import { bearerToken } from './bearer.js';
import type { GuestRefusals } from './guest-refusals.js';
import { KnownTokens } from './known-tokens.js';
import { addressOf } from './peers.js';
import { recordIdOf } from './record-id.js';
import { refuseStranger, throttleCaller, throttleGuest } from './throttling.js';

/** What a route has decided about who may call it. Every route says one of these, or can't be registered. */
export type RouteDecision =
  /** Anyone: with the reason why. */
  | { readonly public: string }
  /** Whoever is logged in: with the reason why no rule is asked, or which is asked later. */
  | { readonly authenticated: string; readonly services?: boolean }
  /** Whoever might do the action on some record of the type; records are decided on one by one. */
  | { readonly action: string; readonly type: string; readonly services?: boolean };

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly decision?: RouteDecision;
    /** The type of the one record that the route is about: it is loaded along with who asks. */
    readonly loads?: string;
    /** Whose tokens are taken: set for every route below the root of a kind of principal. */
    readonly kind?: string;
  }
  interface FastifyRequest {
    /** Who makes the request; null until it is authenticated, and on public routes. */
    caller: Caller | null;
    identity: Identity | null;
    /** The program that makes the request with a service key, on routes that have `services`; then there is no caller. */
    service: Service | null;
    /** What a route with `loads` is about; null where there is no such record, or for a service. */
    loaded: LoadedRecord | null;
  }
}

/** Refuses to register a route that does not say who may call it. */
export function requireDecisions(server: FastifyInstance, documentation: (url: string) => boolean): void {
  server.addHook('onRoute', (route: RouteOptions) => {
    if (route.config?.decision) return;
    if (documentation(route.url)) {
      route.config = { ...route.config, decision: { public: 'documentation' } };
      return;
    }
    throw new TypeError(
      `${String(route.method)} ${route.url} has no decision: give its config {action, type}, {authenticated} or {public}`,
    );
  });
}

/** Authenticates each request of an application, counts it, and decides on the type before anything is read. */
export function guard(server: FastifyInstance, context: Context, throttle: Throttle, refusals: GuestRefusals): void {
  const application = context.policy.model.name;
  const tokens = new KnownTokens();
  server.decorateRequest('caller', null);
  server.decorateRequest('identity', null);
  server.decorateRequest('service', null);
  server.decorateRequest('loaded', null);
  server.addHook('onClose', () => refusals.close());
  server.addHook('onRoute', (route) => {
    const below = ({ api }: { readonly api: string }) => `${route.url}/`.startsWith(`${server.prefix}${api}/`);
    const kind = rootsOf(context.application).find(below)?.kind ?? null;
    if (kind !== null) route.config = { ...route.config, kind };
  });
  server.addHook('onRequest', async (request, reply) => {
    const decision = request.routeOptions.config.decision;
    if (decision === undefined || 'public' in decision) return;
    const services = decision.services === true;
    const token = bearerToken(request);
    const seen = token !== null && tokens.has(token);
    refuseStranger(throttle, { token, known: seen }, request, reply);
    const known = await traced('authenticate', {}, () => authenticated(context, request, token, services)).catch(
      async (error: unknown) => {
        if (error instanceof Problem) {
          if (token !== null) tokens.delete(token);
          // Once its address has used up its guesses, not even the trail is written any more.
          await throttleGuest(throttle, application, request, reply);
          await refusals.add(addressOf(request), unauthenticated(context, request));
        }
        throw error;
      },
    );
    if (token !== null && !seen) tokens.add(token);
    await throttleCaller(throttle, application, known, request, reply);
    if ('service' in known) {
      request.service = known;
      return;
    }
    const caller = known;
    request.caller = caller;
    const { kind } = request.routeOptions.config;
    if (kind !== undefined && caller.principal?.kind !== kind) throw refuseKind(context, caller, kind);
    if ('action' in decision) requirePossible(context, caller, decision.action, decision.type);
  });
}

/** The caller of a request on a guarded route. */
export function caller(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Problem('not_authenticated');
  return request.caller;
}

/** Who asks, on a route that is there for services too. */
export function asker(request: FastifyRequest): Asker {
  return request.service ?? caller(request);
}

async function authenticated(
  context: Context,
  request: FastifyRequest,
  token: string | null,
  services: boolean,
): Promise<Asker> {
  if (token === null) {
    if (request.headers.authorization !== undefined) throw new Problem('invalid_token');
    throw new Problem('not_authenticated', { detail: 'Send Authorization: Bearer <token>.' });
  }
  return isServiceKey(token) ? serviceOf(context, request, token, services) : callerOf(context, request, token);
}

async function callerOf(context: Context, request: FastifyRequest, token: string): Promise<Caller> {
  const identity = await identityOf(context, request, token);
  const { kind, principalId, rightsVersion, sessionId } = identity;
  const { database, principals } = context;
  const principal = await principals.current(database.db, kind, principalId, rightsVersion, sessionId !== null);
  if (principal === null) throw new Problem('invalid_token');
  request.identity = identity;
  return { principal, sessionId, requestId: request.id };
}

async function identityOf(context: Context, request: FastifyRequest, token: string): Promise<Identity> {
  const { identity: deps, policy, application } = context;
  const { loads } = request.routeOptions.config;
  const along = loads === undefined ? NOTHING : recordAlong(policy, loads, recordIdOf(request));
  const ask = isStaticToken(token) ? authenticateStatic : authenticateAlong;
  const { identity, answer } = await ask<LoadedRecord | null>(deps, policy.model.name, token, along);
  // What was made before the application took the kind's tokens away.
  if (identity.sessionId === null && application.staticTokens?.[identity.kind] === undefined) {
    throw new Problem('invalid_token');
  }
  request.loaded = answer;
  return identity;
}

async function serviceOf(
  { database, runtime, policy }: Context,
  request: FastifyRequest,
  token: string,
  services: boolean,
): Promise<Service> {
  if (!services) {
    throw new Problem('invalid_token', {
      detail: 'A service key asks for decisions at /access/v1, and does nothing else.',
    });
  }
  const service = await authenticateService({ database, runtime }, policy.model.name, token);
  return { service, requestId: request.id };
}

function unauthenticated(context: Context, request: FastifyRequest): AuditEntry {
  const decision = request.routeOptions.config.decision;
  return {
    application: context.policy.model.name,
    event: request.headers.authorization === undefined ? 'access.refused' : 'token.refused',
    outcome: 'refused',
    requestId: request.id,
    ...(decision && 'action' in decision ? { action: decision.action, resourceType: decision.type } : {}),
  };
}
