import { createServiceKey, listServiceKeys, revokeServiceKey } from '@ostiary/server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, START, type TestAnswer, type TestApplication } from './support/application.js';
import { records } from './support/records.js';
import { trials } from './support/trials.js';

/** Programs that ask with a key of their own, and principals that ask about others. */
let app: TestApplication;

beforeAll(async () => {
  app = await openApplication(records, { beside: [trials] });
  for (const who of ['alice', 'bob']) await app.login(who);
});
afterAll(() => app?.close());
beforeEach(() => app.audit());

const NONE = { name: 'a program', trusted: false, expiresAt: null };
const make = (options: object = {}, application = 'records') =>
  createServiceKey(app.installation, application, { ...NONE, ...options });
const ask = (who: { readonly as?: string; readonly token?: string }, at: string, body: object): Promise<TestAnswer> =>
  app.request({ ...who, method: 'POST', url: `/access/v1/${at}`, body });
const user = (id: string) => ({ type: 'user', id });
const one = { type: 'record', id: 'record-1' };
const question = { subject: user('alice'), action: { name: 'read' }, resource: one };

describe('a service key', () => {
  test('is kept as a hash, and told once', async () => {
    const { id, key } = await make({ name: 'the portal' });
    expect(key).toMatch(new RegExp(`^osk_${id}_[A-Za-z0-9_-]{43}$`));
    const { rows } = await app.database.pool.query('select t::text as row from ostiary.service_key t where id = $1', [
      id,
    ]);
    expect(rows[0].row).not.toContain(key.slice(-43));
    const [listed] = (await listServiceKeys(app.installation, 'records')).filter((one) => one.id === id);
    expect(listed).toEqual({
      id,
      name: 'the portal',
      trusted: false,
      createdAt: START,
      expiresAt: null,
      revokedAt: null,
    });
    expect((await app.audit()).map(({ event, detail }) => [event, detail])).toEqual([
      ['service_key.created', { key: id, name: 'the portal', trusted: false, expiresAt: null }],
    ]);
  });

  test('is refused as soon as it is revoked, or has expired', async () => {
    const { id, key: token } = await make();
    const later = await make({ expiresAt: new Date(START.getTime() + 60_000) });
    for (const each of [token, later.key])
      expect((await ask({ token: each }, 'evaluation', question)).status).toBe(200);
    expect(await revokeServiceKey(app.installation, 'trials', id), 'it is not of that application').toBe(false);
    expect(await revokeServiceKey(app.installation, 'records', id)).toBe(true);
    expect(await revokeServiceKey(app.installation, 'records', id), 'it is revoked already').toBe(false);
    app.clock.advance(60);
    for (const each of [token, later.key]) {
      const answer = await ask({ token: each }, 'evaluation', question);
      expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
      expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token"');
    }
    app.clock.set(START);
    expect((await app.audit()).map(({ event }) => event)).toEqual([
      'service_key.created',
      'service_key.created',
      'service_key.revoked',
      'token.refused',
      'token.refused',
    ]);
  });

  test('is one as it was made, and of its own application', async () => {
    const { key } = await make();
    const other = await make({}, 'trials');
    const secret = key.slice(-43);
    const wrong = [
      other.key,
      key.slice(0, -1),
      `${key}A`,
      key.replace(secret, secret.toLowerCase() === secret ? secret.toUpperCase() : secret.toLowerCase()),
      key.replace(secret, other.key.slice(-43)),
      `osk_${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}_${secret}`,
      key.toUpperCase(),
      'osk_',
    ];
    for (const token of wrong) {
      const answer = await ask({ token }, 'evaluation', question);
      expect([token, answer.status, answer.body.code]).toEqual([token, 401, 'invalid_token']);
    }
  });

  test('opens nothing but decisions', async () => {
    const { key: token } = await make({ trusted: true });
    const document = (await app.request({ url: '/openapi.json' })).body;
    const opened: string[] = [];
    for (const [path, item] of Object.entries<JsonBody>(document.paths)) {
      for (const [method, { security }] of Object.entries<JsonBody>(item)) {
        if (security === undefined) continue;
        const url = path.replaceAll(/\{\w+\}/g, '01900000-0000-7000-8000-000000000000');
        const body = ['post', 'patch'].includes(method) ? {} : undefined;
        const answer = await app.request({ method: method.toUpperCase() as 'GET', url, token, body });
        if (answer.status !== 401) opened.push(`${method} ${path}`);
        else expect(answer.body.detail).toBe('A service key asks for decisions at /access/v1, and does nothing else.');
      }
    }
    expect(opened.toSorted()).toEqual([
      'post /access/v1/evaluation',
      'post /access/v1/evaluations',
      'post /access/v1/explanation',
      'post /access/v1/search/action',
      'post /access/v1/search/resource',
      'post /access/v1/search/subject',
    ]);
  });

  test('tells of the rules what decided, and of a record only to whom it is trusted', async () => {
    const [{ key: plain }, { key: trusted }] = [await make(), await make({ trusted: true })];
    const asked = { subject: user('bob'), action: { name: 'write' }, resource: one };
    const holds = async (token: string) => (await ask({ token }, 'explanation', asked)).body.allowed;
    expect([await holds(plain), await holds(trusted)]).toEqual(['unknown', 'no']);
  });
});

