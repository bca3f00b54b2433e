import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { refuseConnection } from './problem-reply.js';

/** What a refused upgrade has to read its answer. */
const ANSWER_MILLISECONDS = 10_000;
/** A client sends nothing but control frames, which have 125 bytes at most (RFC 6455 §5.5). */
const MOST_BYTES = 125;
/** Node keeps no more than 2,000 headers of a request, so with more it would not be the same one again. */
const MOST_HEADERS = 1_000;

/** The subprotocol that browsers name, beside their ticket. */
export const SUBPROTOCOL = 'ostiary';

const waiting = new WeakMap<IncomingMessage, { readonly socket: Socket; readonly head: Buffer }>();

const sockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: MOST_BYTES,
  handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
});

/** What is not answered yet, by its connection. */
const running = new WeakMap<Socket, Set<ServerResponse>>();

/**
 * Lets requests for a WebSocket go the way of every other one: hooks, guard, route. What asks for another protocol is
 * answered as if it had not asked, as a server may (RFC 9110 §7.8): some clients offer HTTP/2 with every request.
 * Has to be the first that hears of requests.
 */
export function watchUpgrades(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw;
    const responses = running.get(socket) ?? new Set();
    running.set(socket, responses.add(reply.raw));
    reply.raw.on('close', () => responses.delete(reply.raw));
    done();
  });
  server.server.on('upgrade', (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    const socket = duplex as Socket;
    // Node listens no more: an error that nobody hears would end the process.
    const ignore = () => {};
    socket.on('error', ignore);
    whenAnswered(socket, () => {
      if (socket.destroyed) return;
      if (request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket') {
        dispatch(server, request, socket, head);
        return;
      }
      socket.off('error', ignore);
      giveBack(server, request, socket, head);
    });
  });
}

/** A request may come behind others on its connection: those are answered before it. */
function whenAnswered(socket: Socket, then: () => void): void {
  const [last] = [...(running.get(socket) ?? [])].reverse();
  if (last === undefined) then();
  else last.once('close', () => whenAnswered(socket, then));
}

/** Lets a request for a WebSocket be answered: by one of these, or else by the last answer of its connection. */
function dispatch(server: FastifyInstance, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.on('finish', () => {
    if (waiting.delete(request)) socket.destroySoon();
  });
  socket.setTimeout(ANSWER_MILLISECONDS, () => {
    if (waiting.has(request)) socket.destroy();
  });
  waiting.set(request, { socket, head });
  server.routing(request, response);
}

/** Whether a request asks for a WebSocket, and came over a connection that could become one. */
export function asksForSocket(request: FastifyRequest): boolean {
  return waiting.has(request.raw);
}

/** Makes the connection of a request one of WebSockets. Null where its caller has hung up. */
export function takeUpgrade(request: FastifyRequest, reply: FastifyReply): WebSocket | null {
  const { raw } = reply;
  const upgrade = waiting.get(request.raw);
  reply.hijack();
  if (upgrade === undefined || upgrade.socket.destroyed) return null;
  waiting.delete(request.raw);
  raw.detachSocket(upgrade.socket);
  let taken: WebSocket | null = null;
  sockets.handleUpgrade(request.raw, upgrade.socket, upgrade.head, (socket) => {
    taken = socket;
  });
  // The request is answered, for whoever counts them; the socket is none.
  raw.statusCode = taken === null ? 400 : 101;
  raw.emit('finish');
  raw.emit('close');
  return taken;
}

/** Lets Node read a request once more, without what made it an upgrade. */
function giveBack(server: FastifyInstance, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  if (rawHeaders.length > 2 * MOST_HEADERS) {
    refuseConnection({ code: 'HPE_HEADER_OVERFLOW' }, socket);
    return;
  }
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (name.toLowerCase() !== 'upgrade') lines.push(`${name}: ${value}`);
  }
  // They are set anew, each time.
  socket.removeAllListeners('timeout');
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.server.emit('connection', socket);
}
