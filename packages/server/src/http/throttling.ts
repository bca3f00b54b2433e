import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Asker } from '../application/context.js';
import { type AuditEntry, INSTALLATION, writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { RateName } from '../throttle/rates.js';
import type { Allowance, Throttle } from '../throttle/throttle.js';
import { addressOf } from './peers.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** By which rate requests of this route are counted, where it is not the one that follows from the method. */
    readonly rate?: RateName | 'none';
  }
}

/**
 * By which rate a request is counted. A public route that takes a body is where a secret is tried; one that doesn't is a
 * page. What is there for nobody counts as a page too.
 */
function rateOf(request: FastifyRequest): RateName | 'none' {
  const { rate } = request.routeOptions.config;
  if (rate !== undefined) return rate;
  if (request.is404) return 'guests';
  const reads = request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS';
  if (isOpen(request)) return reads ? 'guests' : 'credentials';
  return reads ? 'read' : 'write';
}

/** Whether nobody has to say who they are. */
function isOpen({ is404, routeOptions }: FastifyRequest): boolean {
  const { decision } = routeOptions.config;
  return is404 || decision === undefined || 'public' in decision;
}

/** Counts requests by their address where nobody has to log in. */
export function throttleAddresses(server: FastifyInstance, throttle: Throttle): void {
  server.addHook('onRequest', async (request, reply) => {
    const rate = rateOf(request);
    if (rate === 'none' || !isOpen(request)) return;
    const address = addressOf(request);
    await spend(throttle, rate, address, request, reply, { detail: { address } });
  });
}

/**
 * Refuses what comes from an address that has used up its guesses, before its token is looked at: unless it was good here
 * before, or is one of the few that are looked at nevertheless. So whoever shares an address with a flood is not locked
 * out by it, and a flood costs no more signatures and statements than the rate itself.
 */
export function refuseStranger(
  throttle: Throttle,
  { token, known }: { readonly token: string | null; readonly known: boolean },
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const address = addressOf(request);
  if (known || (token !== null && throttle.mayLook('guests', address))) return;
  const usedUp = throttle.usedUp('guests', address);
  if (usedUp !== null) refuse('guests', usedUp, throttle.windowSeconds, reply);
}

/**
 * Counts a request by its address.
 * @param rate `guests` where its token was refused, or it came without; `credentials` where somebody is logged in, or a
 *   password hashed, by a route that others use too
 */
export async function throttleByAddress(
  throttle: Throttle,
  rate: 'guests' | 'credentials',
  application: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const address = addressOf(request);
  await spend(throttle, rate, address, request, reply, { application, detail: { address } });
}

/** Counts a request of somebody who is known. */
export async function throttleCaller(
  throttle: Throttle,
  application: string,
  asker: Asker,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const rate = rateOf(request);
  if (rate === 'none') return;
  await spend(throttle, rate, keyOf(application, asker), request, reply, { application, ...aboutOf(asker) });
}

/** Who is counted as one caller: a principal, however many sessions it has, or a service key; wherever it calls from. */
function keyOf(application: string, asker: Asker): string {
  if ('service' in asker) return `${application} <service> ${asker.service.id}`;
  const { principal } = asker;
  return principal === null ? application : `${application} ${principal.kind} ${principal.id}`;
}

/** The same, as the trail says it. */
function aboutOf(asker: Asker): Partial<AuditEntry> {
  if ('service' in asker) return { detail: { service: { id: asker.service.id, name: asker.service.name } } };
  const { principal } = asker;
  return principal === null ? {} : { principal: { kind: principal.kind, id: principal.id } };
}

async function spend(
  throttle: Throttle,
  rate: RateName,
  who: string,
  request: FastifyRequest,
  reply: FastifyReply,
  about: Partial<AuditEntry>,
): Promise<void> {
  const allowance = await throttle.take(rate, who);
  if (allowance === null) return;
  if (allowance.allowed) {
    tell(rate, allowance, throttle.windowSeconds, reply);
    return;
  }
  if (allowance.first) {
    await writeAudit(throttle.database.db, throttle.runtime, {
      application: INSTALLATION,
      ...about,
      event: 'rate.exceeded',
      outcome: 'refused',
      requestId: request.id,
      detail: { rate, ...about.detail },
    });
  }
  refuse(rate, allowance, throttle.windowSeconds, reply);
}

function refuse(rate: RateName, allowance: Allowance, windowSeconds: number, reply: FastifyReply): never {
  tell(rate, allowance, windowSeconds, reply);
  const by = rate === 'guests' || rate === 'credentials' ? 'one address' : 'one caller';
  throw new Problem('too_many_requests', {
    detail: `At most ${allowance.rate} requests of the kind '${rate}' in ${windowSeconds} seconds are answered to ${by}.`,
    retryAfter: allowance.resetSeconds,
  });
}

/**
 * How much is left, in the three headers that most services send, and in the two of the IETF's draft
 * (draft-ietf-httpapi-ratelimit-headers-10 §3, §4).
 */
function tell(name: RateName, allowance: Allowance, windowSeconds: number, reply: FastifyReply): void {
  const { rate, remaining, resetSeconds } = allowance;
  reply.headers({
    'ratelimit-limit': rate,
    'ratelimit-remaining': remaining,
    'ratelimit-reset': resetSeconds,
    'ratelimit-policy': `"${name}";q=${rate};w=${windowSeconds}`,
    ratelimit: `"${name}";r=${remaining};t=${resetSeconds}`,
  });
}
