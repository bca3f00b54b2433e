import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { refuseKind, requirePossible } from '../access/access.js';
import { isGuest } from '../access/guests.js';
import { rootsOf } from '../application/addresses.js';
import type { Context } from '../application/context.js';
import type { AuditEntry } from '../audit/trail.js';
import type { Served } from '../declared/served.js';
import { Problem } from '../problems.js';
import { principalKind } from '../records/accounts.js';
import { traced } from '../telemetry/tracing.js';
import type { Throttle } from '../throttle/throttle.js';
import { bearerToken } from './bearer.js';
import type { GuestRefusals } from './guest-refusals.js';
import { KnownTokens } from './known-tokens.js';
import { addressOf } from './peers.js';
import { contextOf } from './request.js';
import { admitsGuests, type RouteDecision } from './route-decision.js';
import { socketTicket } from './socket-ticket.js';
import { refuseStranger, throttleByAddress, throttleCaller } from './throttling.js';
import { whoAsks } from './who-asks.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly decision?: RouteDecision;
    /** The type of the one record that the route is about: it is loaded along with who asks. */
    readonly loads?: string;
    /** Whose tokens are taken: set for every route below the root of a kind of principal. */
    readonly kind?: string;
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
export function guard(server: FastifyInstance, served: Served, throttle: Throttle, refusals: GuestRefusals): void {
  const context = served.current;
  const application = context.policy.model.name;
  const tokens = new KnownTokens();
  server.decorateRequest('caller', null);
  server.decorateRequest('identity', null);
  server.decorateRequest('service', null);
  server.decorateRequest('loaded', null);
  server.decorateRequest('context', null);
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
    request.context = served.current;
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
      await throttleByAddress(throttle, 'guests', application, request, reply);
      if (refused) await refusals.add(addressOf(request), unauthenticated(context, request));
    };
    const known = await traced('authenticate', {}, () => whoAsks(served, request, token, services)).catch(
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
    if ('action' in decision) {
      requirePossible(contextOf(request), caller, decision.action, decision.type);
      const writes = isGuest(context, caller) && ['POST', 'PATCH'].includes(request.method);
      const mayHash = writes && principalKind(context, decision.type)?.login !== undefined;
      // To hash a password costs as much as to try one.
      if (mayHash) await throttleByAddress(throttle, 'credentials', application, request, reply);
    }
    if ('declared' in decision) {
      const asked = decision.declared(contextOf(request), request);
      if (asked === null) throw new Problem('not_found');
      if ('methods' in asked) {
        // RFC 9110 §15.5.6: with the methods that are offered.
        reply.header('allow', asked.methods.join(', '));
        throw new Problem('method_not_allowed');
      }
      requirePossible(contextOf(request), caller, asked.operation.action, asked.type);
    }
  });
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
