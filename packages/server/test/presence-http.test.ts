import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { checkApplication, NO_RATES } from '@ostiary/server';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { onCall } from './support/on-call.js';
import { type Knock, knock, openSocket, socketUrl, soon, type TestSocket } from './support/sockets.js';
import { overTheWire } from './support/wire.js';

const PAGES = 'https://pages.example';

let app: TestApplication;
let url: string;
let port: number;
let token: string;

beforeAll(async () => {
  app = await openApplication(onCall, { corsOrigins: [PAGES] });
  await app.server.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.server.address() as AddressInfo).port;
  url = socketUrl(app.server);
  token = await app.login('anna');
});
afterEach(() => soon(sockets).toBe(0));
afterAll(() => app?.close());

async function tokenOf(kind: string, name: string): Promise<string> {
  const body = { name, password: 'ostiary-demo' };
  return (await app.request({ method: 'POST', url: `/auth/${kind}`, body })).body.accessToken;
}

const ask = (of: string) => app.request({ token: of, method: 'POST', url: '/api/socket/ticket' });
const ticketOf = async (of: string): Promise<string> => (await ask(of)).body.ticket;

async function refused(given: Knock) {
  const answer = await knock(url, given);
  if ('wire' in answer) {
    await answer.close();
    return [101, 'opened'];
  }
  return [answer.status, answer.body.code];
}

async function sockets(): Promise<number> {
  const { rows } = await app.database.pool.query('select count(*)::integer as open from ostiary.socket');
  return rows[0].open;
}

describe('a ticket', () => {
  test('opens one socket, and is nowhere to be found', async () => {
    const answer = await ask(token);
    expect(answer.status).toBe(200);
    const { ticket, expiresAt } = answer.body;
    expect(new Date(expiresAt).getTime() - app.clock.now().getTime()).toBe(60_000);
    const { rows } = await app.database.pool.query('select * from ostiary.socket_ticket');
    expect(JSON.stringify(rows)).not.toContain(ticket);
    const socket = await openSocket(url, { ticket });
    expect(socket.wire.protocol, 'the ticket is not sent back').toBe('ostiary');
    expect(await refused({ ticket }), 'used twice').toEqual([401, 'invalid_token']);
    await socket.close();
  });

  const cases: readonly (readonly [string, () => Promise<Knock>])[] = [
    ['that nobody gave out', async () => ({ ticket: `ticket.${randomBytes(32).toString('base64url')}` })],
    ['that is none', async () => ({ ticket: 'ticket.' })],
    ['that is a token', async () => ({ ticket: `ticket.${token}` })],
    ['in the address', async () => ({ query: `?ticket=${await ticketOf(token)}` })],
    ['in the header, where a token is', async () => ({ token: await ticketOf(token) })],
    ['beside a token that is bad', async () => ({ token: 'bad', ticket: await ticketOf(token) })],
    [
      'of a session that has ended',
      async () => {
        const ended = await tokenOf('nurse', 'sue');
        const ticket = await ticketOf(ended);
        await app.request({ token: ended, method: 'POST', url: '/auth/logout' });
        return { ticket };
      },
    ],
  ];
  test.each(cases)('%s opens none', async (_what, given) => {
    const [status] = await refused(await given());
    expect(status).toBe(401);
  });

  test('is good for a minute', async () => {
    const ticket = await ticketOf(token);
    const before = app.clock.now();
    app.clock.advance(60);
    expect(await refused({ ticket })).toEqual([401, 'invalid_token']);
    app.clock.set(before);
  });

  test('of two who use it at once, one gets in', async () => {
    const ticket = await ticketOf(token);
    const answers = await Promise.all([1, 2, 3].map(() => refused({ ticket })));
    expect(answers.map(([status]) => status).sort()).toEqual([101, 401, 401]);
  });
});

