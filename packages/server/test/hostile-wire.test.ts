import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { application as openDataCapture } from '@ostiary/open-data-capture';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { contentsQuery } from './support/invariants.js';
import { overTheWire } from './support/wire.js';

let app: TestApplication;
let port: number;
let token: string;
let contents: string;

beforeAll(async () => {
  app = await openApplication(openDataCapture);
  await app.server.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.server.address() as AddressInfo).port;
  token = await app.login('admin');
  contents = contentsQuery(app);
});
afterAll(() => app?.close());

const GROUPS = '/open-data-capture/api/groups';
const BODY = '{"name":"By wire","type":"CLINICAL"}';

/** A request that makes a group as the administrator, with some of it said otherwise. */
function post(lines: readonly string[], body: Buffer | string = BODY, line = `POST ${GROUPS} HTTP/1.1`): Buffer {
  const head = [
    line,
    'Host: x',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    'Connection: close',
  ];
  return Buffer.concat([Buffer.from(`${[...head, ...lines].join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}

const TWICE = '{"name":"By wire","type":"CLINICAL","name":"Another"}';
const SAME = '{"name":"By wire","type":"CLINICAL","type":"CLINICAL"}';
const ESCAPED = '{"name":"By wire","type":"CLINICAL","n\\u0061me":"Another"}';
const INSIDE = '{"name":"By wire","type":"CLINICAL","x":[{"y":{"a":1}},{"y":{"a":1,"b":"","a":2}}]}';

const get = (lines: readonly string[], line = `GET ${GROUPS}?limit=1 HTTP/1.1`) => post(lines, '', line);
const length = (text: Buffer | string) => `Content-Length: ${Buffer.byteLength(text)}`;
const SMUGGLED = `POST ${GROUPS} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`;
const chunked = (body: string) => [...[`${body.length.toString(16)}`, body, '0', '', '']].join('\r\n');

async function stored(): Promise<string> {
  const { rows } = await app.database.pool.query(contents);
  return String(rows[0]?.contents);
}

test('what is in order is answered: or the cases below would prove nothing', async () => {
  const unique = (name: string) => `{"name":"${name}","type":"CLINICAL"}`;
  const plain = await overTheWire(port, post([length(unique('Wire one'))], unique('Wire one')));
  expect(plain.statuses, plain.text).toEqual([201]);
  const tricky = '{ "name" : "Wire: \\"three\\", {\\"a\\":1} \\\\" ,\n"type":"CLINICAL"}';
  const answered = await overTheWire(port, post([length(tricky)], tricky));
  expect(answered.statuses, answered.text).toEqual([201]);
  const inChunks = await overTheWire(port, post(['Transfer-Encoding: chunked'], chunked(unique('Wire two'))));
  expect(inChunks.statuses, inChunks.text).toEqual([201]);
  expect((await overTheWire(port, get([]))).statuses).toEqual([200]);
});

describe('what is not in order is refused, whoever else reads it otherwise', () => {
  const bad = (bytes: readonly number[]) =>
    Buffer.concat([Buffer.from('{"name":"'), Buffer.from(bytes), Buffer.from('","type":"CLINICAL"}')]);
  const CASES: readonly (readonly [string, () => Buffer | string, number])[] = [
    // The body.
    ['a stray byte', () => post([length(bad([0xff]))], bad([0xff])), 400],
    ['NUL in two bytes', () => post([length(bad([0xc0, 0x80]))], bad([0xc0, 0x80])), 400],
    ['half of a surrogate pair', () => post([length(bad([0xed, 0xa0, 0x80]))], bad([0xed, 0xa0, 0x80])), 400],
    ['beyond Unicode', () => post([length(bad([0xf4, 0x90, 0x80, 0x80]))], bad([0xf4, 0x90, 0x80, 0x80])), 400],
    ['UTF-16', () => post([length(Buffer.from(BODY, 'utf16le'))], Buffer.from(BODY, 'utf16le')), 400],
    ['a coding that we do not speak', () => post([length(BODY), 'Content-Encoding: gzip']), 415],
    ['a byte order mark', () => post([length(`\ufeff${BODY}`)], `\ufeff${BODY}`), 400],
    ['a member twice', () => post([length(TWICE)], TWICE), 400],
    ['a member twice, the same', () => post([length(SAME)], SAME), 400],
    ['a member twice, once escaped', () => post([length(ESCAPED)], ESCAPED), 400],
    ['a member twice, far inside', () => post([length(INSIDE)], INSIDE), 400],
    ['two content types', () => post([length(BODY), 'Content-Type: text/plain']), 400],
    // How long it is.
    ['a length and chunks', () => post([length(BODY), 'Transfer-Encoding: chunked'], chunked(BODY)), 400],
    ['chunks and a length', () => post(['Transfer-Encoding: chunked', 'Content-Length: 4'], chunked(BODY)), 400],
    ['two lengths', () => post([length(BODY), 'Content-Length: 4']), 400],
    ['two lengths in one', () => post([`Content-Length: ${BODY.length}, ${BODY.length}`]), 400],
    ['a length with a sign', () => post([`Content-Length: +${BODY.length}`]), 400],
    ['a length below nothing', () => post(['Content-Length: -1']), 400],
    ['a length in hexadecimal', () => post([`Content-Length: 0x${BODY.length.toString(16)}`]), 400],
    ['a length that overflows', () => post(['Content-Length: 99999999999999999999999']), 400],
    ['a length beyond the limit', () => post(['Content-Length: 99999999']), 413],
    ['a length that is too short', () => post(['Content-Length: 5']), 400],
    ['chunks twice', () => post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], chunked(BODY)), 400],
    ['chunks and something else', () => post(['Transfer-Encoding: chunked, gzip'], chunked(BODY)), 400],
    ['a coding that is none', () => post(['Transfer-Encoding: xchunked'], chunked(BODY)), 400],
    ['a space before the colon', () => post(['Transfer-Encoding : chunked'], chunked(BODY)), 400],
    ['a chunk size with a sign', () => post(['Transfer-Encoding: chunked'], `+24\r\n${BODY}\r\n0\r\n\r\n`), 400],
    ['a chunk size with a prefix', () => post(['Transfer-Encoding: chunked'], `0x24\r\n${BODY}\r\n0\r\n\r\n`), 400],
    [
      'a chunk size that overflows',
      () => post(['Transfer-Encoding: chunked'], `${'f'.repeat(20)}\r\n${BODY}\r\n`),
      400,
    ],
    ['a chunk longer than said', () => post(['Transfer-Encoding: chunked'], `5\r\n${BODY}\r\n0\r\n\r\n`), 400],
    ['a chunk extension without end', () => post(['Transfer-Encoding: chunked'], `24;${'x'.repeat(20_000)}`), 400],
    ['a request hidden in the body of a GET', () => get([length(SMUGGLED)]).toString() + SMUGGLED, 200],
    // The head.
    ['a header that goes on in the next line', () => post([length(BODY), 'X-A: b\r\n c: d']), 400],
    ['a header without a name', () => post([length(BODY), ': x']), 400],
    ['a header without a colon', () => post([length(BODY), 'nothing']), 400],
    ['a NUL in a header', () => post([length(BODY), 'X-A: a\0b']), 400],
    ['a carriage return alone', () => post([length(BODY), 'X-A: a\rTransfer-Encoding: chunked']), 400],
    ['a line feed alone', () => post([length(BODY), 'X-A: a\nX-B: b']), 400],
    ['headers of 20 kB', () => get([`X-A: ${'x'.repeat(20_000)}`]), 400],
    ['two hosts', () => get(['Host: y']), 400],
    ['two hosts, the same', () => get(['hOST: x']), 400],
    ['no host', () => `GET ${GROUPS} HTTP/1.1\r\nConnection: close\r\n\r\n`, 400],
    ['an expectation that is none', () => get(['Expect: 200-maybe']), 200],
    // The line.
    ['a method that is none', () => get([], `STEAL ${GROUPS} HTTP/1.1`), 400],
    ['a method in lower case', () => get([], `get ${GROUPS} HTTP/1.1`), 400],
    ['TRACE', () => get([], `TRACE ${GROUPS} HTTP/1.1`), 404],
    ['another version', () => get([], `GET ${GROUPS} HTTP/3.0`), 400],
    ['no version', () => `GET ${GROUPS}\r\n\r\n`, 401],
    ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['a TLS client', () => Buffer.from('160301020001000', 'hex'), 400],
    ['a space in the address', () => get([], `GET ${GROUPS} /x HTTP/1.1`), 400],
    ['bytes in the address', () => get([], `GET ${GROUPS}/\xff\xfe HTTP/1.1`), 400],
    ['a whole address', () => get([], `GET http://evil.example${GROUPS} HTTP/1.1`), 200],
    ['an asterisk', () => get([], 'OPTIONS * HTTP/1.1'), 405],
  ];

  test.each(CASES)('%s', async (_, make, status) => {
    const before = await stored();
    const { text, statuses } = await overTheWire(port, make());
    expect(statuses[0], text || 'the server said nothing').toBe(status);
    expect(await stored(), 'something was written').toBe(before);
    const [head = '', body = ''] = text.split('\r\n\r\n');
    if (status >= 400) {
      expect(head.toLowerCase()).toContain('content-type: application/problem+json');
      expect(JSON.parse(body.replace(/^[0-9a-f]+\r\n/, ''))).toMatchObject({ status, code: expect.any(String) });
    }
    expect((await overTheWire(port, get([]))).statuses, 'the server goes on').toEqual([200]);
  });
});

test('requests in a row are answered in their order, each as who it is from', async () => {
  const one = (bearer: string, last = false) =>
    `GET /open-data-capture/auth/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bearer}\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;
  const { statuses, text } = await overTheWire(port, `${one(token)}${one('x.y.z')}${one(token)}${one('', true)}`);
  expect(statuses, text).toEqual([200, 401, 200, 401]);
});

test('a body that ends early is never half a record', async () => {
  const before = await stored();
  const { statuses } = await overTheWire(port, post([`Content-Length: ${BODY.length + 10}`]), 300);
  expect(statuses.filter((status) => status < 400)).toEqual([]);
  expect(await stored()).toBe(before);
});

test('a failure of ours is in the log with its cause, and not in the answer', async () => {
  const logged: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      logged.push(String(chunk));
      done();
    },
  });
  const { log } = fastify({ logger: { level: 'error', stream } });
  const broken = await openApplication(openDataCapture, { logger: log });
  try {
    await broken.login('admin');
    await broken.database.pool.query('alter table ostiary.login_session rename to elsewhere');
    const answer = await broken.request({ as: 'admin', url: '/api/groups' });
    expect([answer.status, answer.body.code], 'it must let nobody in').toEqual([500, 'internal']);
    expect(answer.text).not.toContain('login_session');
    const lines = logged.filter((line) => line.includes('login_session') && line.includes(answer.body.requestId));
    expect(lines, logged.join('')).toHaveLength(1);
  } finally {
    await broken.close();
  }
});
