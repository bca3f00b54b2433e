import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonBody, TestAnswer, TestApplication } from '../../../packages/server/test/support/application.js';
import { API, type Ids, newSession, openDemo } from './support/names.js';

let app: TestApplication;
let ids: Ids;

beforeAll(async () => {
  ({ app, ids } = await openDemo());
});
afterAll(() => app?.close());

/** Names of tests are put in the place of ids. */
const named = (body: object) =>
  JSON.parse(JSON.stringify(body), (_, value: unknown) =>
    typeof value === 'string' && Object.hasOwn(ids, value) ? ids[value] : value,
  );
const act = (as: string, session: string, action: string, body: object = {}): Promise<TestAnswer> =>
  app.request({ as, method: 'POST', url: `${API}/sessions/${session}/${action}`, body: named(body) });
const get = async (url: string): Promise<JsonBody> => (await app.request({ as: 'superadmin', url })).body;
const events = async (session: string): Promise<string> =>
  (await get(`${API}/session-events?sessionId=${session}&sort=id`)).items
    .map(({ type, text }: JsonBody) => `${type}${text === null ? '' : ` ${nameOf(text.split(' ')[1])}`}`)
    .join(', ');
const nameOf = (id: string) => Object.keys(ids).find((name) => ids[name] === id) ?? id;
const standing = async (session: string): Promise<string> => {
  const found: string[] = [];
  for (const [links, field] of [
    ['session-users', 'userId'],
    ['session-participants', 'participantId'],
    ['session-devices', 'deviceId'],
  ]) {
    const { items } = await get(`${API}/${links}?sessionId=${session}&sort=id`);
    found.push(...items.map((item: JsonBody) => `${nameOf(item[field ?? ''])} ${item.standing}`));
  }
  return found.join(', ');
};

test('a session starts, stops and goes on; its duration is the time in which it was in progress', async () => {
  const session = await newSession(app, ids, 'Alpha');
  const started = app.clock.now().toISOString();
  expect((await act('projectuser', session, 'start')).body).toEqual({ status: 'in_progress', startAt: started });
  app.clock.advance(90.9);
  expect((await act('projectuser', session, 'stop')).body).toEqual({ status: 'completed', duration: 90 });
  app.clock.advance(1000);
  expect((await act('projectadmin', session, 'resume')).body).toEqual({ status: 'in_progress' });
  app.clock.advance(30);
  expect((await act('siteuser', session, 'stop')).body).toEqual({ status: 'completed', duration: 120 });
  expect(await get(`${API}/sessions/${session}`)).toMatchObject({
    status: 'completed',
    duration: 120,
    startAt: started,
    runningSince: null,
  });
  expect(await events(session)).toBe('start, stop, resume, stop');
});

describe('in the wrong state: 409, in words, and nothing happened', () => {
  test.each([
    ['start', 'in_progress', 'A session that is in progress can’t be started.'],
    ['start', 'completed', 'A session that was stopped can’t be started.'],
    ['start', 'cancelled', 'A session that was cancelled can’t be started.'],
    ['stop', 'not_started', 'A session that was not started yet can’t be stopped.'],
    ['stop', 'completed', 'A session that was stopped can’t be stopped.'],
    ['resume', 'not_started', 'A session that was not started yet can’t be resumed.'],
    ['resume', 'in_progress', 'A session that is in progress can’t be resumed.'],
    ['resume', 'terminated', 'A session that was ended for good can’t be resumed.'],
    ['invite', 'completed', 'A session that was stopped can’t be joined.'],
    ['remove', 'cancelled', 'A session that was cancelled can’t be left.'],
  ])('%s one that is %s', async (action, status, detail) => {
    const session = await newSession(app, ids, 'Alpha', { status });
    const before = await app.fingerprint();
    const body = ['invite', 'remove'].includes(action) ? { userIds: ['siteuser'] } : {};
    const answer = await act('projectuser', session, action, body);
    expect([answer.status, answer.body.code, answer.body.detail]).toEqual([409, 'conflict', detail.replace('’', "'")]);
    expect(await app.fingerprint()).toBe(before);
  });
});

describe('who may start, stop and resume a session', () => {
  test.each([
    ['superadmin', 'Alpha', true],
    ['siteadmin', 'Alpha', true],
    ['siteuser', 'Alpha', true],
    ['projectadmin', 'Alpha', true],
    ['projectuser', 'Alpha', true],
    ['superadmin', 'Gamma', true],
    ['siteadmin', 'Gamma', false],
    ['siteuser', 'Gamma', false],
    ['projectadmin', 'Beta', false],
    ['projectuser', 'Beta', false],
  ])('%s, of %s: %s', async (who, project, may) => {
    const session = await newSession(app, ids, project);
    for (const action of ['start', 'stop', 'resume']) {
      const before = await app.fingerprint();
      expect((await act(who, session, action)).status, action).toBe(may ? 200 : 403);
      expect((await app.fingerprint()) === before, 'something changed').toBe(!may);
    }
  });

  test('and nobody sets the clock by an update', async () => {
    const session = await newSession(app, ids, 'Alpha');
    for (const as of ['projectuser', 'superadmin']) {
      const body = { runningSince: '2000-01-01T00:00:00.000Z' };
      const answer = await app.request({ as, method: 'PATCH', url: `${API}/sessions/${session}`, body });
      expect(answer.body.code).toBe('field_not_allowed');
    }
  });
});

