import { application as openDataCapture } from '@ostiary/open-data-capture';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type JsonBody,
  openApplication,
  type TestAnswer,
  type TestApplication,
  type TestRequest,
} from './support/application.js';
import { trials } from './support/trials.js';

let app: TestApplication;
let clinic: string;
let record: string;

beforeAll(async () => {
  app = await openApplication(openDataCapture, { beside: [trials] });
  clinic = await app.idOf('Group', 'name', 'Depression Clinic');
  const { rows } = await app.database.pool.query(
    'select id from open_data_capture.instrument_record where group_id = $1 limit 1',
    [clinic],
  );
  record = String(rows[0]?.id);
  for (const who of ['admin', 'JaneDoe', 'norole']) await app.login(who);
});
afterAll(() => app?.close());
beforeEach(() => app.audit());

const ask = (
  as: string,
  method: NonNullable<TestRequest['method']>,
  url: string,
  body?: unknown,
): Promise<TestAnswer> => app.request({ as, method, url, ...(body === undefined ? {} : { body }) });

describe('the audit trail', () => {
  test.each([
    'update ostiary.audit set event = event',
    'delete from ostiary.audit',
    'truncate ostiary.audit',
    'truncate ostiary.audit cascade',
    `insert into ostiary.audit select * from ostiary.audit limit 1 on conflict (id) do update set event = 'x'`,
  ])('is append-only: %s', async (statement) => {
    const { rows: before } = await app.database.pool.query('select count(*) from ostiary.audit');
    await expect(app.database.pool.query(statement)).rejects.toThrow('append-only');
    expect((await app.database.pool.query('select count(*) from ostiary.audit')).rows).toEqual(before);
  });

  test('says who did what on which record, under which decision, by which rules', async () => {
    const me = await app.idOf('User', 'username', 'JaneDoe');
    const answer = await ask('JaneDoe', 'PATCH', `/api/groups/${clinic}`, {
      type: 'RESEARCH',
      name: 'Depression Clinic',
    });
    const [entry, ...more] = await app.audit();
    expect(more).toEqual([]);
    expect(entry).toMatchObject({
      application: 'open-data-capture',
      event: 'record.updated',
      outcome: 'allowed',
      principal_id: me,
      action: 'update',
      resource_type: 'Group',
      record_id: clinic,
      decision_id: answer.headers['ostiary-decision'],
      rules: ['Group/manager-manages-own'],
      request_id: answer.headers['x-request-id'],
      detail: { fields: ['type'] },
      at: app.clock.now(),
    });
  });

  test('tells a change of rights with what was and what is', async () => {
    const id = await app.idOf('User', 'username', 'norole');
    await ask('admin', 'PATCH', `/api/users/${id}`, { basePermissionLevel: 'STANDARD', lastName: 'Roll' });
    const change = (await app.audit()).find((row) => row.event === 'rights.changed');
    expect(change?.detail).toEqual({
      before: { basePermissionLevel: null },
      after: { basePermissionLevel: 'STANDARD' },
    });
    await ask('admin', 'PATCH', `/api/users/${id}`, { basePermissionLevel: null });
  });

  test('tells each reading of what is sensitive: which records, and nothing of them', async () => {
    await ask('JaneDoe', 'GET', `/api/instrument-records/${record}`);
    const list = await ask('JaneDoe', 'GET', '/api/instrument-records?limit=3');
    await ask('JaneDoe', 'GET', '/api/sessions');
    await ask('JaneDoe', 'HEAD', `/api/instrument-records/${record}`);
    expect((await app.audit()).map((row) => [row.event, row.record_id, row.detail])).toEqual([
      ['record.read', record, {}],
      ['record.listed', null, { records: list.body.items.map((item: JsonBody) => item.id) }],
      ['record.read', record, {}],
    ]);
  });

  test('tells which rule forbade, to whoever reads the trail and not to the caller', async () => {
    const id = await app.idOf('User', 'username', 'norole');
    const permissions = (list: readonly object[]) =>
      ask('admin', 'PATCH', `/api/users/${id}`, { additionalPermissions: list });
    await permissions([{ action: 'delete', resource: 'User' }]);
    await app.audit();
    const answer = await ask('norole', 'DELETE', `/api/users/${await app.idOf('User', 'username', 'admin')}`);
    expect([answer.status, answer.text.includes('only-admins-delete-admins')]).toEqual([403, false]);
    expect((await app.audit())[0]).toMatchObject({
      event: 'access.refused',
      rules: ['User/only-admins-delete-admins'],
    });
    await permissions([]);
  });

  test('tells who was refused, and also when nobody was known', async () => {
    await app.request({ url: '/api/groups' });
    await app.request({ token: 'garbage', url: '/api/groups' });
    await ask('norole', 'GET', '/api/groups');
    await ask('JaneDoe', 'PATCH', `/api/groups/${await app.idOf('Group', 'name', 'Psychosis Lab')}`, { name: 'Mine' });
    expect(
      (await app.audit()).map((row) => [
        row.event,
        row.outcome,
        row.action,
        row.resource_type,
        row.principal_id === null,
      ]),
    ).toEqual([
      ['access.refused', 'refused', 'list', 'Group', true],
      ['token.refused', 'refused', 'list', 'Group', true],
      ['access.refused', 'refused', 'list', 'Group', false],
      ['access.refused', 'refused', 'update', 'Group', false],
    ]);
  });

  const WRITES: readonly (readonly [string, string, NonNullable<TestRequest['method']>, string, object?])[] = [
    ['a create', 'admin', 'POST', '/api/groups', { name: 'Unheard', type: 'CLINICAL' }],
    [
      'a new account',
      'admin',
      'POST',
      '/api/users',
      { username: 'unheard', firstName: 'U', lastName: 'H', password: 'violet-harbour-castle-91' },
    ],
    ['an update', 'JaneDoe', 'PATCH', '/api/groups/:clinic', { type: 'CLINICAL' }],
    ['a deletion', 'admin', 'DELETE', '/api/instrument-records/:lone'],
    ['a named action', 'admin', 'POST', '/api/assignments/:assignment/cancel', {}],
    ['a sensitive reading', 'admin', 'GET', '/api/instrument-records/:record'],
    ['a sensitive list', 'admin', 'GET', '/api/instrument-records'],
    ['a log-in', '', 'POST', '/auth/login', { username: 'admin', password: 'ostiary-demo' }],
    ['a log-out', 'norole', 'POST', '/auth/logout'],
    ['a refusal', 'norole', 'GET', '/api/groups'],
    [
      'an explanation',
      'admin',
      'POST',
      '/access/v1/explanation',
      { subject: { type: 'user', id: 'JaneDoe' }, action: { name: 'read' }, resource: { type: 'Group' } },
    ],
  ];
  const writes = WRITES.map(([says, as, method, url, body]) => ({ says, as, method, url, body }));

  test.each(writes)('fails: then $says does not happen either', async ({ as, method, url, body }) => {
    const lone = await app.idOf('InstrumentRecordFile', 'name', 'nothing').catch(() => record);
    const { rows } = await app.database.pool.query('select id from open_data_capture.assignment limit 1');
    const address = url
      .replace(':clinic', clinic)
      .replace(':record', record)
      .replace(':lone', lone)
      .replace(':assignment', String(rows[0]?.id));
    const sessions = 'select md5(string_agg(t::text, chr(10) order by id)) as sum from ostiary.login_session t';
    const before = [await app.fingerprint(), (await app.database.pool.query(sessions)).rows[0]?.sum];
    await app.database.pool.query(
      `create function ostiary.fail() returns trigger language plpgsql as $$ begin raise exception 'the disk is full'; end $$;
       create trigger fail before insert on ostiary.audit for each row execute function ostiary.fail()`,
    );
    const answer = await app.request({
      ...(as === '' ? {} : { as }),
      method,
      url: address,
      ...(body === undefined ? {} : { body }),
    });
    await app.database.pool.query('drop trigger fail on ostiary.audit; drop function ostiary.fail()');
    expect(answer.status, answer.text).toBe(500);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(Object.keys(answer.body).toSorted()).toEqual(['code', 'requestId', 'status', 'title', 'type']);
    expect(answer.text).not.toContain('disk');
    expect([await app.fingerprint(), (await app.database.pool.query(sessions)).rows[0]?.sum]).toEqual(before);
    expect(await app.audit()).toEqual([]);
  });

  test('is of one application: the others do not see it', async () => {
    await app.root({ url: '/trials/api/samples' });
    const { items } = (await ask('admin', 'GET', '/api/audit-logs?limit=200&resourceType=Sample')).body;
    expect(items).toEqual([]);
    const { rows } = await app.database.pool.query(
      `select application from ostiary.audit where resource_type = 'Sample' and event = 'access.refused'`,
    );
    expect(rows).toEqual([{ application: 'trials' }]);
  });
});