describe('asking about others', () => {
  const SEARCHES: readonly (readonly [string, string, object])[] = [
    ['who', 'search/subject', { subject: { type: 'user' }, action: { name: 'write' }, resource: one }],
    ['on what', 'search/resource', { subject: user('carol'), action: { name: 'write' }, resource: { type: 'record' } }],
    ['what', 'search/action', { subject: user('carol'), resource: one }],
  ];

  test.each(SEARCHES)('%s: a search is on record, by whomever it was', async (_, at, body) => {
    const { id, key } = await make();
    await app.audit();
    expect((await ask({ token: key }, at, body)).status).toBe(200);
    expect((await ask({ as: 'bob' }, at, body)).status).toBe(200);
    const entries = await app.audit();
    const [type] = [at.split('/')[1]];
    expect(entries.map(({ event, principal_id, detail }) => [event, principal_id, detail.search])).toEqual([
      ['access.searched', null, type],
      ['access.searched', await app.idOf('User', 'name', 'bob'), type],
    ]);
    expect(entries[0]?.detail.service).toEqual({ id, name: 'a program' });
  });

  test.each(SEARCHES)('%s: who may not ask is refused, and it is on record', async (_, at, body) => {
    const answer = await ask({ as: 'alice' }, at, body);
    expect([answer.status, answer.body.code]).toEqual([403, 'not_allowed']);
    expect((await app.audit()).map(({ event }) => event)).toEqual(['access.refused']);
  });

  test('about oneself everyone asks, and nothing is written', async () => {
    for (const [at, body] of [
      ['evaluation', question],
      ['evaluations', { ...question, evaluations: [{}] }],
      ['search/resource', { ...question, resource: { type: 'record' } }],
      ['search/action', question],
    ] as const) {
      expect((await ask({ as: 'alice' }, at, body)).status, at).toBe(200);
    }
    expect(await app.audit()).toEqual([]);
  });

  test('in a batch each question is decided on by itself; the refusals are one entry', async () => {
    const evaluations = ['alice', 'bob', 'nobody', 'alice'].map((id) => ({ subject: user(id) }));
    const { status, body } = await ask({ as: 'alice' }, 'evaluations', { ...question, evaluations });
    expect([status, body.evaluations.map((item: JsonBody) => item.decision)]).toEqual([
      200,
      [true, false, false, true],
    ]);
    const [bob, nobody] = [body.evaluations[1], body.evaluations[2]];
    expect(bob.context.error.status).toBe(403);
    expect(nobody, 'whether there is such a principal is not told').toEqual(bob);
    expect((await app.audit()).map(({ event, detail }) => [event, detail.refusals])).toEqual([['access.refused', 2]]);
  });

  test('no question tells which names there are', async () => {
    const about = (id: string): readonly (readonly [string, object])[] => [
      [
        'evaluation',
        { subject: user('alice'), action: { name: 'read' }, resource: user(id), context: { reasons: true } },
      ],
      [
        'evaluation',
        {
          subject: user('alice'),
          action: { name: 'create' },
          resource: { type: 'note', properties: { authorId: id } },
        },
      ],
      ['evaluation', { subject: user(id), action: { name: 'read' }, resource: one }],
      ['explanation', { subject: user('alice'), action: { name: 'read' }, resource: user(id) }],
      ['search/action', { subject: user('alice'), resource: user(id) }],
      ['search/action', { subject: user(id), resource: one }],
    ];
    const others = about('nobody');
    for (const [index, [at, body]] of about('bob').entries()) {
      const answers = [await ask({ as: 'alice' }, at, body), await ask({ as: 'alice' }, at, others[index]?.[1] ?? {})];
      const [there, missing] = answers.map(({ status, body: { requestId: _, decision, ...rest } }) => ({
        status,
        ...rest,
        ...(typeof decision === 'boolean' ? { decision } : {}),
      }));
      expect(there, `${at} ${JSON.stringify(body)}`).toEqual(missing);
    }
  });

  test('evaluations by a program are not written down one by one', async () => {
    const { key: token } = await make();
    await app.audit();
    await ask({ token }, 'evaluation', question);
    expect(await app.audit()).toEqual([]);
  });

  test('what nobody could keep in text is looked up like anything else', async () => {
    const { key: token } = await make({ trusted: true });
    for (const id of ['\u0000', '\ud800', 'x'.repeat(1_000)]) {
      for (const at of ['evaluation', 'explanation', 'search/resource', 'search/action']) {
        const asked = { subject: user(id), action: { name: 'read' }, resource: { type: 'record', id } };
        expect((await ask({ token }, at, asked)).status, `${at} ${JSON.stringify(id)}`).toBeLessThan(500);
      }
      const asked = { subject: { type: 'user' }, action: { name: 'read' }, resource: { type: 'record', id } };
      expect((await ask({ token }, 'search/subject', asked)).body.results).toEqual([]);
    }
  });
});

test('names are told to those who may see the field', async () => {
  const search = { subject: user('alice'), action: { name: 'read' }, resource: { type: 'record' } };
  const ids = async (who: { as: string }) => (await ask(who, 'search/resource', search)).body.results;
  expect(await ids({ as: 'alice' })).toEqual([one, { type: 'record', id: 'record-2' }]);
  const people = { subject: { type: 'user' }, action: { name: 'read' }, resource: one };
  const found = (await ask({ as: 'bob' }, 'search/subject', people)).body.results;
  expect(found, 'nobody reads users: so these are ids').toEqual([
    user(await app.idOf('User', 'name', 'alice')),
    user(await app.idOf('User', 'name', 'bob')),
  ]);
});
