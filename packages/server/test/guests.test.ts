import { createServiceKey, NO_RATES } from '@ostiary/server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication, type TestRequest } from './support/application.js';
import { board } from './support/board.js';
import { openNode } from './support/nodes.js';

let app: TestApplication;
let expired: string;
let revoked: string;

beforeAll(async () => {
  app = await openApplication(board);
  expired = await app.login('ada');
  app.clock.advance(2 * 60 * 60);
  app.forget('ada');
  revoked = await app.login('ada');
  await app.request({ token: revoked, method: 'POST', url: '/auth/logout' });
  app.forget('ada');
});
beforeEach(() => app.audit());
afterAll(() => app?.close());

const texts = (body: { readonly items: readonly { readonly text?: string }[] }) => body.items.map(({ text }) => text);
const noteOf = (text: string) => app.idOf('Note', 'text', text);

describe('who is a guest', () => {
  const ways: readonly (readonly [string, () => Pick<TestRequest, 'token' | 'headers'>])[] = [
    ['no token', () => ({})],
    ['a token that is none', () => ({ token: 'garbage' })],
    ['a token that has expired', () => ({ token: expired })],
    ['credentials of another kind', () => ({ headers: { authorization: 'Basic YWRhOmFkYQ==' } })],
  ];
  test.each(ways)('%s: sees what is public, and nothing else', async (_, way) => {
    const list = await app.request({ ...way(), url: '/api/notes' });
    expect([list.status, texts(list.body)]).toEqual([200, ['Lost: one umbrella', 'Found: one umbrella']]);
    const one = await app.request({ ...way(), url: `/api/notes/${await noteOf('Lost: one umbrella')}` });
    expect([one.status, one.body.text]).toEqual([200, 'Lost: one umbrella']);
    const hidden = await app.request({ ...way(), url: `/api/notes/${await noteOf('Ask for Ada')}` });
    expect([hidden.status, hidden.body.code]).toEqual([403, 'not_allowed']);
    expect((await app.request({ ...way(), url: '/api/persons' })).status).toBe(403);
  });

  test.each([
    ['a token whose session was ended', () => revoked],
    ['a static token that is not known', () => 'ost_0195b3a0-0000-7000-8000-000000000000_secret'],
    ['a service key', () => 'osk_0195b3a0-0000-7000-8000-000000000000_secret'],
  ])('not %s: that it is not good any more is told (401)', async (_, token) => {
    const answer = await app.request({ token: token(), url: '/api/notes' });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
  });

  test('who is logged in is not', async () => {
    expect(texts((await app.request({ as: 'ada', url: '/api/notes' })).body)).toHaveLength(3);
  });
});

describe('what a guest does', () => {
  test('is decided by the rules; nobody owns what they make, and it is told as theirs', async () => {
    const made = await app.request({ method: 'POST', url: '/api/notes', body: { text: 'I was here' } });
    expect([made.status, made.body.ownerId ?? null]).toEqual([201, null]);
    expect(await app.audit()).toMatchObject([
      { event: 'record.created', principal_kind: 'passer', principal_id: null, outcome: 'allowed' },
    ]);
    const loud = await app.request({ method: 'POST', url: '/api/notes', body: { text: 'Me!', public: true } });
    expect(loud.status).toBe(403);
    const body = { text: 'Mine', ownerId: await app.idOf('Person', 'login', 'ada') };
    expect((await app.request({ method: 'POST', url: '/api/notes', body })).status).toBe(422);
  });

  test.each([
    ['GET', '/auth/me'],
    ['POST', '/auth/logout'],
    ['POST', '/access/v1/explanation'],
  ] as const)('%s %s is for who is logged in (401)', async (method, url) => {
    const answer = await app.request({ method, url, ...(method === 'POST' ? { body: {} } : {}) });
    expect([answer.status, answer.body.code]).toEqual([401, 'not_authenticated']);
  });

  test('is documented: the token may be left out', async () => {
    const { paths } = (await app.request({ url: '/openapi.json' })).body;
    expect(paths['/api/notes'].get.security).toEqual([{ bearer: [] }, {}]);
    expect(paths['/auth/me'].get.security).toEqual([{ bearer: [] }]);
  });
});

