import { Writable } from 'node:stream';
import { application as openDataCapture } from '@ostiary/open-data-capture';
import { actionsOf } from '@ostiary/policy';
import { PROBLEMS } from '@ostiary/server';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type JsonBody,
  openApplication,
  type TestAnswer,
  type TestApplication,
  type TestRequest,
} from './support/application.js';

let app: TestApplication;
let clinic: string;
const logged: string[] = [];

beforeAll(async () => {
  const stream = new Writable({
    write(chunk, _encoding, done) {
      logged.push(String(chunk));
      done();
    },
  });
  const { log } = fastify({ logger: { level: 'trace', stream } });
  app = await openApplication(openDataCapture, { logger: log, bodyLimit: 1_048_576 });
  clinic = await app.idOf('Group', 'name', 'Depression Clinic');
});
afterAll(() => app?.close());

function expectProblem(answer: TestAnswer, status: number, code: keyof typeof PROBLEMS): void {
  expect(answer.headers['content-type'], answer.text).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({
    type: `urn:ostiary:problem:${code}`,
    title: PROBLEMS[code].title,
    status,
    code,
    requestId: answer.headers['x-request-id'],
  });
  expect(answer.status).toBe(status);
  expect(answer.headers['cache-control']).toBe('no-store');
}

const subject = (body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<TestAnswer> =>
  app.request({ as: 'admin', method: 'POST', url: '/api/subjects', body, headers });

describe('what is not understood is a problem with a stable code, and changes nothing', () => {
  const CASES: readonly (readonly [string, () => Promise<TestAnswer>, number, keyof typeof PROBLEMS, object?])[] = [
    ['malformed JSON', () => subject('{"sex": '), 400, 'malformed_request'],
    ['an empty body', () => subject('', { 'content-type': 'application/json' }), 400, 'malformed_request'],
    ['a prototype in JSON', () => subject('{"__proto__": {"sex": "MALE"}}'), 400, 'malformed_request'],
    ['a constructor in JSON', () => subject('{"constructor": {"prototype": {"x": 1}}}'), 400, 'malformed_request'],
    [
      'a form',
      () => subject('sex=MALE', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'unsupported_media_type',
    ],
    ['text', () => subject('sex', { 'content-type': 'text/plain' }), 415, 'unsupported_media_type'],
    ['a body that is too large', () => subject({ customId: 'x'.repeat(1_100_000) }), 413, 'body_too_large'],
    [
      'an unknown field',
      () => subject({ sex: 'MALE', colour: 'red' }),
      422,
      'invalid_input',
      { errors: [{ pointer: '/colour', message: 'is not known here' }] },
    ],
    [
      'a missing field',
      () => app.request({ as: 'admin', method: 'POST', url: '/api/groups', body: { name: 'x' } }),
      422,
      'invalid_input',
      { errors: [{ pointer: '/type', message: 'is missing' }] },
    ],
    [
      'a field of the wrong type',
      () => subject({ groupIds: 'all' }),
      422,
      'invalid_input',
      { errors: [{ pointer: '/groupIds' }] },
    ],
    [
      'a value that is no choice',
      () => subject({ sex: 'male' }),
      422,
      'invalid_input',
      { errors: [{ pointer: '/sex' }] },
    ],
    ['a body that is no object', () => subject([]), 422, 'invalid_input'],
    ['null for a body', () => subject('null'), 422, 'invalid_input'],
    [
      'a NUL in text',
      () => subject({ customId: 'a\u0000b' }),
      422,
      'invalid_input',
      { errors: [{ pointer: '/customId' }] },
    ],
    [
      'a date that is none',
      () => subject({ dateOfBirth: '2026-02-30' }),
      422,
      'invalid_input',
      { errors: [{ pointer: '/dateOfBirth' }] },
    ],
    ["an id of one's own", () => subject({ id: clinic }), 422, 'invalid_input', { errors: [{ pointer: '/id' }] }],
    [
      'who created it',
      () => app.request({ as: 'admin', method: 'POST', url: '/api/sessions', body: { userId: clinic } }),
      422,
      'invalid_input',
    ],
    [
      'an element twice',
      () => subject({ groupIds: [clinic, clinic] }),
      422,
      'invalid_input',
      { errors: [{ pointer: '/groupIds' }] },
    ],
    [
      'a reference to nothing',
      () => subject({ groupIds: ['01900000-0000-7000-8000-000000000000'] }),
      422,
      'reference_not_found',
      { errors: [{ pointer: '/groupIds' }] },
    ],
    [
      'an update of nothing',
      () => app.request({ as: 'admin', method: 'PATCH', url: `/api/groups/${clinic}`, body: {} }),
      422,
      'invalid_input',
    ],
    [
      'null for what is required',
      () => app.request({ as: 'admin', method: 'PATCH', url: `/api/groups/${clinic}`, body: { name: null } }),
      422,
      'invalid_input',
      { errors: [{ pointer: '/name' }] },
    ],
    [
      'an unknown parameter',
      () => app.request({ as: 'admin', url: '/api/groups?colour=red' }),
      422,
      'invalid_input',
      { errors: [{ pointer: '/colour' }] },
    ],
    ['a parameter twice', () => app.request({ as: 'admin', url: '/api/groups?limit=1&limit=2' }), 422, 'invalid_input'],
    ['a limit of none', () => app.request({ as: 'admin', url: '/api/groups?limit=0' }), 422, 'invalid_input'],
    ['a sort by nothing', () => app.request({ as: 'admin', url: '/api/groups?sort=colour' }), 422, 'invalid_input'],
    ['a sort by a set', () => app.request({ as: 'admin', url: '/api/subjects?sort=groupIds' }), 422, 'invalid_input'],
    ['a filter by a secret', () => app.request({ as: 'admin', url: '/api/users?password=x' }), 422, 'invalid_input'],
    ['a filter with a NUL', () => app.request({ as: 'admin', url: '/api/groups?name=a%00b' }), 422, 'invalid_input'],
    [
      'a filter by a number too large',
      () => app.request({ as: 'admin', url: '/api/sessions?date[lt]=999999-01-01' }),
      422,
      'invalid_input',
    ],
    [
      'a cursor of another list',
      () =>
        app.request({
          as: 'admin',
          url: `/api/groups?cursor=${Buffer.from('["-name","x","y"]').toString('base64url')}`,
        }),
      400,
      'invalid_cursor',
    ],
    ['a cursor that is none', () => app.request({ as: 'admin', url: '/api/groups?cursor=abc' }), 400, 'invalid_cursor'],
    [
      'an If-Match that is no ETag',
      () =>
        app.request({
          as: 'admin',
          method: 'PATCH',
          url: `/api/groups/${clinic}`,
          body: { name: 'x' },
          headers: { 'if-match': 'latest' },
        }),
      412,
      'version_mismatch',
    ],
    ['an address that is none', () => app.request({ as: 'admin', url: '/api/nothing' }), 404, 'not_found'],
    ['a percent sign alone', () => app.request({ as: 'admin', url: '/api/groups/%' }), 400, 'malformed_request'],
    [
      'a question that names no record',
      () =>
        app.request({
          as: 'admin',
          method: 'POST',
          url: '/access/v1/evaluation',
          body: { subject: { type: 'user', id: 'x' }, action: { name: 'read' }, resource: { type: 'Group' } },
        }),
      400,
      'malformed_request',
      { errors: [{ pointer: '/resource/id', message: 'is missing' }] },
    ],
  ];

  const cases = CASES.map(([says, ask, status, code, body]) => ({ says, ask, status, code, body }));

  test.each(cases)('$says', async ({ ask, status, code, body }) => {
    const before = await app.fingerprint();
    const answer = await ask();
    expectProblem(answer, status, code);
    if (body) expect(answer.body).toMatchObject(body);
    expect(await app.fingerprint(), 'a request that was not understood changed something').toBe(before);
  });
});

describe('whatever is sent, the answer is never a failure of ours', () => {
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  /** A record of an instrument with this for its data, as text: it refers to what there is when it is sent. */
  const record = (data: string) =>
    `{"date":"2026-03-01T10:00:00Z","subjectId":"$subject","instrumentId":"$instrument","data":${data}}`;
  const AWKWARD: readonly (readonly [string, TestRequest])[] = [
    ['a lone surrogate in text', { method: 'POST', url: '/api/subjects', body: '{"firstName":"\\ud800"}' }],
    [
      'a lone surrogate in a name that is unique',
      { method: 'POST', url: '/api/groups', body: '{"name":"\\udc00","type":"CLINICAL"}' },
    ],
    ['a lone surrogate in json', { method: 'POST', url: '/api/instrument-records', body: record('{"a":"\\ud800"}') }],
    ['a NUL in json', { method: 'POST', url: '/api/instrument-records', body: record('{"a":"\\u0000"}') }],
    ['a NUL in a key of json', { method: 'POST', url: '/api/instrument-records', body: record('{"\\u0000":1}') }],
    ['a number without end', { method: 'POST', url: '/api/instrument-records', body: record('1e400') }],
    ['json that is deep', { method: 'POST', url: '/api/instrument-records', body: record(deep(20_000)) }],
    ['json that is very deep', { method: 'POST', url: '/api/instrument-records', body: record(deep(250_000)) }],
    ['a body that is deep', { method: 'POST', url: '/api/subjects', body: deep(250_000) }],
    ['a key twice', { method: 'POST', url: '/api/subjects', body: '{"sex":"MALE","sex":"FEMALE"}' }],
    ['an id that is none', { url: '/api/groups/null' }],
    ['an id with a NUL', { url: '/api/groups/%00' }],
    ['an id that is long', { url: `/api/groups/${'9'.repeat(190)}` }],
    ['an id that is too long', { url: `/api/groups/${'9'.repeat(2_000)}` }],
    ['an id in upper case', { url: `/api/groups/01900000-0000-7000-8000-00000000ABCD` }],
    ['the year 0', { method: 'POST', url: '/api/subjects', body: { dateOfBirth: '0000-01-01' } }],
    ['a leap second', { method: 'POST', url: '/api/instrument-records', body: { date: '2016-12-31T23:59:60Z' } }],
    ['a filter by the year 0', { url: '/api/subjects?dateOfBirth[ge]=0000-01-01' }],
    ['a filter beyond the years', { url: '/api/sessions?date[le]=9999-12-31T23:59:59-23:00' }],
    ['a filter by garbage', { url: '/api/sessions?date=2026-01-01%20(garbage)' }],
    ['a filter by a lone surrogate', { url: '/api/groups?name=%ED%A0%80' }],
    ['a filter by many', { url: `/api/groups?name[in]=${'a,'.repeat(900)}` }],
    [
      'a cursor with a value of another type',
      {
        url: `/api/sessions?sort=date&cursor=${Buffer.from(JSON.stringify(['date', 'x', '01900000-0000-7000-8000-000000000000'])).toString('base64url')}`,
      },
    ],
    [
      'a cursor with a NUL',
      {
        url: `/api/groups?sort=name&cursor=${Buffer.from(JSON.stringify(['name', '\u0000', '01900000-0000-7000-8000-000000000000'])).toString('base64url')}`,
      },
    ],
    ['a log-in with a NUL', { method: 'POST', url: '/auth/login', body: { username: '\u0000', password: '\u0000' } }],
    [
      'a log-in with a lone surrogate',
      { method: 'POST', url: '/auth/login', body: '{"username":"\\ud800","password":"\\ud800"}' },
    ],
    [
      'a set-up with a NUL',
      {
        method: 'POST',
        url: '/setup',
        body: { token: '\u0000', username: 'x', firstName: 'x', lastName: 'x', password: 'x-x-x-x-x-x' },
      },
    ],
    [
      'a question about a NUL',
      {
        method: 'POST',
        url: '/access/v1/evaluation',
        body: {
          subject: { type: 'user', id: '\u0000' },
          action: { name: 'read' },
          resource: { type: 'User', id: '\u0000' },
        },
      },
    ],
    [
      'a question about a lone surrogate',
      {
        method: 'POST',
        url: '/access/v1/explanation',
        body: '{"subject":{"type":"user","id":"\\ud800"},"action":{"name":"read"},"resource":{"type":"\\ud800"}}',
      },
    ],
    [
      'a question about Object',
      {
        method: 'POST',
        url: '/access/v1/evaluation',
        body: {
          subject: { type: 'constructor', id: 'x' },
          action: { name: 'toString' },
          resource: { type: '__proto__' },
        },
      },
    ],
    ['a view of Object', { url: '/api/groups?view=constructor' }],
    ['a sort by Object', { url: '/api/groups?sort=constructor' }],
    ['a filter by Object', { url: '/api/groups?constructor=x' }],
  ];

  let subjectId: string;
  let instrumentId: string;
  beforeAll(async () => {
    subjectId = await app.idOf('Subject', 'customId', 'ex_1001');
    instrumentId = await app.idOf('Instrument', 'name', 'breakout-task');
  });

  test.each(AWKWARD)('%s', async (_, request) => {
    const body =
      typeof request.body === 'string'
        ? request.body.replace('$subject', subjectId).replace('$instrument', instrumentId)
        : request.body;
    const answer = await app.request({ as: 'admin', ...request, body });
    expect(answer.status, answer.text).toBeLessThan(500);
    if (answer.status >= 400) expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  });
});

describe('what cannot be reached and what does not exist are the same', () => {
  const MISSING = '01900000-0000-7000-8000-000000000000';
  const bare = (answer: TestAnswer): string => {
    const ids = [answer.body?.requestId, answer.body?.decision, answer.body?.context?.id].filter(Boolean);
    const headers = { ...answer.headers, 'x-request-id': '', date: '' };
    return ids.reduce(
      (text: string, id) => text.replaceAll(String(id), 'ID'),
      JSON.stringify([answer.status, headers, answer.text]),
    );
  };

  test('in every byte of the answer', async () => {
    const types = {
      Session: 'sessions',
      Subject: 'subjects',
      InstrumentRecord: 'instrument-records',
      InstrumentRecordFile: 'instrument-record-files',
      Assignment: 'assignments',
      InstrumentRepo: 'instrument-repos',
      User: 'users',
      Group: 'groups',
    };
    const lab = await app.idOf('Group', 'name', 'Psychosis Lab');
    for (const [type, collection] of Object.entries(types)) {
      const column = {
        User: '$1 = any(group_ids)',
        Subject: '$1 = any(group_ids)',
        InstrumentRepo: '$1 = any(group_ids)',
        Group: 'id = $1',
      }[type];
      const table = collection.replaceAll('-', '_').replace(/s$/, '');
      const { rows } = await app.database.pool.query(
        `select id from open_data_capture.${table} where ${column ?? 'group_id = $1'} limit 1`,
        [lab],
      );
      const foreign = String(rows[0]?.id);
      const asks = (id: string): readonly TestRequest[] => [
        { url: `/api/${collection}/${id}` },
        {
          method: 'PATCH',
          url: `/api/${collection}/${id}`,
          body:
            type === 'User'
              ? { lastName: 'x' }
              : type === 'Assignment'
                ? { status: 'CANCELED' }
                : { [type === 'Subject' ? 'lastName' : 'groupId']: null },
        },
        { method: 'DELETE', url: `/api/${collection}/${id}` },
        { method: 'DELETE', url: `/api/${collection}/${id}`, headers: { 'if-match': '"7"' } },
        ...(type === 'Assignment' ? [{ method: 'POST' as const, url: `/api/assignments/${id}/cancel`, body: {} }] : []),
        ...(type === 'User'
          ? [
              {
                method: 'POST' as const,
                url: `/api/users/${id}/change-password`,
                body: { currentPassword: 'x', newPassword: 'violet-harbour-castle-91' },
              },
            ]
          : []),
        ...['evaluation', 'explanation'].flatMap((question) =>
          actionsOf(app.context.policy.model, type).map(
            (name): TestRequest => ({
              method: 'POST',
              url: `/access/v1/${question}`,
              body: {
                subject: { type: 'user', id: 'JaneDoe' },
                action: { name },
                resource: { type, id },
                context: { reasons: true },
              },
            }),
          ),
        ),
      ];
      const [there, missing] = [asks(foreign), asks(MISSING)];
      for (const [index, ask] of there.entries()) {
        const other = missing[index] as TestRequest;
        const answers = [
          await app.request({ as: 'JaneDoe', ...ask }),
          await app.request({ as: 'JaneDoe', ...other }),
        ] as const;
        const [a, b] = [bare(answers[0]).replaceAll(foreign, 'THE-ID'), bare(answers[1]).replaceAll(MISSING, 'THE-ID')];
        expect(a, `${ask.method ?? 'GET'} ${ask.url} ${JSON.stringify(ask.body)}`).toBe(b);
      }
    }
  });

  test('a reference to what cannot be reached is refused like one to nothing', async () => {
    const lab = await app.idOf('Group', 'name', 'Psychosis Lab');
    const { rows } = await app.database.pool.query(
      'select id, subject_id, session_id, instrument_id from open_data_capture.instrument_record where group_id = $1 limit 1',
      [lab],
    );
    const { id, subject_id: subjectId, session_id: sessionId, instrument_id: instrumentId } = rows[0];
    const { rows: own } = await app.database.pool.query(
      'select id from open_data_capture.subject where $1 = any(group_ids) limit 1',
      [clinic],
    );
    const date = '2026-03-01T10:00:00.000Z';
    const record = { date, instrumentId, groupId: clinic, subjectId: own[0].id, data: {} };
    const pairs: readonly (readonly [string, object, object])[] = [
      [
        'sessions',
        { date, type: 'REMOTE', groupId: clinic, subjectId },
        { date, type: 'REMOTE', groupId: clinic, subjectId: MISSING },
      ],
      [
        'sessions',
        { date, type: 'REMOTE', groupId: lab, subjectId: own[0].id },
        { date, type: 'REMOTE', groupId: MISSING, subjectId: own[0].id },
      ],
      ['instrument-records', { ...record, subjectId }, { ...record, subjectId: MISSING }],
      ['instrument-records', { ...record, sessionId }, { ...record, sessionId: MISSING }],
      [
        'instrument-record-files',
        { recordId: id, groupId: clinic, name: 'x', mediaType: 'x', content: '' },
        { recordId: MISSING, groupId: clinic, name: 'x', mediaType: 'x', content: '' },
      ],
      [
        'assignments',
        { subjectId, instrumentId, groupId: clinic, expiresAt: date },
        { subjectId: MISSING, instrumentId, groupId: clinic, expiresAt: date },
      ],
      ['subjects', { groupIds: [lab] }, { groupIds: [MISSING] }],
    ];
    for (const [collection, there, missing] of pairs) {
      const ask = (body: object) => app.request({ as: 'JaneDoe', method: 'POST', url: `/api/${collection}`, body });
      const [a, b] = [await ask(there), await ask(missing)];
      expect(bare(a), `${collection} ${JSON.stringify(there)}`).toBe(bare(b));
      expect(a.status).toBe(403);
    }
  });
});

describe('the outside', () => {
  test('every request has an id of ours, which the audit trail knows, beside the one that its caller gave it', async () => {
    await app.login('norole');
    await app.audit();
    const answer = await app.request({
      as: 'norole',
      url: '/api/groups',
      headers: { 'x-request-id': 'chosen-by-the-caller' },
    });
    const id = answer.headers['ostiary-request'];
    expect([id, answer.headers['x-request-id']]).toEqual([
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      'chosen-by-the-caller',
    ]);
    expect(answer.body.requestId).toBe(id);
    const [entry, ...more] = await app.audit();
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ event: 'access.refused', request_id: id, decision_id: answer.body.decision });
  });

  test.each([
    '/',
    '/healthz',
    '/open-data-capture/api/groups',
    '/open-data-capture/nothing',
    '/open-data-capture/docs',
  ])('security headers: %s', async (url) => {
    const { headers } = await app.root({ url });
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['content-security-policy']).toMatch(/default-src/);
    expect(headers['content-security-policy']).not.toMatch(/script-src[^;]*unsafe/);
    expect(headers['strict-transport-security']).toMatch(/max-age=\d+/);
    expect(headers['x-powered-by']).toBeUndefined();
  });

  test.each(['/', '/open-data-capture/docs/'])('a page loads nothing from elsewhere: %s', async (url) => {
    const { status, headers, text } = await app.root({ url, headers: { accept: 'text/html' } });
    expect([status, headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/html/)]);
    expect(text.match(/\b(src|href|action)\s*=\s*["']?(\w+:)?\/\/[^"' >]*/g)).toBeNull();
    const sources = String(headers['content-security-policy']).split(/[ ;]+/);
    expect(sources.filter((each) => /^https?:|^wss?:|[*/.]/.test(each))).toEqual([]);
  });

  test('no other origin is let in unless one is configured', async () => {
    const headers = { origin: 'https://elsewhere.example', 'access-control-request-method': 'POST' };
    const asked = { method: 'OPTIONS', url: '/open-data-capture/api/groups', headers } as const;
    expect((await app.root(asked)).headers['access-control-allow-origin']).toBeUndefined();
    expect((await app.root({ url: '/healthz', headers })).headers['access-control-allow-origin']).toBeUndefined();

    const open = await openApplication(openDataCapture, { corsOrigins: ['https://console.example'] });
    const from = async (origin: string) =>
      (await open.root({ ...asked, headers: { ...headers, origin } })).headers['access-control-allow-origin'];
    expect(await from('https://console.example')).toBe('https://console.example');
    expect(await from('https://elsewhere.example')).not.toBe('https://elsewhere.example');
    const answer = await open.root({ ...asked, headers: { ...headers, origin: 'https://console.example' } });
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    await open.close();
  });

  test('it tells that it lives, and that it is ready', async () => {
    expect((await app.root({ url: '/healthz' })).body).toEqual({ status: 'ok' });
    expect((await app.root({ url: '/readyz' })).body).toEqual({ status: 'ready' });
  });

  test('a database that is gone is told as not ready, without a word of its own', async () => {
    const lost = await openApplication(openDataCapture);
    const token = await lost.login('admin');
    // Nobody listens there; and the connections that were open break.
    lost.installation.database.pool.options.port = 1;
    await lost.database.pool.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    expect((await lost.root({ url: '/healthz' })).status).toBe(200);
    const group = `/open-data-capture/api/groups/${clinic}`;
    for (const asked of [
      { url: '/readyz' },
      { url: '/open-data-capture/api/groups', token },
      { url: group, token },
      { url: group, token, method: 'DELETE' as const },
    ]) {
      const answer = await lost.root(asked);
      expect([answer.status, answer.body.code], answer.text).toEqual([503, 'unavailable']);
      expect(Object.keys(answer.body).sort()).toEqual(['code', 'requestId', 'status', 'title', 'type']);
    }
    await lost.close();
  });

  test('/ lists the applications, as a page or as JSON', async () => {
    const json = await app.root({ url: '/' });
    expect(json.body.applications).toEqual([
      {
        name: 'open-data-capture',
        title: 'Open Data Capture',
        api: '/open-data-capture/api',
        openapi: '/open-data-capture/openapi.json',
        documentation: '/open-data-capture/docs',
      },
    ]);
    const html = await app.root({ url: '/', headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } });
    expect(html.headers['content-type']).toMatch(/^text\/html/);
    expect(html.text).toContain('<a href="/open-data-capture/docs/">Open Data Capture</a>');
    expect(html.headers.vary).toMatch(/accept/i);
  });

  test('the documentation is a page', async () => {
    const answer = await app.root({ url: '/open-data-capture/docs/' });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, expect.stringMatching(/^text\/html/)]);
  });

  test.each(['PUT', 'DELETE', 'PATCH'] as const)('%s on a collection is not offered', async (method) => {
    const answer = await app.request({ as: 'admin', method, url: '/api/groups', body: {} });
    expect([answer.status, answer.body.code]).toEqual([405, 'method_not_allowed']);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  });

  test('answers are not kept by anyone', async () => {
    expect((await app.request({ as: 'admin', url: '/api/groups' })).headers['cache-control']).toBe('no-store');
    const { headers } = await app.request({
      method: 'POST',
      url: '/auth/login',
      body: { username: 'admin', password: 'ostiary-demo' },
    });
    expect(headers['cache-control']).toBe('no-store');
    for (const url of ['/', '/readyz', '/open-data-capture/openapi.json', '/open-data-capture/nothing', '/metrics']) {
      expect((await app.root({ url })).headers['cache-control'], url).toBe('no-store');
    }
    const refused = await app.request({ as: 'norole', url: '/api/groups' });
    expect([refused.status, refused.headers['cache-control']]).toEqual([403, 'no-store']);
  });
});

