import { createServiceKey } from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestAnswer, type TestApplication } from './support/application.js';
import { records } from './support/records.js';

/** The published text of OpenID AuthZEN Authorization API 1.0, and the certification scenario for it, line by line. */
let app: TestApplication;
let trusted: string;
let plain: string;

beforeAll(async () => {
  app = await openApplication(records, { alone: 'records', publicUrl: 'https://pdp.example.com' });
  const key = async (name: string, isTrusted: boolean) =>
    (await createServiceKey(app.installation, 'records', { name, trusted: isTrusted, expiresAt: null })).key;
  trusted = await key('trusted', true);
  plain = await key('plain', false);
});
afterAll(() => app?.close());

const post = (at: string, body: unknown, token = trusted, headers: Record<string, string> = {}): Promise<TestAnswer> =>
  app.request({ method: 'POST', url: `/access/v1/${at}`, token, body, headers });

const user = (id?: string, properties?: object) => ({
  type: 'user',
  ...(id ? { id } : {}),
  ...(properties ? { properties } : {}),
});
const record = (id?: string, properties?: object) => ({ ...user(id, properties), type: 'record' });
const alice = user('alice');
const bob = user('bob');
const admin = user('bob', { role: 'admin' });
const one = record('record-1');
const archived = record('record-2', { status: 'archived' });
const action = (name: string, properties?: object) => ({ name, ...(properties ? { properties } : {}) });
const [read, write] = [action('read'), action('write')];
const ask = (subject: object, does: object, resource: object, more: object = {}) => ({
  subject,
  action: does,
  resource,
  ...more,
});

