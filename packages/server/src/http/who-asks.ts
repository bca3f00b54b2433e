import type { FastifyRequest } from 'fastify';
import type { Asker, Caller, Context, Service } from '../application/context.js';
import type { Served } from '../declared/served.js';
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
import { loadRecord, recordAlong } from '../storage/load.js';
import type { Along } from '../storage/query.js';
import type { LoadedRecord } from '../storage/rows.js';
import { readIdOrNone, recordIdOf } from './record-id.js';
import { admitsGuests } from './route-decision.js';
import { socketTicket } from './socket-ticket.js';

/**
 * Tells who makes a request, with what its route is about, and as what application it is served: from then on it is that.
 * @param services whether the route is there for services too
 * @throws Problem `not_authenticated` or `invalid_token`
 */
export async function whoAsks(
  served: Served,
  request: FastifyRequest,
  token: string | null,
  services: boolean,
): Promise<Asker> {
  try {
    return await identified(served, request, token, services);
  } catch (error) {
    if (!isOfGuest(error, token) || !admitsGuests(served.current, request.routeOptions.config.decision)) throw error;
    return guestOf(served, request);
  }
}

async function identified(
  served: Served,
  request: FastifyRequest,
  token: string | null,
  services: boolean,
): Promise<Asker> {
  if (token === null) {
    if (request.headers.authorization !== undefined) throw new Problem('invalid_token');
    throw new Problem('not_authenticated', { detail: 'Send Authorization: Bearer <token>.' });
  }
  return isServiceKey(token) ? serviceOf(served, request, token, services) : callerOf(served, request, token);
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

async function guestOf(served: Served, request: FastifyRequest): Promise<Caller> {
  const before = served.current;
  const { identity, policy, application } = before;
  const { answer, rightsVersion } = await admitGuest(identity, policy.model.name, loadedAlong(before, request));
  const { principals } = await settle(served, request, { before, loaded: answer, rightsVersion });
  return { principal: principals.guest(application.guests ?? ''), sessionId: null, requestId: request.id };
}

async function callerOf(served: Served, request: FastifyRequest, token: string): Promise<Caller> {
  const before = served.current;
  const { identity, loaded } = await identityOf(before, request, token);
  const { kind, principalId, rightsVersion, sessionId } = identity;
  const { database, principals } = await settle(served, request, { before, loaded, rightsVersion });
  const principal = await principals.current(database.db, kind, principalId, rightsVersion, sessionId !== null);
  if (principal === null) throw new RevokedToken();
  request.identity = identity;
  return { principal, sessionId, requestId: request.id };
}

async function identityOf(
  context: Context,
  request: FastifyRequest,
  token: string,
): Promise<{ readonly identity: Identity; readonly loaded: LoadedRecord | null }> {
  const { identity: deps, policy, application } = context;
  if (socketTicket(request) === token) {
    return { identity: await redeemSocketTicket(deps, policy.model.name, token), loaded: null };
  }
  const along = loadedAlong(context, request);
  const ask = isStaticToken(token) ? authenticateStatic : authenticateAlong;
  const { identity, answer } = await ask<LoadedRecord | null>(deps, policy.model.name, token, along);
  // What was made before the application took the kind's tokens away.
  if (identity.sessionId === null && application.staticTokens?.[identity.kind] === undefined) {
    throw new Problem('invalid_token');
  }
  return { identity, loaded: answer };
}

/** The application as the rest of the request sees it. What was loaded along is loaded anew where its policy is another. */
async function settle(
  served: Served,
  request: FastifyRequest,
  { before, loaded, rightsVersion }: { before: Context; loaded: LoadedRecord | null; rightsVersion: string },
): Promise<Context> {
  const context = await served.upTo(rightsVersion);
  request.context = context;
  request.loaded = loaded;
  if (context.policy !== before.policy) {
    const about = aboutRecord(context, request);
    const { database, policy } = context;
    request.loaded = about && (await loadRecord(database.db, policy, about.type, about.id));
  }
  return context;
}

/** What the route is about, to be loaded along with who asks. */
function loadedAlong(context: Context, request: FastifyRequest): Along<LoadedRecord | null> {
  const about = aboutRecord(context, request);
  return about === null ? NOTHING : recordAlong(context.policy, about.type, about.id);
}

function aboutRecord(context: Context, request: FastifyRequest): { readonly type: string; readonly id: string } | null {
  const { loads, decision } = request.routeOptions.config;
  if (loads !== undefined) return { type: loads, id: recordIdOf(request) };
  if (decision === undefined || !('declared' in decision)) return null;
  const asked = decision.declared(context, request);
  if (asked === null || 'methods' in asked || asked.operation.loads !== true) return null;
  return { type: asked.type, id: readIdOrNone(asked.params.id ?? '') };
}

async function serviceOf(served: Served, request: FastifyRequest, token: string, services: boolean): Promise<Service> {
  if (!services) {
    throw new Problem('invalid_token', {
      detail: 'A service key asks for decisions at /access/v1, and does nothing else.',
    });
  }
  const { database, runtime, policy } = served.current;
  const service = await authenticateService({ database, runtime }, policy.model.name, token);
  // No rights of its own, and so no version of them.
  request.context = await served.upTo(null);
  return { service, requestId: request.id };
}
