import { application as openDataCapture } from '@ostiary/open-data-capture';
import { verifyExport, verifyTrail, writeAudit } from '@ostiary/server';
import { createServer } from '@ostiary/server/http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { fileOf } from './support/trail.js';

let app: TestApplication;
let jane: string;
let session: string;

beforeAll(async () => {
  app = await openApplication(openDataCapture);
  jane = await app.idOf('User', 'username', 'JaneDoe');
  const listed = await app.request({ as: 'JaneDoe', url: '/api/sessions?limit=1' });
  session = listed.body.items[0].id;
  await app.login('admin');
  app.clock.advance(60);
  await app.request({ as: 'admin', method: 'PATCH', url: `/api/sessions/${session}`, body: { type: 'REMOTE' } });
  app.clock.advance(60);
  await app.request({ as: 'JaneDoe', url: '/api/audit-logs' });
  await app.request({ method: 'POST', url: '/auth/login', body: { username: 'nobody at all', password: 'x' } });
  // Of another application of this installation.
  await writeAudit(app.installation.database.db, app.clock, {
    application: 'other',
    event: 'logout',
    outcome: 'allowed',
    requestId: 'of another application',
  });
});
beforeEach(() => app.audit());
afterAll(() => app?.close());

describe('the list of the trail answers', () => {
  test.each<readonly [string, () => string, readonly string[]]>([
    [
      'who, by id',
      () => `principalId=${jane}&event[in]=login.succeeded,access.refused`,
      ['login.succeeded', 'access.refused'],
    ],
    ['who, by user name', () => 'login=JaneDoe&outcome=refused', ['access.refused']],
    ['who, of what kind', () => 'principalKind=user&event=record.updated', ['record.updated']],
    ['who tried to be somebody', () => 'login=nobody at all', ['login.failed']],
    ['what, by event', () => 'event=record.updated', ['record.updated']],
    ['what, by action', () => 'action=update&resourceType=Session', ['record.updated']],
    ['which record', () => `recordId=${session}&event=record.updated`, ['record.updated']],
    ['when', () => 'at[ge]=2026-03-02T10:01:00Z&at[lt]=2026-03-02T10:02:00Z', ['record.updated']],
    ['with which outcome', () => `outcome=refused&principalId=${jane}`, ['access.refused']],
    ['by which rule', () => 'rules=Session/admin&event=record.updated', ['record.updated']],
  ])('%s', async (_says, filters, expected) => {
    const { status, body, text } = await app.request({ as: 'admin', url: `/api/audit-logs?${filters()}` });
    expect(status, text).toBe(200);
    expect(body.items.map((item: { event: string }) => item.event)).toEqual(expected);
  });
});

test('whoever reads the trail is in it: one entry a request, with what was asked for', async () => {
  const { body } = await app.request({ as: 'admin', url: '/api/audit-logs?event=record.updated&at[ge]=2026-03-01' });
  await app.request({ as: 'admin', url: `/api/audit-logs/${body.items[0].id}` });
  const filters = { event: 'record.updated', 'at[ge]': '2026-03-01' };
  const rows = await app.audit();
  expect(rows.map(({ event, action, record_id, detail }) => ({ event, action, record_id, detail }))).toEqual([
    { event: 'audit.read', action: 'list', record_id: null, detail: { filters } },
    { event: 'audit.read', action: 'read', record_id: body.items[0].id, detail: {} },
  ]);
  expect(rows[0]).toMatchObject({ login: 'admin', resource_type: 'AuditLog' });
});

test('an export can be verified without the server, and shows nothing of other applications', async () => {
  const answer = await app.request({ as: 'admin', url: '/api/audit-logs/export' });
  expect(answer.status, answer.text).toBe(200);
  expect(answer.headers['content-type']).toMatch(/^application\/jsonl/);
  expect(answer.headers['content-disposition']).toMatch(
    /^attachment; filename="open-data-capture-audit-2026-03-02\.jsonl"$/,
  );
  const found = await verifyExport(fileOf(answer.text.trimEnd().split('\n')));
  expect(found.faults).toEqual([]);
  expect(found.seals - found.entries, 'the place of the other entry is there').toBe(1);
  expect(answer.text).not.toContain('of another application');
  expect((await app.audit()).map(({ event }) => event)).toEqual(['audit.exported']);
  expect(answer.text, 'it holds its own entry').toContain('"event":"audit.exported"');
  expect(found.keys).toEqual((await verifyTrail(app.installation.database)).keys);
});

