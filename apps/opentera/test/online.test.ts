import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonBody, TestApplication } from '../../../packages/server/test/support/application.js';
import { openSocket, socketUrl, soon, type TestSocket } from '../../../packages/server/test/support/sockets.js';
import { API, type Ids, loginParticipant, newSession, openDemo } from './support/names.js';

/** Who is online, and what they are told of sessions. */
let app: TestApplication;
let ids: Ids;
const sockets: Record<string, TestSocket> = {};

beforeAll(async () => {
  ({ app, ids } = await openDemo());
  await app.server.listen({ host: '127.0.0.1', port: 0 });
  const at = (kind: string) => socketUrl(app.server, 'opentera').replace('/api/', `/api/${kind}/`);
  for (const who of ['projectuser', 'siteuser', 'gammauser']) {
    sockets[who] = await openSocket(at('user'), { token: await app.login(who) });
  }
  sockets.participant = await openSocket(at('participant'), { token: await loginParticipant(app) });
});
afterAll(async () => {
  for (const socket of Object.values(sockets)) await socket.close();
  await app?.close();
});

describe('who is online is seen within reach', () => {
  test.each([
    ['superadmin', 'gammauser projectuser siteuser', 'Alpha 1'],
    ['siteadmin', 'projectuser siteuser', 'Alpha 1'],
    ['siteuser', 'projectuser siteuser', 'Alpha 1'],
    ['projectadmin', 'projectuser siteuser', 'Alpha 1'],
    ['projectuser', 'projectuser siteuser', 'Alpha 1'],
    ['gammauser', 'gammauser', ''],
  ])('%s', async (who, users, participants) => {
    const online = async (collection: string, field: string) => {
      const { status, body, text } = await app.request({ as: who, url: `${API}/${collection}/online` });
      expect(status, text).toBe(200);
      return body.items
        .map((item: JsonBody) => item[field])
        .toSorted()
        .join(' ');
    };
    expect(await online('users', 'username')).toBe(users);
    expect(await online('participants', 'name')).toBe(participants);
    expect(await online('devices', 'name')).toBe('');
  });
});

test('what happens to a session is told to who may read it, from the moment on', async () => {
  const session = await newSession(app, ids, 'Alpha');
  const act = async (action: string, body: object = {}) => {
    const url = `${API}/sessions/${session}/${action}`;
    const answer = await app.request({ as: 'projectuser', method: 'POST', url, body });
    expect(answer.status, answer.text).toBeLessThan(300);
  };
  await act('start');
  await act('invite', { participantIds: [ids['Alpha 1']] });
  // Refused as a whole, so nobody hears of the first of them.
  const refused = { participantIds: [ids['Alpha 2'], ids['Gamma 1']] };
  const url = `${API}/sessions/${session}/invite`;
  expect((await app.request({ as: 'projectuser', method: 'POST', url, body: refused })).status).toBe(403);
  await act('stop');

  const told = (who: string) =>
    sockets[who]?.told
      .filter(({ about }) => about.id === session)
      .map(({ event, detail }) => [event, detail.id ?? null]);
  const all = [
    ['session.start', null],
    ['session.invite', ids['Alpha 1']],
    ['session.stop', null],
  ];
  await soon(() => told('projectuser')).toEqual(all);
  await soon(() => told('siteuser')).toEqual(all);
  // Of the start as well, where it was told after the invitation: it is decided when it is told.
  await soon(() => told('participant')?.at(-1)).toEqual(['session.stop', null]);
  expect(told('participant')).toContainEqual(['session.invite', ids['Alpha 1']]);
  expect(told('gammauser')).toEqual([]);
});
