import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import type { JsonBody } from './application.js';

/** A socket of a test, with all that it was told. */
export interface TestSocket {
  readonly wire: WebSocket;
  readonly told: JsonBody[];
  /** The code that it was closed with. */
  readonly closed: Promise<number>;
  close(): Promise<void>;
}

export interface Knock {
  readonly token?: string;
  readonly ticket?: string;
  readonly origin?: string;
  /** Behind the address. */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a server that listens has its sockets. */
export function socketUrl(server: FastifyInstance, application = 'on-call'): string {
  return `ws://127.0.0.1:${(server.server.address() as AddressInfo).port}/${application}/api/socket`;
}

/** Opens a socket; what was answered, where it was refused. */
export async function knock(url: string, given: Knock): Promise<TestSocket | { status: number; body: JsonBody }> {
  const { token, ticket, origin, query = '', headers } = given;
  const wire = new WebSocket(`${url}${query}`, ticket === undefined ? [] : ['ostiary', ticket], {
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
    ...(origin === undefined ? {} : { origin }),
  });
  const told: JsonBody[] = [];
  wire.on('message', (data) => void told.push(JSON.parse(String(data))));
  wire.on('error', () => {});
  const closed = new Promise<number>((resolve) => wire.on('close', resolve));
  const refused = new Promise<IncomingMessage>((resolve) =>
    wire.on('unexpected-response', (_, answer) => resolve(answer)),
  );
  const answer = await Promise.race([once(wire, 'open').then(() => null), refused]);
  if (answer === null) {
    const close = async () => {
      wire.close();
      await closed;
    };
    return { wire, told, closed, close };
  }
  const chunks = await answer.toArray();
  wire.terminate();
  return { status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) };
}

/** Opens a socket, which has to succeed. */
export async function openSocket(url: string, given: Knock): Promise<TestSocket> {
  const socket = await knock(url, given);
  if ('wire' in socket) return socket;
  throw new Error(`the socket was refused: ${JSON.stringify(socket)}`);
}

/** What becomes true by itself, on a machine that may be busy. */
export function soon<T>(read: () => T) {
  return expect.poll(read, { timeout: 10_000, interval: 20 });
}