describe('a socket is refused', () => {
  const cases: readonly (readonly [string, () => Promise<Knock>, number, string])[] = [
    ['without credentials', async () => ({}), 401, 'not_authenticated'],
    ['with a bad token', async () => ({ token: 'bad' }), 401, 'invalid_token'],
    ['to a kind that is never online', async () => ({ token: await tokenOf('visitor', 'guest') }), 403, 'not_allowed'],
    [
      'to a device that is not onlineable',
      async () => ({ token: await tokenOf('device', 'pump') }),
      403,
      'not_allowed',
    ],
    [
      'to a page of elsewhere',
      async () => ({ ticket: await ticketOf(token), origin: 'https://evil.example' }),
      403,
      'not_allowed',
    ],
    [
      'to a page of elsewhere, with a token',
      async () => ({ token, origin: 'https://evil.example' }),
      403,
      'not_allowed',
    ],
    ['to a page of nowhere', async () => ({ token, origin: 'null' }), 403, 'not_allowed'],
  ];
  test.each(cases)('%s', async (_what, given, status, code) => {
    const knock = await given();
    await app.audit();
    expect(await refused(knock)).toEqual([status, code]);
    const [entry, ...more] = await app.audit();
    expect([entry?.event, entry?.outcome, more.length]).toEqual([
      knock.token === 'bad' ? 'token.refused' : 'access.refused',
      'refused',
      0,
    ]);
  });

  test('and so is its ticket', async () => {
    for (const [kind, name] of [
      ['visitor', 'guest'],
      ['device', 'pump'],
    ] as const) {
      expect((await ask(await tokenOf(kind, name))).status, name).toBe(403);
    }
    expect((await app.request({ method: 'POST', url: '/api/socket/ticket' })).status).toBe(401);
  });

  test('but not to pages of this server, nor to those that CORS is open for', async () => {
    for (const origin of [`http://127.0.0.1:${port}`, PAGES])
      expect(await refused({ ticket: await ticketOf(token), origin }), origin).toEqual([101, 'opened']);
  });

  test('beyond ten of one principal', async () => {
    const open: TestSocket[] = [];
    for (let count = 0; count < 10; count += 1) open.push(await openSocket(url, { token }));
    expect(await refused({ token })).toEqual([409, 'limit_reached']);
    await open.pop()?.close();
    await soon(sockets).toBe(9);
    expect(await refused({ token })).toEqual([101, 'opened']);
    await Promise.all(open.map((socket) => socket.close()));
  });
});

describe('what is sent over a socket closes it', () => {
  const cases: readonly (readonly [string, (socket: TestSocket) => void, number])[] = [
    ['a text', ({ wire }) => wire.send('hello'), 1008],
    ['bytes', ({ wire }) => wire.send(Buffer.alloc(8)), 1008],
    ['a piece of a text', ({ wire }) => wire.send('hello', { fin: false }), 1006],
    ['much', ({ wire }) => wire.send('x'.repeat(10_000)), 1009],
    [
      'many pings',
      ({ wire }) => {
        for (let count = 0; count < 200; count += 1) wire.ping();
      },
      1008,
    ],
    ['a frame that is none', (socket) => rawOf(socket).write(Buffer.from([0xff, 0x80, 0, 0, 0, 0])), 1002],
    ['a frame without its mask', (socket) => rawOf(socket).write(Buffer.from([0x81, 0x01, 0x61])), 1002],
    ['nothing, and the connection is cut', (socket) => rawOf(socket).destroy(), 1006],
  ];
  test.each(cases)('%s', async (what, send, code) => {
    const socket = await openSocket(url, { token });
    send(socket);
    if (what === 'a piece of a text') socket.wire.terminate();
    expect(await socket.closed).toBe(code);
  });

  function rawOf({ wire }: TestSocket) {
    return (wire as unknown as { readonly _socket: import('node:net').Socket })._socket;
  }

  test('but a ping is answered', async () => {
    const { wire, close } = await openSocket(url, { token });
    const answered = new Promise((resolve) => wire.on('pong', (data) => resolve(String(data))));
    wire.ping('there?');
    expect(await answered).toBe('there?');
    await close();
  });
});

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const HANDSHAKE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', KEY];

/** A request with a head of its own. */
const request = (line: string, lines: readonly string[], body = '') =>
  overTheWire(port, [`${line} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${token}`, ...lines, '', body].join('\r\n'));
const without = (name: string) => HANDSHAKE.filter((line) => !line.startsWith(name));