describe('who is in a session', () => {
  const all = { userIds: ['siteuser'], participantIds: ['Alpha 1'], deviceIds: ['Tablet Alpha'] };

  test('users, participants and devices are invited, and removed; the record keeps them', async () => {
    const session = await newSession(app, ids, 'Alpha');
    expect((await act('projectuser', session, 'invite', all)).status).toBe(204);
    expect(await standing(session)).toBe('siteuser invited, Alpha 1 invited, Tablet Alpha invited');
    expect((await act('projectuser', session, 'invite', { userIds: ['siteuser'] })).status).toBe(204);
    expect(
      (await act('projectuser', session, 'remove', { userIds: ['siteuser'], deviceIds: ['Tablet Alpha'] })).status,
    ).toBe(204);
    expect(await standing(session)).toBe('siteuser left, Alpha 1 invited, Tablet Alpha left');
    expect((await act('projectuser', session, 'invite', { deviceIds: ['Tablet Alpha'] })).status).toBe(204);
    expect(await standing(session)).toBe('siteuser left, Alpha 1 invited, Tablet Alpha invited');
    expect(await events(session)).toBe(
      'invite siteuser, invite Alpha 1, invite Tablet Alpha, leave siteuser, leave Tablet Alpha, invite Tablet Alpha',
    );
  });

  test('who is invited replies, once', async () => {
    const session = await newSession(app, ids, 'Alpha');
    await act('projectadmin', session, 'invite', { userIds: ['siteuser', 'projectuser'] });
    expect((await act('siteuser', session, 'reply', { answer: 'accepted' })).body).toEqual({ standing: 'joined' });
    expect((await act('projectuser', session, 'reply', { answer: 'declined' })).body).toEqual({ standing: 'declined' });
    const again = await act('siteuser', session, 'reply', { answer: 'declined' });
    expect([again.status, again.body.detail]).toEqual([409, 'You have joined already.']);
    expect(await standing(session)).toBe('siteuser joined, projectuser declined');
    expect(await events(session)).toBe('invite siteuser, invite projectuser, join siteuser, decline projectuser');
  });

  test('who was not invited has nothing to reply to', async () => {
    const session = await newSession(app, ids, 'Alpha');
    expect((await act('siteuser', session, 'reply', { answer: 'accepted' })).status).toBe(403);
    expect((await act('superadmin', session, 'reply', { answer: 'accepted' })).status).toBe(409);
    expect((await act('siteuser', session, 'reply', { answer: 'perhaps' })).status).toBe(422);
  });

  test('one who is invited from elsewhere reads that session, and no other of the project', async () => {
    const [session, other] = [await newSession(app, ids, 'Alpha'), await newSession(app, ids, 'Alpha')];
    expect((await act('superadmin', session, 'invite', { userIds: ['gammauser'] })).status).toBe(204);
    const read = async (id: string) => (await app.request({ as: 'gammauser', url: `${API}/sessions/${id}` })).status;
    expect([await read(session), await read(other)]).toEqual([200, 403]);
    expect((await act('gammauser', session, 'start')).status).toBe(403);
    expect((await act('gammauser', session, 'reply', { answer: 'accepted' })).status).toBe(200);
  });

  test.each([
    ['a user of another site', 'projectuser', { userIds: ['siteuser', 'gammauser'] }, 403],
    ['a participant of another project', 'projectuser', { userIds: ['siteuser'], participantIds: ['Beta 1'] }, 403],
    ['a device of another site', 'projectuser', { participantIds: ['Alpha 1'], deviceIds: ['Tablet Gamma'] }, 403],
    [
      'a device of another site, by an administrator',
      'siteadmin',
      { deviceIds: ['Tablet Alpha', 'Tablet Gamma'] },
      403,
    ],
    ['somebody who does not exist', 'projectuser', { userIds: ['siteuser', 'Alpha'] }, 403],
    ['somebody who does not exist, by who sees all', 'superadmin', { userIds: ['siteuser', 'Alpha'] }, 422],
    ['nobody', 'projectuser', {}, 422],
    ['an empty list', 'projectuser', { userIds: [] }, 422],
    ['a word', 'projectuser', { userIds: ['nobody'] }, 422],
    ['into a session out of reach', 'gammauser', { userIds: ['gammauser'] }, 403],
  ])('inviting %s is refused, and nobody is invited', async (_, who, body, status) => {
    const session = await newSession(app, ids, 'Alpha');
    const before = await app.fingerprint();
    const answer = await act(who, session, 'invite', body);
    expect(answer.status, answer.text).toBe(status);
    expect(await app.fingerprint()).toBe(before);
  });

  test('removing somebody who is not in it, nobody is removed', async () => {
    const session = await newSession(app, ids, 'Alpha');
    await act('projectuser', session, 'invite', all);
    const before = await app.fingerprint();
    expect((await act('projectuser', session, 'remove', { ...all, userIds: ['gammauser'] })).status).toBe(409);
    expect(await app.fingerprint()).toBe(before);
  });
});

test('what happens to a session is on the trail', async () => {
  const session = await newSession(app, ids, 'Alpha');
  await app.audit();
  await act('projectuser', session, 'start');
  await act('projectuser', session, 'invite', { userIds: ['siteuser'] });
  const told = (await app.audit()).map(({ event, action, resource_type }) => `${event} ${action} ${resource_type}`);
  expect(told).toEqual([
    'record.action start Session',
    'record.created create SessionEvent',
    'record.created create SessionUser',
    'record.created create SessionEvent',
    'record.action invite Session',
  ]);
});
