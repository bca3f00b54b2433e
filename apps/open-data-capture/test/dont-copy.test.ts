/**
 * What went wrong in the program that this application follows, and what must not be copied from it: one test each.
 */
import { createHmac } from 'node:crypto';
import { createServer } from '@ostiary/server/http';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  openApplication,
  type TestAnswer,
  type TestApplication,
  type TestRequest,
} from '../../../packages/server/test/support/application.js';
import { application as openDataCapture } from '../src/index.js';
import { type Groups, groupsOf, idsIn, listAll, MISSING, newAccount, newRecord, permit } from './support.js';

let app: TestApplication;
let groups: Groups;

beforeAll(async () => {
  app = await openApplication(openDataCapture);
  groups = await groupsOf(app);
});
afterAll(() => app?.close());
beforeEach(() => app.audit());

const ask = (
  as: string,
  method: NonNullable<TestRequest['method']>,
  url: string,
  body?: unknown,
): Promise<TestAnswer> => app.request({ as, method, url, ...(body === undefined ? {} : { body }) });
const login = (username: string, password: string) =>
  app.request({ method: 'POST', url: '/auth/login', body: { username, password } });
const make = (type: string, group: string | null) => app.seed((system) => newRecord(system, groups, type, group));
const date = '2026-03-01T10:00:00.000Z';

test('a new session keeps its group when the subject is in that group already', async () => {
  const subjectId = await make('Subject', groups.clinic);
  const made = await ask('JaneDoe', 'POST', '/api/sessions', {
    date,
    type: 'IN_PERSON',
    subjectId,
    groupId: groups.clinic,
  });
  expect([made.status, made.body.groupId]).toEqual([201, groups.clinic]);
  expect((await ask('admin', 'GET', `/api/sessions/${made.body.id}`)).body.groupId).toBe(groups.clinic);
  expect((await ask('admin', 'GET', `/api/subjects/${subjectId}`)).body.groupIds).toEqual([groups.clinic]);
});

test('a new session makes its subject one of the group, once', async () => {
  const subjectId = await make('Subject', null);
  for (let time = 0; time < 2; time += 1) {
    await ask('JaneDoe', 'POST', '/api/sessions', { date, type: 'IN_PERSON', subjectId, groupId: groups.clinic });
  }
  expect((await ask('admin', 'GET', `/api/subjects/${subjectId}`)).body.groupIds).toEqual([groups.clinic]);
});

test.each(['JaneDoe', 'FrancoisBouchard'])('a foreign group is refused to %s in every create', async (who) => {
  const foreign = who === 'JaneDoe' ? groups.lab : groups.clinic;
  const subjectId = await make('Subject', null);
  const bodies: Readonly<Record<string, object>> = {
    sessions: { date, type: 'REMOTE', subjectId, groupId: foreign },
    'instrument-records': { date, subjectId, instrumentId: groups.instrument, groupId: foreign, data: {} },
    assignments: { subjectId, instrumentId: groups.instrument, groupId: foreign, expiresAt: date },
    subjects: { groupIds: [foreign] },
    instruments: { name: 'foreign', kind: 'SERIES', title: 'F', seriesGroupId: foreign },
    'instrument-record-files': {
      recordId: await make('InstrumentRecord', foreign),
      groupId: foreign,
      name: 'x',
      mediaType: 'x',
      content: '',
    },
  };
  const before = await app.fingerprint();
  for (const [collection, body] of Object.entries(bodies)) {
    expect((await ask(who, 'POST', `/api/${collection}`, body)).status, collection).toBe(403);
  }
  expect(await app.fingerprint()).toBe(before);
});

test('a foreign subject is not drawn into an own group by a session, a record or an assignment', async () => {
  const subjectId = await make('Subject', groups.lab);
  const groupId = groups.clinic;
  const instrumentId = groups.instrument;
  for (const [collection, body] of [
    ['sessions', { date, type: 'REMOTE', subjectId, groupId }],
    ['instrument-records', { date, subjectId, instrumentId, groupId, data: {} }],
    ['assignments', { subjectId, instrumentId, groupId, expiresAt: date }],
  ] as const) {
    expect((await ask('JaneDoe', 'POST', `/api/${collection}`, body)).status, collection).toBe(403);
  }
  expect((await ask('JaneDoe', 'GET', `/api/subjects/${subjectId}`)).status).toBe(403);
});

test('a subject is deleted only within reach, and never with what was captured of it', async () => {
  await permit(app, 'norole', [{ action: 'delete', resource: 'Subject', group: groups.clinic }]);
  const [own, foreign] = [await make('Subject', groups.clinic), await make('Subject', groups.lab)];
  for (const force of ['', '?force=true']) {
    expect((await ask('norole', 'DELETE', `/api/subjects/${foreign}${force}`)).status).toBe(403);
    const answer = await ask(
      'admin',
      'DELETE',
      `/api/subjects/${await app.idOf('Subject', 'custom_id', 'ex_1001')}${force}`,
    );
    expect([answer.status, answer.body.code]).toEqual([409, 'still_referenced']);
  }
  expect((await ask('norole', 'DELETE', `/api/subjects/${own}`)).status).toBe(204);
  await permit(app, 'norole', []);
});