describe('decisions for others to ask for', () => {
  const question = (id: string, action: string, type: string, resource?: string) => ({
    subject: { type: 'user', id },
    action: { name: action },
    resource: { type, ...(resource ? { id: resource } : {}) },
  });
  const evaluate = (as: string, body: object) => ask(as, 'POST', '/access/v1/evaluation', body);

  test('are the ones that a request would meet', async () => {
    const lab = await app.idOf('Group', 'name', 'Psychosis Lab');
    for (const [who, own] of [
      ['JaneDoe', clinic],
      ['JohnSmith', lab],
    ] as const) {
      for (const group of [clinic, lab]) {
        for (const action of ['read', 'update', 'delete']) {
          const asked = { ...question(who, action, 'Group', group), context: { reasons: true } };
          const { body } = await evaluate('admin', asked);
          expect(body.decision, `${who} ${action} ${group}`).toBe(own === group);
          expect(body.context.rules).toEqual(own === group ? ['Group/manager-manages-own'] : []);
          expect(body.context.missing.length > 0).toBe(own !== group);
        }
      }
    }
  });

  test('names are understood in any spelling, and unknown members are left alone', async () => {
    for (const type of ['InstrumentRecord', 'instrument-record', 'instrument_record', 'instrument-records']) {
      const asked = { ...question('JaneDoe', 'READ', type, record), context: { ip: '::1' }, evaluations: [] };
      expect((await evaluate('admin', asked)).body.decision, type).toBe(true);
    }
  });

  test('about who or what does not exist are: no', async () => {
    const missing = '01900000-0000-7000-8000-000000000000';
    for (const [who, what] of [
      [missing, clinic],
      ['nobody-at-all', clinic],
      ['JaneDoe', missing],
      ['JaneDoe', 'garbage'],
    ] as const) {
      const { status, body } = await evaluate('admin', question(who, 'read', 'Group', what));
      expect([status, body.decision]).toEqual([200, false]);
    }
  });

  test('and their reasons, with the rules and where they come from', async () => {
    const asked = question('FrancoisBouchard', 'read', 'InstrumentRecord', record);
    const { body } = await ask('admin', 'POST', '/access/v1/explanation', asked);
    expect(body.allowed).toBe('no');
    expect(body.missing.length).toBeGreaterThan(0);
    const rule = body.rules.find((each: JsonBody) => each.id === 'InstrumentRecord/manager-reads');
    expect(rule).toMatchObject({
      effect: 'allow',
      holds: 'no',
      source: expect.any(String),
      trace: { parts: expect.any(Array) },
    });
  });

  test('one learns one’s own rights, and nobody else’s', async () => {
    const { body } = await ask('JaneDoe', 'GET', '/access/v1/rights');
    expect(body.principal.id).toBe(await app.idOf('User', 'username', 'JaneDoe'));
    expect(Object.keys(body.verdicts)).toContain('InstrumentRecord read');
    expect(Object.keys(body.verdicts)).not.toContain('User create');
    expect((await ask('norole', 'GET', '/access/v1/rights')).body.verdicts).toEqual({});
  });
});

