import type { FastifyRequest } from 'fastify';
import { isSocketTicket } from '../identity/index.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether a ticket among the subprotocols does in place of a token, which a browser can't send along. */
    readonly tickets?: boolean;
  }
}

/** The ticket of a request, where its route takes one and it has no credentials in the header; null otherwise. */
export function socketTicket(request: FastifyRequest): string | null {
  if (!request.routeOptions.config.tickets || request.headers.authorization !== undefined) return null;
  return protocolsOf(request).find(isSocketTicket) ?? null;
}

/** The subprotocols that a client offers (RFC 6455 §11.3.4). */
export function protocolsOf(request: FastifyRequest): readonly string[] {
  const header = request.headers['sec-websocket-protocol'];
  return header === undefined ? [] : header.split(',').map((each) => each.trim());
}