test('rights are not frozen in the token', async () => {
  const id = await newAccount(app, 'promoted');
  expect((await ask('promoted', 'GET', '/api/groups')).status).toBe(403);
  await ask('admin', 'PATCH', `/api/users/${id}`, { basePermissionLevel: 'ADMIN' });
  expect((await ask('promoted', 'GET', '/api/audit-logs')).status).toBe(200);
  await ask('admin', 'PATCH', `/api/users/${id}`, { basePermissionLevel: 'STANDARD' });
  expect((await ask('promoted', 'GET', '/api/audit-logs')).status).toBe(403);
  const payload = JSON.parse(Buffer.from(String((await app.login('promoted')).split('.')[1]), 'base64url').toString());
  expect(Object.keys(payload)).not.toEqual(expect.arrayContaining(['permissions']));
  expect(JSON.stringify(payload)).not.toMatch(/ADMIN|STANDARD|manage/);
});

test('a claim of rights in a token gives none', async () => {
  const token = await app.login('norole');
  const [header, payload] = token.split('.');
  const claims = JSON.parse(Buffer.from(String(payload), 'base64url').toString());
  const more = { ...claims, basePermissionLevel: 'ADMIN', permissions: [{ action: 'manage', subject: 'all' }] };
  const signed = `${header}.${Buffer.from(JSON.stringify(more)).toString('base64url')}`;
  // Even under the right secret, as whoever else knows it could sign it.
  const mac = createHmac('sha256', 'a secret for tests, of more than 32 characters').update(signed).digest('base64url');
  expect((await app.request({ token: `${signed}.${mac}`, url: '/api/groups' })).status).toBe(403);
});

test('that an account is disabled is told to nobody but who knows its password', async () => {
  await newAccount(app, 'disabled-one', { disabled: true });
  const [wrong, unknown] = [await login('disabled-one', 'wrong'), await login('no-such-one', 'wrong')];
  const bare = ({ status, body: { requestId: _, ...body } }: TestAnswer) => ({ status, body });
  expect(bare(wrong)).toEqual(bare(unknown));
  expect(wrong.status).toBe(401);
  const right = await login('disabled-one', 'ostiary-demo');
  expect([right.status, right.body.code]).toEqual([403, 'account_disabled']);
});

test('no answer tells whether a user name is taken, but to an administrator', async () => {
  const bare = ({ status, headers, body: { requestId: _, decision: __, ...body } }: TestAnswer) => ({
    status,
    body,
    type: headers['content-type'],
  });
  expect(bare(await login('JaneDoe', 'wrong'))).toEqual(bare(await login('JaneDoh', 'wrong')));
  for (const who of ['JaneDoe', 'FrancoisBouchard', 'norole']) {
    const create = (username: string) =>
      ask(who, 'POST', '/api/users', { username, firstName: 'A', lastName: 'B', password: 'violet-harbour-castle-91' });
    expect(bare(await create('JohnSmith'))).toEqual(bare(await create('nobody-has-this-name')));
    const search = (username: string) => ask(who, 'GET', `/api/users?username=${username}`);
    expect(bare(await search('admin'))).toEqual(bare(await search('nobody-has-this-name')));
    const about = (id: string) =>
      ask(who, 'POST', '/access/v1/evaluation', {
        subject: { type: 'user', id },
        action: { name: 'list' },
        resource: { type: 'Group' },
      });
    expect(bare(await about('admin'))).toEqual(bare(await about('nobody-has-this-name')));
  }
});

test('an unknown user costs as much time as a wrong password', async () => {
  const measure = async (username: string) => {
    const times: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const start = performance.now();
      await login(`${username}-${round}`, 'wrong');
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  };
  for (let round = 0; round < 4; round += 1) await newAccount(app, `timed-${round}`);
  await login('warm-up', 'wrong');
  const [known, unknown] = [await measure('timed'), await measure('untimed')];
  // Without equal work it is less than a fifth of it: hashing is nearly everything.
  expect(unknown).toBeGreaterThan(known / 2.5);
});

test('passwords are kept as argon2id, and nowhere else', async () => {
  const { rows } = await app.database.pool.query(
    'select password_hash from ostiary.account where password_hash is not null',
  );
  expect(rows.length).toBeGreaterThan(4);
  for (const { password_hash: hash } of rows) expect(hash).toMatch(/^\$argon2id\$v=19\$m=(\d{5,}),t=\d+,p=\d+\$/);
  expect(new Set(rows.map((row) => row.password_hash)).size).toBe(rows.length);
  const { rows: columns } = await app.database.pool.query(
    "select 1 from information_schema.columns where table_schema = 'open_data_capture' and column_name like '%password%'",
  );
  expect(columns).toEqual([]);
});