describe('several applications on one installation', () => {
  test('a token is good for its own alone', async () => {
    const answer = await app.root({
      method: 'POST',
      url: '/trials/auth/login',
      body: { login: 'director', password: 'ostiary-demo' },
    });
    const token = String(answer.body.accessToken);
    expect((await app.root({ token, url: '/trials/api/samples' })).status).toBe(200);
    expect((await app.request({ token, url: '/api/groups' })).status).toBe(401);
    expect((await app.root({ token: await app.login('admin'), url: '/trials/api/samples' })).status).toBe(401);
  });

  test('public keys are published, and no private part of them', async () => {
    const { body, headers } = await app.root({ url: '/.well-known/jwks.json' });
    expect(headers['content-type']).toMatch(/json/);
    expect(body.keys.length).toBeGreaterThan(0);
    for (const key of body.keys) {
      expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: expect.any(String) });
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(Object.keys(key)).not.toContain(secret);
    }
    const token = String(
      (
        await app.root({
          method: 'POST',
          url: '/trials/auth/login',
          body: { login: 'director', password: 'ostiary-demo' },
        })
      ).body.accessToken,
    );
    const header = JSON.parse(Buffer.from(String(token.split('.')[0]), 'base64url').toString());
    expect(body.keys.map((key: JsonBody) => key.kid)).toContain(header.kid);
  });
});