describe('a handshake', () => {
  const AT = 'GET /on-call/api/socket';
  test.each([
    ['none at all', ['Connection: close'], 426, 'upgrade_required'],
    ['without a version', without('Sec-WebSocket-Version'), 426, 'upgrade_required'],
    ['of another version', [...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 8'], 426, 'upgrade_required'],
    ['without a key', without(KEY), 400, 'malformed_request'],
    ['with a key that is none', [...without(KEY), 'Sec-WebSocket-Key: x'], 400, 'malformed_request'],
    ['with subprotocols that are none', [...HANDSHAKE, 'Sec-WebSocket-Protocol: a, , b'], 400, 'malformed_request'],
    ['with a subprotocol twice', [...HANDSHAKE, 'Sec-WebSocket-Protocol: a, a'], 400, 'malformed_request'],
    ['from two origins', [...HANDSHAKE, `Origin: ${PAGES}`, 'Origin: https://evil.example'], 403, 'not_allowed'],
  ] as const)('%s', async (_what, lines, status, code) => {
    const { text, statuses } = await request(AT, lines);
    expect(statuses, text).toEqual([status]);
    expect(text).toContain(`"code":"${code}"`);
    expect(text).toContain('application/problem+json');
    if (status === 426) expect(text).toMatch(/^upgrade: websocket\r$/im);
  });

  test('for what is no socket is a request like any other', async () => {
    const { text, statuses, closed } = await request('GET /on-call/api/wards?limit=1', HANDSHAKE);
    expect(statuses, text).toEqual([200]);
    expect(closed, 'and the last one of its connection').toBe(true);
    const guest = await overTheWire(port, ['GET /nothing HTTP/1.1', 'Host: x', ...HANDSHAKE, '', ''].join('\r\n'));
    expect(guest.statuses).toEqual([404]);
  });

  test('behind other requests of its connection waits for their answers', async () => {
    const get = (path: string, lines: readonly string[]) =>
      [`GET ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${token}`, ...lines, '', ''].join('\r\n');
    const list = '/on-call/api/wards?limit=1';
    const h2c = ['Connection: Upgrade', 'Upgrade: h2c'];
    const sent = [get(list, []), get(list, h2c), get(list, h2c), get('/on-call/api/socket', HANDSHAKE)].join('');
    // Behind them a frame that is none, so that the server hangs up.
    expect((await overTheWire(port, `${sent}\x81\x01a`, 20_000)).statuses).toEqual([200, 200, 200, 101]);
  });

  test('for another protocol is not looked at: the request is answered, whole', async () => {
    const upgrade = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'];
    const plain = await request('GET /on-call/api/wards?limit=1', [...upgrade, 'Connection: close']);
    expect(plain.statuses, plain.text).toEqual([200]);
    const body = JSON.stringify({ name: `Über ${'x'.repeat(9_000)}` });
    const head = [...upgrade, 'Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`];
    const next = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const made = await request('POST /on-call/api/wards', head, `${body}${next}`);
    expect(made.statuses, made.text).toEqual([201, 200]);
    expect(made.text).toContain(Buffer.from('Über').toString('latin1'));
    const many = await request('GET /healthz', [...upgrade, ...Array.from({ length: 1_500 }, () => 'a:b')]);
    expect(many.statuses, 'of more headers than Node keeps, nothing is read').toEqual([400]);
  });
});

test('where each kind has a root of its own, it has a socket there', async () => {
  const logins = Object.fromEntries(
    Object.entries(onCall.logins).map(([kind, { login, password }]) => [kind, { login, password }]),
  );
  const apart = await openApplication({ ...onCall, roots: 'kind', logins }, { rates: { ...NO_RATES, read: 4 } });
  await apart.server.listen({ host: '127.0.0.1', port: 0 });
  const at = (kind: string) => socketUrl(apart.server).replace('/api/socket', `/api/${kind}/socket`);
  const nurse = await apart.login('anna');
  const socket = await openSocket(at('nurse'), { token: nurse });
  expect(await knock(at('device'), { token: nurse })).toMatchObject({ status: 403, body: { code: 'wrong_kind' } });
  expect(await knock(at('visitor'), { token: nurse }), 'a kind that is never online').toMatchObject({ status: 404 });
  const { body } = await apart.request({ token: nurse, method: 'POST', url: '/api/nurse/socket/ticket' });
  await (await openSocket(at('nurse'), { ticket: body.ticket })).close();
  const list = await apart.request({ token: nurse, url: '/api/nurse/nurses/online' });
  expect(list.body.items.map(({ name }: { readonly name: string }) => name)).toEqual(['anna']);
  expect(await knock(at('nurse'), { token: nurse }), 'counted like other reading').toMatchObject({ status: 429 });
  await socket.close();
  await apart.close();
});

describe('the author is told', () => {
  test.each([
    ['a kind that is none', { presence: { nurze: {} } }, /presence\.nurze: there is no kind of principal 'nurze'/],
    ['a field that is none', { presence: { device: { when: 'onlinable' } } }, /Device has no field 'onlinable'/],
    ['a field that is no boolean', { presence: { device: { when: 'name' } } }, /Device\.name is not a boolean/],
    [
      'a member that is none',
      { presence: { device: { if: 'onlineable' } } },
      /presence\.device has no member 'if', but when/,
    ],
  ])('of %s', (_what, change, message) => {
    expect(() => checkApplication({ ...onCall, ...change })).toThrow(message);
  });
});

test('the documentation has the socket, its ticket, and who is online', async () => {
  const { paths } = (await app.request({ url: '/openapi.json' })).body;
  expect(paths['/api/socket'].get.operationId).toBe('openSocket');
  expect(paths['/api/socket/ticket'].post.operationId).toBe('socketTicket');
  expect(paths['/api/nurses/online'].get.operationId).toBe('onlineNurse');
  expect(paths['/api/visitors/online']).toBeUndefined();
});
