import type { FastifyRequest } from 'fastify';
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
import { recordIdOf } from './record-id.js';
import { admitsGuests } from './route-decision.js';
import { socketTicket } from './socket-ticket.js';

/**
 * Tells who makes a request, with what its route is about.
 * @param services whether the route is there for services too
 * @throws Problem `not_authenticated` or `invalid_token`
 */
export async function whoAsks(
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