describe('evaluation', () => {
  const EVALUATIONS: readonly (readonly [string, object, boolean])[] = [
    ['rule 1', ask(alice, read, one), true],
    ['rule 2', ask(alice, write, one), true],
    ['rule 3', ask(bob, read, one), true],
    ['rule 4', ask(bob, write, one), false],
    ['rule 5', ask(alice, write, archived), false],
    ['rule 6', ask(admin, write, archived), true],
    ['rule 7', ask(alice, action('delete', { soft: true }), one), true],
    ['rule 8', ask(alice, action('delete', { soft: false }), one), false],
    ['with a context', ask(alice, read, one, { context: { time: '2025-06-27T18:03-07:00', ip: '192.168.1.1' } }), true],
    ['with reasons that are neither wanted nor not', ask(alice, read, one, { context: { reasons: 'yes' } }), true],
    [
      'with properties that no field has',
      ask(
        user('alice', { department: 'Sales' }),
        action('read', { method: 'GET' }),
        record('record-1', { owner: 'bob' }),
      ),
      true,
    ],
    ['with members that are not known', ask(alice, read, one, { foo: 'bar', futureField: { nested: true } }), true],
    ['of a subject that is only described', ask(user('zoe', { role: 'writer' }), write, one), true],
    ['of a resource that is only described', ask(alice, write, record('new', { status: 'active' })), true],
    [
      'of a resource that is described as another',
      ask(alice, write, record('record-1', { status: 'archived' })),
      false,
    ],
    ['of a disabled account, whatever is told of it', ask(user('carol', { disabled: false }), read, one), false],
    ['of nobody', ask(user('nobody'), read, one), false],
    ['of nothing', ask(alice, read, record('nothing')), false],
    ['of an empty id', ask(alice, read, { type: 'record', id: '' }), false],
  ];

  test.each(EVALUATIONS)('%s', async (_, body, decision) => {
    const answer = await post('evaluation', body);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(answer.body, 'the decision, and nothing that was not asked for').toEqual({ decision });
    expect((await post('evaluations', body)).body, 'without evaluations it is the same').toEqual({ decision });
    expect((await post('evaluations', { ...body, evaluations: [] })).body).toEqual({ decision });
  });

  test.each([
    ['rule 6 without the property', ask(bob, write, archived), true],
    ['a property that would allow', ask(user('bob', { role: 'writer' }), write, one), false],
    ['a subject that is only described', ask(user('zoe', { role: 'writer' }), write, one), false],
    ['how an action is done', ask(alice, action('delete', { soft: true }), one), false],
    ['a value that is none', ask(user('alice', { role: 7 }), read, record('record-1', { status: [] })), true],
  ])('who is not trusted is not believed: %s', async (_, body, decision) => {
    expect((await post('evaluation', body, plain)).body).toEqual({ decision });
  });

  const MISSHAPEN: readonly (readonly [string, unknown])[] = [
    ['no subject', { action: read, resource: one }],
    ['no action', { subject: alice, resource: one }],
    ['no resource', { subject: alice, action: read }],
    ['a subject without a type', ask({ id: 'alice' }, read, one)],
    ['a subject without an id', ask({ type: 'user' }, read, one)],
    ['an action without a name', ask(alice, {}, one)],
    ['a resource without a type', ask(alice, read, { id: 'record-1' })],
    ['a resource without an id', ask(alice, read, { type: 'record' })],
    ['a subject that is text', ask('alice' as never, read, one)],
    ['an action whose name is a number', ask(alice, { name: 123 }, one)],
    ['properties that are no object', ask({ ...alice, properties: [] }, read, one)],
    ['a context that is no object', ask(alice, read, one, { context: 'now' })],
    ['JSON that is none', '{"subject":'],
    ['nothing', ''],
    ['a list', []],
    ['what is no value of a field', ask(user('alice', { role: 7 }), read, one)],
    [
      'what no column can hold',
      '{"subject":{"type":"user","id":"alice","properties":{"role":"\\u0000"}},"action":{"name":"read"},"resource":{"type":"record","id":"record-1"}}',
    ],
  ];

  test.each(MISSHAPEN)('%s is a bad request', async (_, body) => {
    for (const at of ['evaluation', 'evaluations']) {
      const answer = await post(at, body);
      expect([answer.status, answer.body.code], answer.text).toEqual([400, 'malformed_request']);
      expect(answer.body.title).toEqual(expect.any(String));
    }
  });

  test('another media type is a bad request', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded']) {
      const answer = await post('evaluation', JSON.stringify(ask(alice, read, one)), trusted, { 'content-type': type });
      expect([type, answer.status]).toEqual([type, 400]);
    }
  });

  test.each([
    [
      'a kind',
      ask({ type: 'spaceship', id: 'x' }, read, one),
      /^There is no kind of principal 'spaceship'; there are user\.$/,
    ],
    [
      'a type',
      ask(alice, read, { type: 'spaceship', id: 'x' }),
      /^There is no resource type 'spaceship'; there are User, Record, Decision, Note\.$/,
    ],
    ['an action', ask(alice, action('fly'), one), /^There is no action 'fly'; there are .*write/],
  ])('%s that is not known is denied, in words', async (_, body, message) => {
    const answer = await post('evaluation', body);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      decision: false,
      context: { error: { status: 404, message: expect.stringMatching(message) } },
    });
  });

  test('reasons are told when they are asked for', async () => {
    const context = { reasons: true };
    expect((await post('evaluation', ask(alice, write, one, { context }))).body).toEqual({
      decision: true,
      context: { rules: ['Record/writers-write'], missing: [] },
    });
    const { body } = await post('evaluation', ask(bob, write, one, { context }));
    expect(body).toEqual({
      decision: false,
      context: {
        rules: [],
        missing: ["their role is 'writer'"],
        reason_admin: { '403': 'Not allowed by any rule.' },
        reason_user: { '403': "Not allowed. What is missing: your role is 'writer'." },
      },
    });
  });
});

