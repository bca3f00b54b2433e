import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { drain } from '@ostiary/server/http';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { type Node, openNode } from './support/nodes.js';
import { trials } from './support/trials.js';

let app: TestApplication;
let node: Node;
let url: string;
/** Lets the slow requests that run go on. */
let goOn: () => void;
let sockets: Socket[];

beforeAll(async () => {
  app = await openApplication(trials);
});
afterAll(() => app?.close());
beforeEach(() => {
  sockets = [];
});
afterEach(async () => {
  goOn();
  for (const socket of sockets) socket.destroy();
  await node.close();
});

async function listen(requestSeconds = 30): Promise<FastifyInstance> {
  const waiting = new Promise<void>((done) => {
    goOn = done;
  });
  node = await openNode(app, { requestSeconds }, 0, (server) => {
    server.get('/slow', { config: { decision: { public: 'a test' } } }, async () => {
      await waiting;
      return { done: true };
    });
  });
  await node.server.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(node.server.server.address() as AddressInfo).port}`;
  return node.server;
}

/** A connection, and all that came back on it until it was closed. */
async function open(...written: readonly string[]): Promise<{ socket: Socket; closed: Promise<string> }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  sockets.push(socket);
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => {});
  const closed = once(socket, 'close').then(() => text);
  for (const part of written) socket.write(part);
  return { socket, closed };
}

describe('a server that is told to stop', () => {
  test('lets running requests end, and turns new ones away meanwhile', async () => {
    const server = await listen();
    const kept = await open('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(kept.socket, 'data');
    const slow = fetch(`${url}/slow`);
    await expect.poll(() => server.drainage.running).toBe(1);

    let closed = false;
    const drained = drain(server, 10_000).then(() => {
      closed = true;
    });
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(ready.headers.get('connection')).toBe('close');
    expect(ready.headers.get('retry-after')).toBe('1');
    const refused = await fetch(`${url}/trials/openapi.json`);
    expect(await refused.json()).toMatchObject({ code: 'unavailable', detail: 'This server is closing.' });
    expect((await fetch(`${url}/healthz`)).status, 'it runs still').toBe(200);

    kept.socket.write('GET /trials/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect(await kept.closed, 'a connection that was kept is closed').toMatch(/ 503 .*connection: close/is);
    expect(closed, 'it waits for what runs').toBe(false);

    goOn();
    const answer = await slow;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ done: true });
    await drained;
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });

  test('cuts off what takes too long', async () => {
    const server = await listen();
    const slow = fetch(`${url}/slow`).then(
      () => 'answered',
      () => 'cut off',
    );
    await expect.poll(() => server.drainage.running).toBe(1);
    await drain(server, 100);
    expect(await slow).toBe('cut off');
  });

  test('closes at once where nothing runs, though callers keep connections', async () => {
    const server = await listen();
    const idle = await open('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(idle.socket, 'data');
    await drain(server, 60_000);
    expect(await idle.closed).toContain(' 200 OK');
  });
});

describe('who sends too slowly is cut off', () => {
  test.each([
    ['headers', ['GET / HTTP/1.1\r\n', 'host: localhost\r\n', 'x: 1\r\n']],
    [
      'a body',
      [
        'POST /trials/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n',
        '{"login"',
        ': "',
      ],
    ],
  ])('%s', async (_what, parts) => {
    await listen(0.6);
    const { socket, closed } = await open();
    const trickle = (async () => {
      for (const part of parts) {
        socket.write(part);
        await delay(50);
      }
      // On and on, so that the connection is never idle.
      while (!socket.destroyed) {
        socket.write('x');
        await delay(50);
      }
    })();
    const said = await closed;
    await trickle;
    expect(said).toContain('HTTP/1.1 408 Request Timeout');
    expect(said).toContain('"code":"request_timeout"');
  });
});