test('no answer holds a password or its hash', async () => {
  for (const who of ['admin', 'JaneDoe']) {
    for (const user of await listAll(app, who, '/api/users')) expect(Object.keys(user)).not.toContain('password');
  }
  const { text } = await ask('admin', 'GET', '/api/users?limit=200');
  expect(text).not.toMatch(/argon2|password/i);
});

test('a password of twenty kilobytes is no way to keep the server busy', async () => {
  const answer = await login('JaneDoe', 'x'.repeat(20_000));
  expect(answer.status).toBe(422);
});

test('managers create no groups', async () => {
  const before = await app.fingerprint();
  expect((await ask('JaneDoe', 'POST', '/api/groups', { name: 'Of Jane', type: 'CLINICAL' })).status).toBe(403);
  expect(await app.fingerprint()).toBe(before);
});

test('managers change no users', async () => {
  const colleague = await make('User', groups.clinic);
  expect((await ask('JaneDoe', 'GET', `/api/users/${colleague}`)).status).toBe(200);
  expect((await ask('JaneDoe', 'PATCH', `/api/users/${colleague}`, { lastName: 'X' })).status).toBe(403);
  expect((await ask('JaneDoe', 'DELETE', `/api/users/${colleague}`)).status).toBe(403);
});

test.each([
  [{ basePermissionLevel: 'ADMIN' }],
  [{ additionalPermissions: [{ action: 'manage', resource: 'all' }] }],
  [{ groupIds: [] }],
  [{ password: 'violet-harbour-castle-91' }],
  [{ username: 'admin2' }],
])('who may update users does not make themselves more by %j', async (body) => {
  for (const permission of [
    { action: 'update', resource: 'User' },
    { action: 'manage', resource: 'User' },
    { action: 'manage', resource: 'all' },
    { action: 'manage', resource: 'User', group: groups.clinic },
  ]) {
    await permit(app, 'norole', [permission]);
    const id = await app.idOf('User', 'username', 'norole');
    const before = await app.fingerprint();
    const answer = await ask('norole', 'PATCH', `/api/users/${id}`, body);
    expect([answer.status, answer.body.code]).toEqual([403, 'field_not_allowed']);
    expect(await app.fingerprint()).toBe(before);
  }
  await permit(app, 'norole', []);
});

test('a permission for one group does not carry a record out of it, or another one in', async () => {
  await permit(app, 'norole', [{ action: 'manage', resource: 'Session', group: groups.clinic }]);
  const [own, foreign] = [await make('Session', groups.clinic), await make('Session', groups.lab)];
  expect((await ask('norole', 'PATCH', `/api/sessions/${own}`, { groupId: groups.lab })).status).toBe(403);
  expect((await ask('norole', 'PATCH', `/api/sessions/${own}`, { groupId: null })).status).toBe(403);
  expect((await ask('norole', 'PATCH', `/api/sessions/${foreign}`, { groupId: groups.clinic })).status).toBe(403);
  await permit(app, 'norole', []);
});

test('an assignment is not moved to a foreign group', async () => {
  const id = await make('Assignment', groups.clinic);
  expect((await ask('JaneDoe', 'PATCH', `/api/assignments/${id}`, { groupId: groups.lab })).status).toBe(403);
  // Whom it is for is settled for good.
  const subjectId = await make('Subject', groups.clinic);
  const answer = await ask('JaneDoe', 'PATCH', `/api/assignments/${id}`, { subjectId });
  expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, '/subjectId']);
});

test('a route without a declaration does not come into being', async () => {
  const server = await createServer({ installation: app.installation, version: '0.0.0-test' });
  expect(() => server.get('/open-data-capture/api/undeclared', async () => ({}))).toThrow(/has no decision/);
  await server.close();
});

test('an empty list is a list', async () => {
  await newAccount(app, 'lonely', {
    basePermissionLevel: 'GROUP_MANAGER',
    groupIds: [await app.seed((system) => system.create('Group', { name: 'Empty', type: 'RESEARCH' }))],
  });
  for (const collection of ['sessions', 'subjects', 'instrument-records', 'assignments', 'instrument-repos']) {
    const answer = await ask('lonely', 'GET', `/api/${collection}`);
    expect([answer.status, answer.body], collection).toEqual([200, { items: [], next: null }]);
  }
});