describe('request ids', () => {
  test.each(['bfe9eb29-ab87-4ca3-be83-a1d5d8305716', 'x', 'of my own, 7', 'a\tb', 'é\x80\xff', '~'.repeat(4_000)])(
    '%# is echoed as it came',
    async (id) => {
      const headers = { 'x-request-id': id };
      expect((await post('evaluation', ask(alice, read, one), trusted, headers)).headers['x-request-id']).toBe(id);
      const refused = await post('evaluation', {}, 'garbage', headers);
      expect([refused.status, refused.headers['x-request-id']]).toEqual([401, id]);
      expect(refused.body.requestId).toBe(refused.headers['ostiary-request']);
    },
  );

  test.each(['', '~'.repeat(4_001)])('%# is not: the answer has an id of ours', async (id) => {
    const answer = await post('evaluation', ask(alice, read, one), trusted, { 'x-request-id': id });
    expect(answer.status).toBe(200);
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('evaluations', () => {
  const decisions = async (body: object): Promise<readonly boolean[]> => {
    const answer = await post('evaluations', body);
    expect(answer.status, answer.text).toBe(200);
    expect(Object.keys(answer.body)).toEqual(['evaluations']);
    return answer.body.evaluations.map((item: JsonBody) => item.decision);
  };
  const two = record('record-2');

  test.each<readonly [string, object, readonly boolean[]]>([
    [
      'a shared subject and action',
      { subject: alice, action: read, evaluations: [{ resource: one }, { resource: two }] },
      [true, true],
    ],
    [
      'in their order',
      { subject: bob, resource: one, evaluations: [{ action: read }, { action: write }] },
      [true, false],
    ],
    ['nothing shared', { evaluations: [ask(alice, read, one), ask(bob, write, one)] }, [true, false]],
    [
      'properties of each resource',
      {
        subject: alice,
        action: write,
        evaluations: [{ resource: record('record-1', { status: 'active' }) }, { resource: archived }],
      },
      [true, false],
    ],
    [
      'properties of each subject',
      { action: write, resource: archived, evaluations: [{ subject: alice }, { subject: admin }] },
      [false, true],
    ],
    [
      'a shared context',
      {
        subject: alice,
        action: read,
        context: { time: 'now' },
        evaluations: [{ resource: one }, { resource: two, context: {} }],
      },
      [true, true],
    ],
    [
      'a resource whose type is shared',
      {
        subject: alice,
        action: write,
        resource: { type: 'record' },
        evaluations: [{ resource: { id: 'record-1', properties: { status: 'active' } } }, { resource: archived }],
      },
      [true, false],
    ],
    [
      'an item takes the place of the whole default: its properties are not mixed in',
      { subject: alice, action: write, resource: archived, evaluations: [{ resource: one }, {}] },
      [true, false],
    ],
    [
      'an id is not taken over to another type',
      { subject: alice, action: read, resource: one, evaluations: [{ resource: { type: 'user' } }, {}] },
      [false, true],
    ],
    [
      'one that is no object',
      { subject: alice, action: read, resource: one, evaluations: [7, null, [], {}] },
      [false, false, false, true],
    ],
    [
      'null is not left out',
      {
        subject: alice,
        action: read,
        resource: one,
        evaluations: [
          { resource: { ...one, id: null } },
          { resource: { ...one, type: null } },
          { subject: { ...alice, id: null } },
          { action: { name: null } },
          { subject: null },
          {},
        ],
      },
      [false, false, false, false, false, true],
    ],
    [
      'one that leaves out what is not shared',
      { subject: alice, action: read, evaluations: [{ resource: one }, {}] },
      [true, false],
    ],
  ])('%s', async (_, body, expected) => {
    expect(await decisions(body)).toEqual(expected);
  });

  test('a bad one says what is wrong, in its place', async () => {
    const { body } = await post('evaluations', {
      subject: alice,
      action: read,
      evaluations: [
        {},
        { resource: { type: 'record' } },
        { resource: record('record-1', { status: 7 }) },
        { resource: one },
      ],
    });
    const error = (message: string) => ({ decision: false, context: { error: { status: 400, message } } });
    expect(body.evaluations).toEqual([
      error('/resource is missing, with type'),
      error('/resource/id is missing'),
      error('/resource/properties/status is no value of that field'),
      { decision: true },
    ]);
  });

  const mixed = {
    subject: alice,
    action: write,
    evaluations: [one, two, record('nothing'), one].map((resource) => ({ resource })),
  };
  test.each([
    ['execute_all', mixed, [true, false, false, true]],
    ['deny_on_first_deny', mixed, [true, false]],
    ['permit_on_first_permit', mixed, [true]],
    [
      'permit_on_first_permit',
      { ...mixed, evaluations: [{ resource: two }, {}, ...mixed.evaluations] },
      [false, false, true],
    ],
    ['deny_on_first_deny', { ...mixed, evaluations: [{ resource: one }, {}, { resource: one }] }, [true, false]],
  ])('%s', async (evaluations_semantic, body, expected) => {
    expect(await decisions({ ...body, options: { evaluations_semantic, another: 'option' } })).toEqual(expected);
  });

  test.each([
    ['a semantic that is not known', { ...mixed, options: { evaluations_semantic: 'execute_some' } }],
    ['options that are none', { ...mixed, options: 'all' }],
    ['evaluations that are no list', { ...mixed, evaluations: {} }],
    ['a default that is none', { ...mixed, subject: 'alice' }],
    ['more than a thousand', { ...mixed, evaluations: Array.from({ length: 1001 }, () => ({})) }],
  ])('%s is a bad request', async (_, body) => {
    expect((await post('evaluations', body)).status).toBe(400);
  });

  test('a thousand questions are a few queries', async () => {
    const evaluations = Array.from({ length: 1000 }, (_, index) => ({
      resource: index % 2 ? one : record(`none-${index}`),
    }));
    const before = queries();
    expect((await decisions({ subject: alice, action: read, evaluations })).filter(Boolean)).toHaveLength(500);
    expect(queries() - before, 'look up what a batch names together').toBeLessThan(60);
  });

  let count = 0;
  const queries = () => count;
  beforeAll(() => {
    const { pool } = app.installation.database;
    pool.on('acquire', () => {
      count += 1;
    });
  });
});

describe('search', () => {
  const ids = (answer: TestAnswer) => answer.body.results.map(({ id, name }: JsonBody) => id ?? name);

  test.each<readonly [string, string, object, readonly string[]]>([
    ['who may', 'subject', ask(user(), read, one), ['alice', 'bob']],
    ['who may, with a context', 'subject', ask(user(), read, one, { context: { ip: '::1' } }), ['alice', 'bob']],
    ['the id of a subject is ignored', 'subject', ask(user('bob'), write, one), ['alice']],
    ['who may, on a resource as it is described', 'subject', ask(user(), write, archived), ['bob']],
    [
      'who may, on one that is only described',
      'subject',
      ask(user(), write, record('new', { status: 'active' })),
      ['alice'],
    ],
    ['who may, on nothing', 'subject', ask(user(), read, record('nothing')), []],
    [
      'who may create, in their own name',
      'subject',
      ask(user(), action('create'), { type: 'note', properties: { text: 'x', authorId: 'bob' } }),
      ['alice'],
    ],
    ['who may ask about others', 'subject', ask(user(), read, { type: 'decision', id: 'alice' }), ['bob']],
    ['on what', 'resource', ask(alice, read, record()), ['record-1', 'record-2']],
    ['the id of a resource is ignored', 'resource', ask(alice, write, record('record-2')), ['record-1']],
    ['on what, for a subject as it is described', 'resource', ask(admin, write, record()), ['record-2']],
    [
      'on what, for one that is only described',
      'resource',
      ask(user('zoe', { role: 'writer' }), write, record()),
      ['record-1'],
    ],
    [
      'on what, if it were so',
      'resource',
      ask(alice, write, record('', { status: 'active' })),
      ['record-1', 'record-2'],
    ],
    [
      'on what, if it is done so',
      'resource',
      ask(alice, action('delete', { soft: true }), record()),
      ['record-1', 'record-2'],
    ],
    ['on what, if it is done otherwise', 'resource', ask(alice, action('delete'), record()), []],
    ['on what, for nobody', 'resource', ask(user('nobody'), read, record()), []],
    ['on what, for a disabled account', 'resource', ask(user('carol'), read, record()), []],
    ['nothing is there to be created', 'resource', ask(alice, action('create'), record()), []],
    ['what', 'action', { subject: alice, resource: one }, ['list', 'read', 'write']],
    [
      'what, on a resource as it is described',
      'action',
      { subject: admin, resource: archived },
      ['list', 'read', 'write'],
    ],
    [
      'what, on one that is described softly',
      'action',
      { subject: alice, resource: record('record-1', { soft: true }) },
      ['list', 'read', 'delete', 'write'],
    ],
    ['what, for nobody', 'action', { subject: user('nonexistent-user'), resource: one }, []],
    ['what, on nothing', 'action', { subject: alice, resource: record('nothing') }, []],
  ])('%s', async (_, kind, body, expected) => {
    const answer = await post(`search/${kind}`, body);
    expect(answer.status, answer.text).toBe(200);
    expect(Object.keys(answer.body)[0], 'so that a reader knows how many will come').toBe('page');
    expect(answer.body.page).toEqual({ next_token: '', count: expected.length });
    expect(ids(answer)).toEqual(expected);
    for (const result of answer.body.results) {
      if (kind === 'action') expect(Object.keys(result)).toEqual(['name']);
      else expect(result.type, 'the type as it was asked for').toBe(kind === 'subject' ? 'user' : 'record');
    }
  });

  test.each([
    ['subject', ask({ type: 'spaceship' }, read, one)],
    ['subject', ask(user(), action('fly'), one)],
    ['resource', ask(alice, read, { type: 'spaceship' })],
    ['resource', ask({ type: 'spaceship', id: 'x' }, read, record())],
    ['action', { subject: alice, resource: { type: 'spaceship', id: 'x' } }],
  ])('%s: nothing is found of what is not known %#', async (kind, body) => {
    const answer = await post(`search/${kind}`, body);
    expect([answer.status, answer.body.results]).toEqual([200, []]);
    expect(answer.body.context.error.status).toBe(404);
  });

  test.each([
    ['subject', { subject: user(), resource: one }],
    ['subject', { action: read, resource: one }],
    ['subject', ask(user(), read, record())],
    ['subject', ask({}, read, one)],
    ['resource', { action: read, resource: record() }],
    ['resource', ask(user(), read, record())],
    ['resource', ask(alice, read, {})],
    ['action', { subject: alice }],
    ['action', { subject: alice, resource: record() }],
    ['action', { subject: user(), resource: one }],
    ['subject', ask(user(), read, one, { page: [] })],
    ['subject', ask(user(), read, one, { page: { limit: -1 } })],
    ['subject', ask(user(), read, one, { page: { limit: 1.5 } })],
    ['subject', ask(user(), read, one, { page: { limit: '1' } })],
    ['subject', ask(user(), read, one, { page: { token: 7 } })],
    ['subject', ask(user(), action('create'), record('x'))],
  ])('%s: misshapen %#', async (kind, body) => {
    const answer = await post(`search/${kind}`, body);
    expect([answer.status, answer.body.code], answer.text).toEqual([400, 'malformed_request']);
  });

  describe('pages', () => {
    const SEARCHES = {
      subject: ask(user(), read, one),
      resource: ask(alice, read, record()),
      action: { subject: alice, resource: one },
    };

    test.each(Object.entries(SEARCHES))('%s: all of them together are the whole', async (kind, body) => {
      const whole = ids(await post(`search/${kind}`, body));
      for (const repeated of [true, false]) {
        const found: string[] = [];
        let token: string | undefined;
        do {
          const page = token === undefined ? { limit: 1 } : { token, ...(repeated ? { limit: 1 } : {}) };
          const answer = await post(`search/${kind}`, { ...body, page });
          expect(answer.status, answer.text).toBe(200);
          expect(answer.body.page.count).toBe(answer.body.results.length);
          expect(answer.body.results.length).toBeLessThanOrEqual(1);
          found.push(...ids(answer));
          token = answer.body.page.next_token;
          expect(token === '', 'a token is empty at the end, and there alone').toBe(found.length === whole.length);
        } while (token !== '');
        expect(found).toEqual(whole);
      }
    });

    test('a token is good for its own request alone, and no other is', async () => {
      const body = SEARCHES.subject;
      const { next_token: token } = (await post('search/subject', { ...body, page: { limit: 1 } })).body.page;
      const forged = (change: (parts: unknown[]) => unknown) =>
        Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(token, 'base64url').toString())))).toString(
          'base64url',
        );
      const go = (changed: object, page: object) =>
        post('search/subject', { ...body, ...changed, page: { token, ...page } });
      for (const [says, answer] of [
        ['another action', await go({ action: write }, {})],
        ['another resource', await go({ resource: archived }, {})],
        ['another context', await go({ context: { a: 1 } }, {})],
        ['another limit', await go({}, { limit: 2 })],
        ['other properties', await go({}, { properties: { a: 1 } })],
        ['another search', await post('search/resource', { ...SEARCHES.resource, page: { token } })],
        ['garbage', await go({}, { token: 'garbage' })],
        ['a list', await go({}, { token: forged(() => []) })],
        ['another limit inside', await go({}, { token: forged(([, ...rest]) => [500, ...rest]) })],
        ['another place inside', await go({}, { token: forged(([limit, , check]) => [limit, null, check]) })],
        ['no id inside', await go({}, { token: forged(([limit, , check]) => [limit, 'x', check]) })],
      ] as const) {
        expect([says, answer.status, answer.body.code]).toEqual([says, 400, 'invalid_cursor']);
      }
      const reordered = {
        page: { token },
        resource: { id: 'record-1', type: 'record' },
        action: read,
        subject: user(),
      };
      expect((await post('search/subject', reordered)).status, 'the order of members means nothing').toBe(200);
    });

    test('properties of a page stay as they are, or are left out', async () => {
      const go = async (page: object) => post('search/subject', { ...SEARCHES.subject, page });
      const { next_token: token } = (await go({ limit: 1, properties: { a: 1 } })).body.page;
      for (const [properties, status] of [
        [{ a: 1 }, 200],
        [undefined, 200],
        [{ a: 2 }, 400],
        [{}, 400],
        [7, 400],
      ] as const) {
        expect([properties, (await go({ token, properties })).status]).toEqual([properties, status]);
      }
    });

    test('a limit of nothing gives nothing, and says that there is more', async () => {
      const { body } = await post('search/subject', { ...SEARCHES.subject, page: { limit: 0 } });
      expect(body).toEqual({ page: { next_token: expect.stringMatching(/./), count: 0 }, results: [] });
      const most = await post('search/subject', { ...SEARCHES.subject, page: { limit: 1_000_000 } });
      expect(most.body.page).toEqual({ next_token: '', count: 2 });
    });
  });
});