test('an export takes the filters of the list, and no others', async () => {
  const csv = await app.request({ as: 'admin', url: '/api/audit-logs/export?format=csv&event=record.updated' });
  expect(csv.headers['content-type']).toMatch(/^text\/csv/);
  expect(csv.text.split('\r\n')).toHaveLength(3);
  expect((await app.audit())[0]).toMatchObject({
    event: 'audit.exported',
    detail: { format: 'csv', filters: { event: 'record.updated' } },
  });
  for (const url of ['?format=xml', '?limit=5', '?sort=at', '?nothing=1', '?at[ge]=whenever']) {
    expect((await app.request({ as: 'admin', url: `/api/audit-logs/export${url}` })).status, url).toBe(422);
  }
});

test('who may not read the trail does not export it', async () => {
  for (const as of ['JaneDoe', 'norole']) {
    const answer = await app.request({ as, url: '/api/audit-logs/export' });
    expect([answer.status, answer.body.code]).toEqual([403, 'not_allowed']);
  }
  expect((await app.request({ url: '/api/audit-logs/export' })).status).toBe(401);
});

test('the public keys of the trail are for everybody; they are none of the tokens’', async () => {
  await app.request({ as: 'admin', url: '/api/audit-logs/export' });
  const { status, body } = await app.root({ url: '/.well-known/audit-jwks.json' });
  expect(status).toBe(200);
  expect(body.keys).toEqual([
    { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), alg: 'EdDSA', use: 'sig' },
  ]);
  const tokens = await app.root({ url: '/.well-known/jwks.json' });
  expect(tokens.text).not.toContain(body.keys[0].kid);
});

test('entries outlive whom and what they tell of', async () => {
  const made = await app.request({
    as: 'admin',
    method: 'POST',
    url: '/api/users',
    body: { username: 'shortlived', password: 'a long and unusual phrase', firstName: 'A', lastName: 'B' },
  });
  await app.request({
    as: 'admin',
    method: 'PATCH',
    url: `/api/users/${made.body.id}`,
    body: { basePermissionLevel: 'ADMIN' },
  });
  await app.login('shortlived', 'a long and unusual phrase');
  await app.request({ as: 'shortlived', url: '/api/users?limit=1' });
  await app.request({ as: 'shortlived', url: '/api/audit-logs?limit=1' });
  expect((await app.request({ as: 'admin', method: 'DELETE', url: `/api/users/${made.body.id}` })).status).toBe(204);
  const { body } = await app.request({ as: 'admin', url: `/api/audit-logs?principalId=${made.body.id}` });
  expect(body.items.map(({ event, login }: { event: string; login: string }) => [event, login])).toEqual([
    ['login.succeeded', 'shortlived'],
    ['audit.read', 'shortlived'],
  ]);
});

test('new keys for tokens are in the trail', async () => {
  const kid = await app.installation.keys.rotateSigningKey('ES256');
  expect((await app.audit()).map(({ application, event, detail }) => ({ application, event, detail }))).toEqual([
    { application: 'ostiary', event: 'keys.rotated', detail: { purpose: 'token', algorithm: 'ES256', kid } },
  ]);
});

const { AuditLog } = openDataCapture.policy.model.resources;
if (AuditLog === undefined) throw new TypeError('it has an audit type');
const { detail, ...withoutDetail } = AuditLog.fields;

describe('where an audit type leaves something out, entries are listed and not exported:', () => {
  test.each<readonly [string, typeof AuditLog.fields]>([
    ['a column', withoutDetail],
    ['what a column says', { ...withoutDetail, detail: { ...detail, kind: 'text', secret: true } as never }],
  ])('%s', async (_says, fields) => {
    const { model } = openDataCapture.policy;
    const resources = { ...model.resources, AuditLog: { ...AuditLog, fields } };
    const context = { ...app.context, policy: { ...app.context.policy, model: { ...model, resources } } };
    const server = await createServer({
      installation: { ...app.installation, contexts: new Map([[app.name, context]]) },
      version: '0.0.0-test',
    });
    try {
      const headers = { authorization: `Bearer ${await app.login('admin')}` };
      const get = (url: string) => server.inject({ url: `/${app.name}/api/audit-logs${url}`, headers });
      expect((await get('?limit=1')).statusCode).toBe(200);
      expect((await get('/export')).statusCode).toBe(404);
    } finally {
      await server.close();
    }
  });
});