describe('decisions about guests', () => {
  const ask = (about: object, as?: string, at = 'evaluation') =>
    app.request({
      ...(as === undefined ? {} : { as }),
      method: 'POST',
      url: `/access/v1/${at}`,
      body: { subject: { type: 'passer', id: 'anybody' }, action: { name: 'read' }, ...about },
    });

  test('are told to guests, and to who may know of others', async () => {
    for (const [text, decision] of [
      ['Lost: one umbrella', true],
      ['Ask for Ada', false],
    ] as const) {
      const resource = { type: 'Note', id: await noteOf(text) };
      for (const as of [undefined, 'keeper']) expect((await ask({ resource }, as)).body, text).toEqual({ decision });
      expect((await ask({ resource }, 'ada')).status, 'others are not to be asked about').toBe(403);
    }
  });

  test('are found by searches', async () => {
    const found = await ask({ resource: { type: 'Note' } }, undefined, 'search/resource');
    const shown = [await noteOf('Lost: one umbrella'), await noteOf('Found: one umbrella')];
    expect(found.body.results.map(({ id }: { id: string }) => id).sort()).toEqual(shown.sort());
    const who = async (text: string) =>
      (await ask({ resource: { type: 'Note', id: await noteOf(text) } }, 'keeper', 'search/subject')).body.results;
    expect(await who('Lost: one umbrella')).toEqual([{ type: 'passer', id: 'passer' }]);
    expect(await who('Ask for Ada')).toEqual([]);
    const what = { resource: { type: 'Note', id: shown[0] } };
    const { body } = await ask(what, undefined, 'search/action');
    expect(body.results).toEqual(['list', 'read', 'create'].map((name) => ({ name })));
  });

  test('are told to a program, with the reasons', async () => {
    const key = { name: 'door', trusted: false, expiresAt: null };
    const { key: token } = await createServiceKey(app.installation, 'board', key);
    const resource = { type: 'Note', id: await noteOf('Ask for Ada') };
    const body = {
      subject: { type: 'passer', id: '' },
      action: { name: 'read' },
      resource,
      context: { reasons: true },
    };
    const answer = await app.request({ token, method: 'POST', url: '/access/v1/evaluation', body });
    expect(answer.body).toMatchObject({ decision: false, context: { missing: expect.any(Array) } });
  });

  test('are shipped to a page', async () => {
    const { body } = await app.request({ url: '/access/v1/rights' });
    expect(body.principal).toEqual({ kind: 'passer', id: '' });
    expect(Object.keys(body.verdicts).sort()).toEqual(['Note create', 'Note list', 'Note read']);
  });
});

test('guests are counted by their address, and who is logged in there is not', async () => {
  const node = await openNode(app, { rates: { ...NO_RATES, guests: 3 } });
  try {
    const from = async (remoteAddress: string, headers = {}) =>
      (await node.server.inject({ url: '/board/api/notes', remoteAddress, headers })).statusCode;
    const statuses = [];
    for (let time = 0; time < 4; time += 1) statuses.push(await from('203.0.113.7'));
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect(await from('203.0.113.8')).toBe(200);
    expect(await from('203.0.113.7', { authorization: `Bearer ${await app.login('ada')}` })).toBe(200);
  } finally {
    await node.close();
  }
});

test('of the refusals of guests the first are in the trail in full, and of the rest how many', async () => {
  const node = await openNode(app, { refusalsInFull: 2 });
  const url = `/board/api/notes/${await noteOf('Ask for Ada')}`;
  try {
    for (let time = 0; time < 5; time += 1) {
      expect((await node.server.inject({ url, remoteAddress: '203.0.113.9' })).statusCode).toBe(403);
    }
  } finally {
    await node.close();
  }
  const rows = await app.audit();
  expect(rows.filter(({ request_id }) => request_id !== null)).toMatchObject(
    Array(2).fill({ event: 'access.refused', resource_type: 'Note', action: 'read', principal_kind: 'passer' }),
  );
  expect(rows.filter(({ request_id }) => request_id === null)).toMatchObject([
    { event: 'access.refused', detail: { address: '203.0.113.9', more: 3 } },
  ]);
});

test('a token that was refused is in the trail, though a guest is let in with it', async () => {
  await app.request({ token: 'garbage', url: '/api/notes' });
  expect((await app.audit()).map(({ event }) => event)).toEqual(['token.refused', 'record.listed']);
});
