import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressOf, isLocal, trustIn } from '../src/http/peers.js';
import { openApplication, type TestApplication } from './support/application.js';
import { openNode } from './support/nodes.js';
import { trials } from './support/trials.js';

const PROXIES = ['10.0.0.0/8', '192.0.2.1', 'fd00::/8'];

let app: TestApplication;
/** One that trusts these proxies, one that trusts none, and one that trusts a proxy on its own machine. */
let behind: FastifyInstance;
let bare: FastifyInstance;
let local: FastifyInstance;
const close: (() => Promise<void>)[] = [];

beforeAll(async () => {
  app = await openApplication(trials);
  const open = async (trustedProxies: readonly string[]) => {
    const node = await openNode(app, { trustedProxies }, 0, (server) => {
      server.get('/told', { config: { decision: { public: 'a test' } } }, async (request) => ({
        address: addressOf(request),
        protocol: request.protocol,
        host: request.host,
        local: isLocal(request, trustIn(trustedProxies)),
      }));
    });
    close.push(node.close);
    return node.server;
  };
  behind = await open(PROXIES);
  bare = await open([]);
  local = await open(['127.0.0.1']);
});
afterAll(async () => {
  for (const each of close) await each();
  await app?.close();
});

async function told(server: FastifyInstance, peer: string, headers: Readonly<Record<string, string | string[]>>) {
  const answer = await server.inject({
    url: '/told',
    remoteAddress: peer,
    headers: { host: 'ostiary.test', ...headers },
  });
  return answer.json();
}

describe('who calls', () => {
  test.each<[what: string, peer: string, forwarded: string | undefined, address: string]>([
    ['nobody in between', '203.0.113.7', undefined, '203.0.113.7'],
    ['a header from somebody who is no proxy', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['one from a neighbour of the proxy', '192.0.2.2', '198.51.100.1', '192.0.2.2'],
    ['a proxy', '10.1.2.3', '203.0.113.7', '203.0.113.7'],
    ['a proxy by its address', '192.0.2.1', '203.0.113.7', '203.0.113.7'],
    ['a proxy that tells nothing', '10.1.2.3', undefined, '10.1.2.3'],
    ['two proxies', '10.1.2.3', '203.0.113.7, 10.9.9.9', '203.0.113.7'],
    ['a chain through IPv6', 'fd00::1', '203.0.113.7, 10.9.9.9, fd12::5', '203.0.113.7'],
    ['entries that the caller made up', '10.1.2.3', '1.1.1.1, 2.2.2.2, 203.0.113.7', '203.0.113.7'],
    ['a made-up proxy beyond the caller', '10.1.2.3', '1.1.1.1, 10.0.0.9, 203.0.113.7', '203.0.113.7'],
    ['a caller within the range of the proxies', '10.1.2.3', '10.7.7.7', '10.7.7.7'],
    ['only proxies', '10.1.2.3', '10.0.0.8, 10.0.0.9', '10.0.0.8'],
    ['IPv4 written as IPv6', '::ffff:10.1.2.3', '::ffff:203.0.113.7', '203.0.113.7'],
    ['IPv6', '10.1.2.3', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['IPv6 in short', '10.1.2.3', '2001:db8::1', '2001:db8:0:0::/64'],
    ['IPv6 that ends in zeros', '10.1.2.3', '2001:DB8:1::', '2001:db8:1:0::/64'],
    ['IPv6 with zeros inside', '10.1.2.3', '1::2:3:4:5:6:7', '1:0:2:3::/64'],
    ['IPv6 that begins with zeros', '10.1.2.3', '::1', '0:0:0:0::/64'],
    ['IPv6 of a link', 'fe80::1%eth0', undefined, 'fe80:0:0:0::/64'],
    ['garbage', '10.1.2.3', 'garbage', '10.1.2.3'],
    ['garbage before a proxy', '10.1.2.3', "'; drop table x; --, 10.0.0.9", '10.0.0.9'],
    ['an empty header', '10.1.2.3', '', '10.1.2.3'],
    ['empty entries', '10.1.2.3', ', 203.0.113.7, ,', '203.0.113.7'],
    ['an address with a port', '10.1.2.3', '203.0.113.7:4711', '10.1.2.3'],
    ['a number that some take for a proxy', '10.1.2.3', '203.0.113.7, 167772161', '10.1.2.3'],
    ['more than anybody needs', '10.1.2.3', `${'203.0.113.7,'.repeat(500)}10.0.0.9`, '203.0.113.7'],
  ])('%s', async (_what, peer, forwarded, address) => {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    expect((await told(behind, peer, headers)).address).toBe(address);
  });

  test('a proxy that is not named is not believed, whatever it says', async () => {
    for (const peer of ['10.1.2.3', '127.0.0.1', '203.0.113.7']) {
      const headers = {
        'x-forwarded-for': '198.51.100.1',
        'x-real-ip': '198.51.100.1',
        forwarded: 'for=198.51.100.1;proto=https;host=evil.test',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'evil.test',
      };
      expect(await told(bare, peer, headers)).toMatchObject({ address: peer, protocol: 'http', host: 'ostiary.test' });
    }
  });

  test('protocol and host are a trusted proxy’s to say, and of several the last', async () => {
    const headers = { 'x-forwarded-proto': 'ftp, https', 'x-forwarded-host': 'evil.test, good.test' };
    expect(await told(behind, '10.1.2.3', headers)).toMatchObject({ protocol: 'https', host: 'good.test' });
    expect(await told(behind, '203.0.113.7', headers)).toMatchObject({ protocol: 'http', host: 'ostiary.test' });
  });
});

describe('this machine is', () => {
  const host = 'localhost:4000';
  test.each<[what: string, peer: string, headers: Readonly<Record<string, string>>, is: boolean]>([
    ['itself', '127.0.0.1', { host }, true],
    ['itself by IPv6', '::1', { host: '[::1]:4000' }, true],
    ['itself by IPv4 written as IPv6', '::ffff:127.0.0.1', { host: '127.0.0.1:4000' }, true],
    ['not another one', '203.0.113.7', { host }, false],
    ['not a name that somebody else made point here', '127.0.0.1', { host: 'evil.test' }, false],
    ['not behind a proxy: X-Forwarded-For', '127.0.0.1', { host, 'x-forwarded-for': '127.0.0.1' }, false],
    ['not behind a proxy: Forwarded', '127.0.0.1', { host, forwarded: 'for=127.0.0.1' }, false],
    ['not behind a proxy: Via', '127.0.0.1', { host, via: '1.1 proxy' }, false],
    ['not behind a proxy: X-Real-IP', '127.0.0.1', { host, 'x-real-ip': '127.0.0.1' }, false],
  ])('%s', async (_what, peer, headers, is) => {
    expect((await told(bare, peer, headers)).local).toBe(is);
  });

  test('not a proxy that is trusted, though it runs here', async () => {
    expect((await told(local, '127.0.0.1', { host })).local).toBe(false);
    expect((await told(local, '10.1.2.3', { host, 'x-forwarded-for': '127.0.0.1' })).local).toBe(false);
  });
});

test.each([
  '',
  'localhost',
  '10.0.0.0/0',
  '0.0.0.0/0',
  '10.0.0.0/33',
  '::/0',
  'fd00::/129',
  '10.0.0.0/8/8',
  '10/8',
  '0x0a.1',
])("'%s' is no proxy to trust", (proxy) => {
  expect(() => trustIn([proxy])).toThrow('is no proxy to trust');
});
