import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { actor, Refusal } from '../access/access.js';
import type { Root } from '../application/addresses.js';
import type { Caller, Context } from '../application/context.js';
import { createSocketTicket, type Identity } from '../identity/index.js';
import { Type } from '../input/json-schema.js';
import { type Held, type Presence, standingOf } from '../presence/index.js';
import { Problem } from '../problems.js';
import { headerLines } from './header-lines.js';
import { caller, contextOf } from './request.js';
import { answers } from './responses.js';
import { documentedAt } from './root-documentation.js';
import { protocolsOf } from './socket-ticket.js';
import { asksForSocket, takeUpgrade } from './upgrade.js';

export interface SocketSettings {
  readonly presence: Presence;
  /** Origins of pages that may open sockets, beside those of the server itself. */
  readonly origins: readonly string[];
}

/** What a client has to send, and is told of otherwise (RFC 6455 §4.2.1). */
const VERSION = '13';
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Being online: opening a socket, and the ticket with which browsers do. */
export function socketRoutes(server: FastifyInstance, root: Root, settings: SocketSettings): void {
  server.get(
    `${root.api}/socket`,
    {
      config: {
        decision: { authenticated: 'whose kind may be online; what is told there is decided each time' },
        tickets: true,
      },
      schema: {
        ...documentedAt(root, 'Presence', 'openSocket'),
        summary: 'Open a WebSocket: you are online while it is open, and told what happens',
        description:
          'A browser offers the subprotocols `ostiary` and its ticket. Each message is JSON: `{id, at, event, about, detail}`.',
        security: [{ bearer: [] }],
        response: answers(101, null),
      },
    },
    async (request, reply) => {
      const by = caller(request);
      const context = contextOf(request);
      requireOrigin(context, by, request, settings.origins);
      const held = await requireOnlineable(context, by, request);
      requireHandshake(request, reply);
      await settings.presence.open({ ...held, context, requestId: request.id }, () => takeUpgrade(request, reply));
      return reply;
    },
  );
  server.post(
    `${root.api}/socket/ticket`,
    {
      config: { decision: { authenticated: 'whose kind may be online' } },
      schema: {
        ...documentedAt(root, 'Presence', 'socketTicket'),
        summary: 'A ticket with which a browser opens one WebSocket, within 60 seconds',
        security: [{ bearer: [] }],
        response: answers(
          200,
          Type.Object({
            ticket: Type.String({ description: 'To offer as a subprotocol, beside `ostiary`.' }),
            expiresAt: Type.String({ format: 'date-time' }),
          }),
        ),
      },
    },
    async (request) => {
      const context = contextOf(request);
      await requireOnlineable(context, caller(request), request);
      const { ticket, expiresAt } = await createSocketTicket(context, context.policy.model.name, identityOf(request));
      return { ticket, expiresAt: expiresAt.toISOString() };
    },
  );
}

function identityOf(request: FastifyRequest): Identity {
  if (request.identity === null) throw new Problem('not_authenticated');
  return request.identity;
}

/** A page of elsewhere opens no socket: nothing that a browser enforces stops it from trying (RFC 6455 §10.2). */
function requireOrigin(context: Context, by: Caller, request: FastifyRequest, origins: readonly string[]): void {
  const { origin } = request.headers;
  if (origin === undefined) return;
  const own = `${request.protocol}://${request.host}`;
  if (headerLines(request, 'origin') === 1 && (origin === own || origins.includes(origin))) return;
  throw refuse(context, by, 'Pages of this origin may not open sockets here.');
}

/** Refuses whoever may not be online: by their kind, or by the field of their record that says so. */
async function requireOnlineable(context: Context, by: Caller, request: FastifyRequest): Promise<Held> {
  const { kind, principalId, sessionId, staticTokenId } = identityOf(request);
  const token = staticTokenId === undefined ? {} : { staticTokenId };
  const held = { id: context.runtime.id(), kind, principalId, sessionId, ...token };
  const settings = context.application.presence?.[kind];
  if (settings === undefined) throw refuse(context, by, `A ${kind} is never online.`);
  const standing = (await standingOf(context, context.database.db, [held])).get(held);
  if (standing === undefined) throw new Problem('invalid_token');
  if (!standing.may) throw refuse(context, by, `You may be online only with your ${settings.when} set.`);
  return held;
}

function refuse(context: Context, by: Caller, detail: string): Refusal {
  const decision = context.runtime.id();
  return new Refusal(
    'not_allowed',
    { detail, decision },
    { ...actor(by), event: 'access.refused', outcome: 'refused', action: 'connect', decision },
  );
}

function requireHandshake(request: FastifyRequest, reply: FastifyReply): void {
  const { headers } = request;
  if (!asksForSocket(request) || headers['sec-websocket-version'] !== VERSION) {
    // RFC 9110 §15.5.22, RFC 6455 §4.4
    reply.headers({ upgrade: 'websocket', connection: 'upgrade', 'sec-websocket-version': VERSION });
    throw new Problem('upgrade_required');
  }
  if (!KEY.test(String(headers['sec-websocket-key']))) {
    throw new Problem('malformed_request', { detail: 'Send a Sec-WebSocket-Key of 16 bytes.' });
  }
  const protocols = protocolsOf(request);
  if (new Set(protocols).size < protocols.length || !protocols.every((each) => TOKEN.test(each))) {
    throw new Problem('malformed_request', { detail: 'Send each subprotocol once, with a comma between them.' });
  }
}
