import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import { requirePossible } from '../access/access.js';
import { writeAudit } from '../audit/trail.js';
import type { Caller, Context } from '../context.js';
import { authenticate, type Identity } from '../identity/index.js';
import { Problem } from '../problems.js';

/** What a route has decided about who may call it. Every route says one of these, or can't be registered. */
export type RouteDecision =
  /** Anyone: with the reason why. */
  | { readonly public: string }
  /** Whoever is logged in: with the reason why no rule is asked, or which is asked later. */
  | { readonly authenticated: string }
  /** Whoever might do the action on some record of the type; records are decided on one by one. */
  | { readonly action: string; readonly type: string };

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly decision?: RouteDecision;
  }
  interface FastifyRequest {
    /** Who makes the request; null until it is authenticated, and on public routes. */
    caller: Caller | null;
    identity: Identity | null;
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

/** Authenticates each request of an application, and decides on the type before anything is read. */
export function guard(server: FastifyInstance, context: Context): void {
  server.decorateRequest('caller', null);
  server.decorateRequest('identity', null);
  server.addHook('onRequest', async (request) => {
    const decision = request.routeOptions.config.decision;
    if (decision === undefined || 'public' in decision) return;
    const caller = await callerOf(context, request);
    request.caller = caller;
    if ('action' in decision) requirePossible(context, caller, decision.action, decision.type);
  });
}

/** The caller of a request on a guarded route. */
export function caller(request: FastifyRequest): Caller {
  if (request.caller === null) throw new Problem('not_authenticated');
  return request.caller;
}

async function callerOf(context: Context, request: FastifyRequest): Promise<Caller> {
  try {
    const identity = await authenticate(context.identity, context.policy.model.name, bearerToken(request));
    const { kind, principalId, rightsVersion, sessionId } = identity;
    const principal = await context.principals.current(context.database.db, kind, principalId, rightsVersion);
    if (principal === null) throw new Problem('invalid_token');
    request.identity = identity;
    return { principal, sessionId, requestId: request.id };
  } catch (error) {
    if (error instanceof Problem) await auditUnauthenticated(context, request);
    throw error;
  }
}

/** RFC 6750 §2.1: the token comes in the header, and nowhere else. */
function bearerToken(request: FastifyRequest): string {
  const header = request.headers.authorization;
  if (header === undefined) throw new Problem('not_authenticated', { detail: 'Send Authorization: Bearer <token>.' });
  const [, token] = /^Bearer +([^\s]+)$/i.exec(header) ?? [];
  // Node gives the first of several: whoever is in front of us may have looked at another.
  const names = request.raw.rawHeaders.filter((_, index) => index % 2 === 0);
  const several = names.filter((name) => name.toLowerCase() === 'authorization').length > 1;
  if (token === undefined || several) throw new Problem('invalid_token');
  return token;
}

async function auditUnauthenticated(context: Context, request: FastifyRequest): Promise<void> {
  const decision = request.routeOptions.config.decision;
  await writeAudit(context.database.db, context.runtime, {
    application: context.policy.model.name,
    event: request.headers.authorization === undefined ? 'access.refused' : 'token.refused',
    outcome: 'refused',
    requestId: request.id,
    ...(decision && 'action' in decision ? { action: decision.action, resourceType: decision.type } : {}),
  });
}