test('no secret and no research data is in a log or in the audit trail', async () => {
  const [password, secret] = ['violet-harbour-castle-91', 'a-secret-that-nobody-must-see-7361'];
  const made = await app.request({
    as: 'admin',
    method: 'POST',
    url: '/api/users',
    body: { username: 'confidant', firstName: 'C', lastName: 'C', password, basePermissionLevel: 'ADMIN' },
  });
  expect(made.status, made.text).toBe(201);
  const token = await app.login('confidant', password);
  const { rows } = await app.database.pool.query('select * from open_data_capture.instrument_record limit 1');
  const { id, subject_id: subjectId, instrument_id: instrumentId } = rows[0];
  const record = { date: '2026-03-01T10:00:00Z', subjectId, instrumentId, groupId: clinic, data: { said: secret } };
  expect((await app.request({ token, method: 'POST', url: '/api/instrument-records', body: record })).status).toBe(201);
  expect(
    (await app.request({ token, method: 'PATCH', url: `/api/instrument-records/${id}`, body: { data: secret } }))
      .status,
  ).toBe(200);
  expect((await app.request({ token, url: '/api/instrument-records' })).text).toContain(secret);
  await app.request({ method: 'POST', url: '/auth/login', body: { username: 'confidant', password: `${secret}!` } });
  await app.request({ token, method: 'POST', url: '/api/instrument-records', body: { ...record, colour: secret } });
  await app.request({ token: `${token}x`, url: '/api/groups' });
  const { rows: trail } = await app.database.pool.query('select t::text as line from ostiary.audit t');
  for (const line of [...trail.map((row: JsonBody) => String(row.line)), ...logged]) {
    for (const hidden of [password, secret, token, token.split('.')[2] ?? '', 'overallHappiness', '$argon2id']) {
      expect(line.includes(hidden), `${hidden} is in: ${line}`).toBe(false);
    }
  }
  expect(logged.length).toBeGreaterThan(0);
});
