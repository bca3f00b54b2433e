import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { refuseKind, requirePossible } from '../access/access.js';
import { isGuest } from '../access/guests.js';
import { rootsOf } from '../addresses.js';
import type { AuditEntry } from '../audit/trail.js';
import type { Asker, Caller, Context, Service } from '../context.js';
import {
  admitGuest,
  authenticateAlong,
  authenticateService,
  authenticateStatic,
  type Identity,
  isServiceKey,
  isStaticToken,
  NOTHING,
  RevokedToken,
  redeemSocketTicket,
} from '../identity/index.js';
import { Problem } from '../problems.js';
import { recordAlong } from '../storage/load.js';
import type { Along } from '../storage/query.js';
import type { LoadedRecord } from '../storage/rows.js';
import { traced } from '../telemetry/tracing.js';
import type { Throttle } from '../throttle/throttle.js';
import { bearerToken } from './bearer.js';
import type { GuestRefusals } from './guest-refusals.js';
import { KnownTokens } from './known-tokens.js';
import { addressOf } from './peers.js';
import { recordIdOf } from './record-id.js';
import { socketTicket } from './socket-ticket.js';
import { refuseStranger, throttleCaller, throttleGuest } from './throttling.js';

/** What a route has decided about who may call it. Every route says one of these, or can't be registered. */
export type RouteDecision =
  /** Anyone: with the reason why. */
  | { readonly public: string }
  /** Whoever is logged in, and guests where it says so: with the reason why no rule is asked, or which is asked later. */
  | { readonly authenticated: string; readonly services?: boolean; readonly guests?: boolean }
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
    const { decision } = route.config ?? {};
    if (route.schema?.security === undefined || !admitsGuests(context, decision)) return;
    // OpenAPI's way to say that it may be left out.
    route.schema = { ...route.schema, security: [...route.schema.security, {}] };
  });
  server.addHook('onRequest', async (request, reply) => {
    const decision = request.routeOptions.config.decision;
    if (decision === undefined || 'public' in decision) return;
    const services = decision.services === true;
    const token = bearerToken(request) ?? socketTicket(request);
    const seen = token !== null && tokens.has(token);
    refuseStranger(throttle, { token, known: seen }, request, reply);
    const told = request.headers.authorization !== undefined;
    // Once its address has used up its guesses, not even the trail is written any more.
    const countGuest = async (refused: boolean) => {
      if (token !== null) tokens.delete(token);
      await throttleGuest(throttle, application, request, reply);
      if (refused) await refusals.add(addressOf(request), unauthenticated(context, request));
    };
    const known = await traced('authenticate', {}, () => authenticated(context, request, token, services)).catch(
      async (error: unknown) => {
        if (error instanceof Problem) await countGuest(true);
        throw error;
      },
    );
    if (isGuest(context, known)) await countGuest(told);
    else {
      if (token !== null && !seen) tokens.add(token);
      await throttleCaller(throttle, application, known, request, reply);
    }
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
  try {
    return await identified(context, request, token, services);
  } catch (error) {
    if (!isOfGuest(error, token) || !admitsGuests(context, request.routeOptions.config.decision)) throw error;
    return guestOf(context, request);
  }
}

async function identified(
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

/**
 * Whether who failed to say who they are has said nothing, or nothing that ever was a token. One that is looked up, as a
 * static one, may be unknown because it was revoked.
 */
function isOfGuest(error: unknown, token: string | null): boolean {
  if (!(error instanceof Problem) || error instanceof RevokedToken) return false;
  if (token !== null && (isStaticToken(token) || isServiceKey(token))) return false;
  return error.code === 'not_authenticated' || error.code === 'invalid_token';
}

function admitsGuests({ application }: Context, decision: RouteDecision | undefined): boolean {
  if (application.guests === undefined || decision === undefined || 'public' in decision) return false;
  return 'action' in decision || decision.guests === true;
}

async function guestOf(context: Context, request: FastifyRequest): Promise<Caller> {
  const { identity, policy, application, principals, database, types } = context;
  const { answer, rightsVersion } = await admitGuest(identity, policy.model.name, loadedAlong(context, request));
  await types.upTo(database.db, rightsVersion);
  request.loaded = answer;
  return { principal: principals.guest(application.guests ?? ''), sessionId: null, requestId: request.id };
}

async function callerOf(context: Context, request: FastifyRequest, token: string): Promise<Caller> {
  const identity = await identityOf(context, request, token);
  const { kind, principalId, rightsVersion, sessionId } = identity;
  const { database, principals, types } = context;
  await types.upTo(database.db, rightsVersion);
  const principal = await principals.current(database.db, kind, principalId, rightsVersion, sessionId !== null);
  if (principal === null) throw new RevokedToken();
  request.identity = identity;
  return { principal, sessionId, requestId: request.id };
}

async function identityOf(context: Context, request: FastifyRequest, token: string): Promise<Identity> {
  const { identity: deps, policy, application } = context;
  if (socketTicket(request) === token) return redeemSocketTicket(deps, policy.model.name, token);
  const along = loadedAlong(context, request);
  const ask = isStaticToken(token) ? authenticateStatic : authenticateAlong;
  const { identity, answer } = await ask<LoadedRecord | null>(deps, policy.model.name, token, along);
  // What was made before the application took the kind's tokens away.
  if (identity.sessionId === null && application.staticTokens?.[identity.kind] === undefined) {
    throw new Problem('invalid_token');
  }
  request.loaded = answer;
  return identity;
}

/** What the route is about, to be loaded along with who asks. */
function loadedAlong({ policy }: Context, request: FastifyRequest): Along<LoadedRecord | null> {
  const { loads } = request.routeOptions.config;
  return loads === undefined ? NOTHING : recordAlong(policy, loads, recordIdOf(request));
}

async function serviceOf(
  { database, runtime, policy, types }: Context,
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
  // No rights of its own, and so no version of them.
  await types.upTo(database.db, null);
  return { service, requestId: request.id };
}

function unauthenticated(context: Context, request: FastifyRequest): AuditEntry {
  const decision = request.routeOptions.config.decision;
  return {
    application: context.policy.model.name,
    event:
      request.headers.authorization === undefined && socketTicket(request) === null
        ? 'access.refused'
        : 'token.refused',
    outcome: 'refused',
    requestId: request.id,
    ...(decision && 'action' in decision ? { action: decision.action, resourceType: decision.type } : {}),
  };
}
