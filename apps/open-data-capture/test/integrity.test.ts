import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from '../../../packages/server/test/support/application.js';
import { application as openDataCapture } from '../src/index.js';
import { groupsOf, listAll, newAccount } from './support.js';

/** West of Greenwich, where midnight in UTC is the day before. */
process.env.TZ = 'America/Los_Angeles';

let app: TestApplication;
let groups: { readonly clinic: string; readonly lab: string };
beforeAll(async () => {
  app = await openApplication(openDataCapture);
  groups = await groupsOf(app);
});
afterAll(() => app?.close());

const asAdmin = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: object) =>
  app.request({ as: 'admin', method, url, ...(body ? { body } : {}) });

test('a date of birth is the day that was written, wherever the server stands', async () => {
  const dateOfBirth = '2000-06-15';
  const made = await asAdmin('POST', '/api/subjects', { dateOfBirth });
  expect(made.body.dateOfBirth).toBe(dateOfBirth);
  const again = await asAdmin('PATCH', `/api/subjects/${made.body.id}`, { dateOfBirth: made.body.dateOfBirth });
  expect([again.status, again.body.dateOfBirth]).toEqual([200, dateOfBirth]);
  const found = await asAdmin('GET', `/api/subjects?dateOfBirth=${dateOfBirth}`);
  expect(found.body.items.map((item: { id: string }) => item.id)).toEqual([made.body.id]);
  for (const sort of ['dateOfBirth', '-dateOfBirth']) {
    const whole = await listAll(app, 'admin', '/api/subjects');
    const paged: string[] = [];
    for (let cursor: string | null = ''; cursor !== null && paged.length <= whole.length; ) {
      const { body } = await asAdmin('GET', `/api/subjects?sort=${sort}&limit=5${cursor && `&cursor=${cursor}`}`);
      paged.push(...body.items.map((item: { id: string }) => item.id));
      cursor = body.next;
    }
    expect(paged.toSorted()).toEqual(whole.map(({ id }) => id).toSorted());
  }
});

test('who has a role but no group lists nothing, whatever the filter', async () => {
  for (const basePermissionLevel of ['GROUP_MANAGER', 'STANDARD']) {
    const name = `groupless-${basePermissionLevel}`;
    await newAccount(app, name, { basePermissionLevel, groupIds: [] });
    app.adopt(name, await app.login(name));
    for (const url of [
      '/api/subjects',
      '/api/subjects?sex=MALE',
      '/api/groups?name=x',
      '/api/sessions?createdAt[ge]=2026-01-01',
    ]) {
      const answer = await app.request({ as: name, url });
      expect([url, answer.status, answer.body.items]).toEqual([url, 200, []]);
    }
  }
});

test('many sessions of one subject at once are all written', async () => {
  const subjectId = await app.idOf('Subject', 'customId', 'clinic_1001');
  const body = { date: '2026-03-01T10:00:00.000Z', type: 'IN_PERSON', groupId: groups.clinic, subjectId };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => app.request({ as: 'JaneDoe', method: 'POST', url: '/api/sessions', body })),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
});

test('a group that is deleted takes along the permissions that are limited to it', async () => {
  const { body: group } = await asAdmin('POST', '/api/groups', { name: 'Short-lived', type: 'RESEARCH' });
  const id = await newAccount(app, 'limited', { basePermissionLevel: null, groupIds: [group.id] });
  const elsewhere = { action: 'read', resource: 'Session', group: groups.lab };
  const additionalPermissions = [{ action: 'read', resource: 'Session', group: group.id }, elsewhere];
  expect((await asAdmin('PATCH', `/api/users/${id}`, { additionalPermissions })).status).toBe(200);
  await app.audit();
  expect((await asAdmin('DELETE', `/api/groups/${group.id}`)).status).toBe(204);
  const events = (await app.audit()).map(({ event }) => event);
  expect(events.filter((event) => event === 'rights.changed')).toHaveLength(2);
  const { body: user } = await asAdmin('GET', `/api/users/${id}`);
  expect([user.groupIds, user.additionalPermissions]).toEqual([[], [elsewhere]]);
  expect((await asAdmin('PATCH', `/api/users/${id}`, { disabled: true })).status).toBe(200);
});

test('a decision about a disabled account, or a record as it would be, is what HTTP would answer', async () => {
  const id = await newAccount(app, 'asleep', { basePermissionLevel: 'ADMIN', groupIds: [], disabled: true });
  const ask = async (as: string, subject: string, action: string, resource: object) =>
    (
      await app.request({
        as,
        method: 'POST',
        url: '/access/v1/evaluation',
        body: { subject: { type: 'user', id: subject }, action: { name: action }, resource },
      })
    ).body;
  expect((await ask('admin', id, 'list', { type: 'Session' })).decision).toBe(false);
  const subjectId = await app.idOf('Subject', 'customId', 'clinic_1001');
  for (const [groupId, decision] of [
    [groups.clinic, true],
    [groups.lab, false],
  ] as const) {
    const resource = { type: 'Session', properties: { groupId, subjectId, type: 'REMOTE' } };
    expect((await ask('JaneDoe', 'JaneDoe', 'create', resource)).decision).toBe(decision);
  }
  const wrong = await ask('JaneDoe', 'JaneDoe', 'create', { type: 'Session', properties: { groupId: 7 } });
  expect(wrong).toMatchObject({ status: 400, errors: [{ pointer: '/resource/properties/groupId' }] });
});

test('the address of an application leads to its documentation', async () => {
  const answer = await app.root({ url: '/open-data-capture' });
  expect([answer.status, answer.headers.location]).toEqual([303, '/open-data-capture/docs/']);
});