describe('metadata', () => {
  const at = (base: string) => ({
    policy_decision_point: base,
    access_evaluation_endpoint: `${base}/access/v1/evaluation`,
    access_evaluations_endpoint: `${base}/access/v1/evaluations`,
    search_subject_endpoint: `${base}/access/v1/search/subject`,
    search_resource_endpoint: `${base}/access/v1/search/resource`,
    search_action_endpoint: `${base}/access/v1/search/action`,
  });
  const url = '/.well-known/authzen-configuration';

  test('tells where to ask, at the public address', async () => {
    const answer = await app.root({ url });
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect(answer.body).toEqual(at('https://pdp.example.com'));
    expect(answer.headers['cache-control']).toBe('max-age=3600');
  });

  test('and where none is known, at that of the request, as far as proxies are trusted', async () => {
    const other = await openApplication(records);
    const behind = await openApplication(records, { trustedProxies: ['127.0.0.1'] });
    try {
      const headers = { host: 'inner:4000', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'Outer.example' };
      for (const path of [`${url}/records`, `/records${url}`]) {
        expect((await other.root({ url: path, headers })).body).toEqual(at('http://inner:4000/records'));
        expect((await behind.root({ url: path, headers })).body).toEqual(at('https://outer.example/records'));
        for (const protocol of ['ftp', 'javascript', 'data', '']) {
          const odd = await behind.root({ url: path, headers: { ...headers, 'x-forwarded-proto': protocol } });
          if (protocol === '') expect(odd.body).toEqual(at('http://outer.example/records'));
          else expect([protocol, odd.status, odd.body.code]).toEqual([protocol, 400, 'malformed_request']);
        }
        const strange = await other.root({ url: path, headers: { host: 'a/b' } });
        expect([strange.status, strange.body.code]).toEqual([400, 'malformed_request']);
      }
      expect((await other.root({ url })).status).toBe(404);
      expect((await other.root({ url: `${url}/nothing` })).status).toBe(404);
    } finally {
      await other.close();
      await behind.close();
    }
  });
});
