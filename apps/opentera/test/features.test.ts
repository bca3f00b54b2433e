import { resourceOf } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonBody, TestAnswer, TestApplication } from '../../../packages/server/test/support/application.js';
import { openTera } from '../src/model.js';
import { API, type Ids, loginParticipant, openDemo, participantApi } from './support/names.js';

/** Features that are no writing of data: forms, statistics, settings of services, the log. */
let app: TestApplication;
let ids: Ids;

beforeAll(async () => {
  ({ app, ids } = await openDemo());
});
afterAll(() => app?.close());

const COLUMNS = ['superadmin', 'siteadmin', 'siteuser', 'projectadmin', 'projectuser'] as const;
const get = (as: string, url: string): Promise<TestAnswer> => app.request({ as, url: `${API}/${url}` });

describe('statistics', () => {
  const perMonth = ({ counts }: JsonBody) =>
    counts.map(({ value, count }: JsonBody) => `${value}: ${count}`).join(', ');

  test.each([
    // Sessions: six in each project. Participants: three. Site users and administrators reach both projects of the north.
    ['superadmin', '2026-02: 18', 9],
    ['siteadmin', '2026-02: 12', 6],
    ['siteuser', '2026-02: 12', 6],
    ['projectadmin', '2026-02: 6', 3],
    ['projectuser', '2026-02: 6', 3],
    ['gammauser', '2026-02: 6', 3],
  ])('%s counts what is within reach', async (who, sessions, participants) => {
    const byMonth = await get(who, 'sessions/statistics?by=startAt&per=month');
    expect(perMonth(byMonth.body), byMonth.text).toBe(sessions);
    expect((await get(who, 'participants/statistics?by=createdAt')).body.total).toBe(participants);
  });

  test('by status, of one project, and not of one that is out of reach', async () => {
    const byStatus = (project: string) => get('projectuser', `sessions/statistics?by=status&projectId=${ids[project]}`);
    expect(perMonth((await byStatus('Alpha')).body)).toBe('completed: 5, not_started: 1');
    expect((await byStatus('Gamma')).body.total).toBe(0);
  });

  test('participants count nothing', async () => {
    const who = await loginParticipant(app);
    expect((await app.request({ token: who, url: `${participantApi}/sessions/statistics?by=status` })).status).toBe(
      403,
    );
  });
});

describe('forms', () => {
  const stored = Object.keys(openTera.resources).filter((type) => resourceOf(openTera, type).source === undefined);

  test('there is one of every type, and it offers no record that its list does not', async () => {
    for (const type of stored) {
      for (const who of ['siteadmin', 'projectuser']) {
        const answer = await get(who, `forms/${collectionOf(openTera, type)}`);
        expect(answer.status, `${who}, ${type}: ${answer.text}`).toBe(200);
        for (const { refersTo } of answer.body.fields) {
          if (!refersTo) continue;
          const list = await app.request({ as: who, url: refersTo.list.replace('/opentera', '') });
          const listed = list.status === 200 ? list.body.items.map(({ id }: JsonBody) => id) : [];
          expect(
            refersTo.items.map(({ id }: JsonBody) => id),
            `${who}, ${type}, ${refersTo.type}`,
          ).toEqual(listed);
        }
      }
    }
  });

  test.each([
    ['superadmin', 'sites', 'name contact notes', 'name contact notes'],
    ['siteadmin', 'sites', '', 'name contact notes'],
    ['projectuser', 'sites', '', ''],
    ['siteadmin', 'users', 'username password firstName lastName email verifiedEmail notes enabled userGroupId', null],
    ['projectadmin', 'devices?id=Tablet Alpha', '', 'config notes'],
    ['siteadmin', 'devices?id=Tablet Alpha', null, 'name deviceTypeId deviceSubtypeId enabled onlineable config notes'],
    ['projectuser', 'participant-groups', '', ''],
  ])('%s, %s', async (who, form, create, update) => {
    const { fields } = (await get(who, `forms/${form.replace(/=(.*)/, (_, name) => `=${ids[name]}`)}`)).body;
    const named = (may: string) =>
      fields
        .filter((field: JsonBody) => field[may])
        .map(({ name }: JsonBody) => name)
        .join(' ');
    if (create !== null) expect(named('create')).toBe(create);
    if (update !== null) expect(named('update')).toBe(update);
  });

  test('the list has those into which one may enter something', async () => {
    const { items } = (await get('projectuser', 'forms')).body;
    const names = items.map(({ id }: JsonBody) => id);
    expect(names).toEqual(expect.arrayContaining(['sessions', 'participants', 'session-events', 'assets']));
    for (const closed of ['sites', 'services', 'user-groups', 'devices']) expect(names).not.toContain(closed);
  });
});

describe('what is set for a service', () => {
  const config = (as: string, values: object): Promise<TestAnswer> =>
    app.request({
      as,
      method: 'POST',
      url: `${API}/service-configs`,
      body: { serviceId: ids['Video rehabilitation'], config: { volume: 3 }, ...values },
    });

  test.each(COLUMNS)('%s sets something for themselves, changes it and takes it away', async (who) => {
    const made = await config(who, { userId: ids[who] });
    expect(made.status, made.text).toBe(201);
    const url = `${API}/service-configs/${made.body.id}`;
    expect((await app.request({ as: who, method: 'PATCH', url, body: { config: { volume: 9 } } })).body.config).toEqual(
      {
        volume: 9,
      },
    );
    expect((await app.request({ as: who, method: 'DELETE', url })).status).toBe(204);
  });

  test.each([
    ['superadmin', 201],
    ['siteadmin', 201],
    ['siteuser', 403],
    ['projectadmin', 201],
    ['projectuser', 403],
  ])('%s for a participant within reach: %i', async (who, status) => {
    const before = await app.fingerprint();
    const answer = await config(who, { participantId: ids['Alpha 1'] });
    expect(answer.status, answer.text).toBe(status);
    expect((await app.fingerprint()) === before, 'something changed').toBe(status !== 201);
    if (status === 201) {
      await app.request({ as: who, method: 'DELETE', url: `${API}/service-configs/${answer.body.id}` });
    }
  });

  test.each([
    ['a participant out of reach', 'siteadmin', { participantId: 'Gamma 1' }],
    ['a participant of another project', 'projectadmin', { participantId: 'Beta 1' }],
    ['another user', 'projectuser', { userId: 'siteuser' }],
    ['a super administrator', 'siteadmin', { userId: 'superadmin' }],
    ['a device out of reach', 'siteadmin', { deviceId: 'Tablet Gamma' }],
    ['two at once', 'siteadmin', { userId: 'siteadmin', participantId: 'Alpha 1' }],
    ['nobody', 'superadmin', {}],
  ])('for %s: refused', async (_, who, values: Readonly<Record<string, string>>) => {
    const before = await app.fingerprint();
    const named = Object.fromEntries(Object.entries(values).map(([field, name]) => [field, ids[name]]));
    expect((await config(who, named)).status).toBe(403);
    expect(await app.fingerprint()).toBe(before);
  });
});

describe('the log', () => {
  test.each(COLUMNS)('%s', async (who) => {
    const wanted = who === 'superadmin' ? 200 : 403;
    const list = await get(who, 'log-entries?limit=1');
    expect(list.status).toBe(wanted);
    const [entry] = (await get('superadmin', 'log-entries?limit=1')).body.items;
    expect((await get(who, `log-entries/${entry.id}`)).status).toBe(wanted);
    const write = { method: 'POST', url: `${API}/log-entries`, body: {} } as const;
    expect((await app.request({ as: who, ...write })).status).toBe(405);
  });
});