test('a list of a foreign group is empty, for every type that has one', async () => {
  for (const collection of ['sessions', 'instrument-records', 'assignments', 'instrument-record-files']) {
    const answer = await ask('JaneDoe', 'GET', `/api/${collection}?groupId=${groups.lab}`);
    expect([answer.status, answer.body.items], collection).toEqual([200, []]);
  }
  for (const collection of ['subjects', 'users', 'instrument-repos']) {
    const answer = await ask('JaneDoe', 'GET', `/api/${collection}?groupIds=${groups.lab}`);
    expect([answer.status, answer.body.items], collection).toEqual([200, []]);
  }
});

test('what a manager lists is of their own groups, whatever the query', async () => {
  const own = await idsIn(app, 'InstrumentRecord', groups.clinic);
  for (const query of [
    '',
    `instrumentId=${groups.instrument}`,
    'sort=-date',
    'groupId[null]=false',
    `groupId[in]=${groups.clinic},${groups.lab}`,
  ]) {
    const found = await listAll(app, 'JaneDoe', `/api/instrument-records?${query}`);
    for (const record of found) expect(own, query).toContain(record.id);
  }
  expect((await listAll(app, 'JaneDoe', '/api/instrument-records')).length).toBe(own.length);
});

test('a record without a group is within no reach but an administrator’s', async () => {
  for (const type of ['Session', 'InstrumentRecord', 'Assignment'] as const) {
    const id = await make(type, null);
    const url = `/api/${{ Session: 'sessions', InstrumentRecord: 'instrument-records', Assignment: 'assignments' }[type]}/${id}`;
    expect((await ask('admin', 'GET', url)).status).toBe(200);
    for (const who of ['JaneDoe', 'JohnSmith', 'FrancoisBouchard'])
      expect((await ask(who, 'GET', url)).status).toBe(403);
  }
});

test('a change or deletion out of reach is a refusal, not a failure', async () => {
  const group = await ask('JaneDoe', 'PATCH', `/api/groups/${groups.lab}`, { name: 'Mine' });
  expect(group.status).toBe(403);
  expect((await ask('JaneDoe', 'DELETE', `/api/groups/${groups.lab}`)).status).toBe(403);
  expect((await ask('admin', 'DELETE', `/api/users/${MISSING}`)).status).toBe(404);
});

test('two users do not get the same name, however close together they ask', async () => {
  const create = () =>
    ask('admin', 'POST', '/api/users', {
      username: 'twin',
      firstName: 'T',
      lastName: 'W',
      password: 'violet-harbour-castle-91',
    });
  const statuses = (await Promise.all([create(), create(), create()])).map(({ status }) => status);
  expect(statuses.toSorted()).toEqual([201, 409, 409]);
});

test('two changes of a group at once do not undo each other', async () => {
  const before = await ask('JaneDoe', 'GET', `/api/groups/${groups.clinic}`);
  const headers = { 'if-match': String(before.headers.etag) };
  const change = () =>
    app.request({
      as: 'JaneDoe',
      method: 'PATCH',
      url: `/api/groups/${groups.clinic}`,
      body: { defaultIdentificationMethod: 'CUSTOM_ID' },
      headers,
    });
  const statuses = (await Promise.all([change(), change()])).map(({ status }) => status);
  expect(statuses.toSorted()).toEqual([200, 412]);
});

test('there is no set-up for whoever comes first', async () => {
  const body = { token: 'x', username: 'first', firstName: 'F', lastName: 'I', password: 'violet-harbour-castle-91' };
  const answer = await app.request({ method: 'POST', url: '/setup', body });
  expect([answer.status, answer.body.code]).toEqual([403, 'invalid_setup_link']);
  expect((await app.request({ method: 'DELETE', url: '/setup' })).status).toBe(405);
});

test('extra permissions are not given along with a new account by anyone but an administrator', async () => {
  const body = {
    username: 'given',
    firstName: 'G',
    lastName: 'I',
    password: 'violet-harbour-castle-91',
    additionalPermissions: [{ action: 'read', resource: 'Session' }],
  };
  expect((await ask('JaneDoe', 'POST', '/api/users', body)).status).toBe(403);
  const made = await ask('admin', 'POST', '/api/users', body);
  expect(made.status).toBe(201);
  expect((await app.audit()).find((row) => row.event === 'rights.changed')?.detail).toMatchObject({
    after: { additionalPermissions: [{ action: 'read', resource: 'Session' }] },
  });
});

test('everything that is written leaves a trace, log-ins and refusals too', async () => {
  await login('JaneDoe', 'wrong');
  await login('JaneDoe', 'ostiary-demo');
  await ask('JaneDoe', 'GET', `/api/groups/${groups.lab}`);
  await ask('JaneDoe', 'PATCH', `/api/groups/${groups.clinic}`, { type: 'CLINICAL' });
  const trail = (await app.audit()).map((row) => row.event);
  expect(trail).toEqual(['login.failed', 'login.succeeded', 'access.refused', 'record.updated']);
});
