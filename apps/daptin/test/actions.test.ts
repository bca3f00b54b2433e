import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  openApplication,
  type TestAnswer,
  type TestApplication,
} from '../../../packages/server/test/support/application.js';
import { DEFAULT_PERMISSION, EVERYTHING } from '../src/bits.js';
import { application } from '../src/index.js';
import { codeIn, idIn, rowIn, sendRow, type Values } from './rows.js';

const PASSWORD = 'violet-harbour-castle';
const ADMIN = 'admin@example.org';
const BO = 'bo@example.org';

let app: TestApplication;

beforeAll(async () => {
  app = await openApplication(application);
});
afterAll(() => app?.close());
beforeEach(async () => {
  await app.audit();
});

/** Executes an action; nobody's where `as` is left out. */
const execute = (action: string, attributes: Values = {}, as?: string, on = app): Promise<TestAnswer> =>
  on.request({ as, method: 'POST', url: `/action/${action}`, body: { attributes } });

const create = (type: string, values: Values, as: string, on = app): Promise<TestAnswer> =>
  sendRow(on, { as, method: 'POST', url: `/api/${type}`, body: values });
const change = (type: string, id: string, values: Values, as: string, on = app): Promise<TestAnswer> =>
  sendRow(on, { as, method: 'PATCH', url: `/api/${type}/${id}`, body: values });

const told = ({ body }: TestAnswer, type: string) =>
  body.find(({ ResponseType }: { ResponseType: string }) => ResponseType === type)?.Attributes;
const codeOf = (answer: TestAnswer) => [answer.status, codeIn(answer)];
const worldOf = (entity: string, on = app) => on.idOf('world', 'table_name', entity);

let made = 0;
/** An action of the entity of groups, which the administrator writes; everybody executes it. */
async function newAction(values: Values, as = ADMIN): Promise<{ readonly answer: TestAnswer; readonly path: string }> {
  made += 1;
  const action_name = `action_${made}`;
  const world_id = await worldOf('usergroup');
  const answer = await create('action', { action_name, world_id, ...values }, as);
  if (answer.status === 201)
    await app.seed((system) => system.update('action', idIn(answer), { permission: EVERYTHING }));
  return { answer, path: `usergroup/${action_name}` };
}

const newcomer = (email: string): Values => ({ name: ' Dee ', email, password: PASSWORD, passwordConfirm: PASSWORD });

describe('a new installation', () => {
  let bare: TestApplication;
  const run = (action: string, attributes?: Values, as?: string) => execute(action, attributes, as, bare);
  const signIn = async (email: string) => {
    const answer = await run('user_account/signin', { email, password: PASSWORD });
    bare.adopt(email, told(answer, 'client.store.set').value);
    return answer;
  };
  const people = ['dee@example.org', 'eli@example.org'] as const;

  beforeAll(async () => {
    bare = await openApplication(application, { demo: false });
  });
  afterAll(() => bare?.close());

  test('lets nobody register, and says what would be needed', async () => {
    const answer = await run('user_account/signup', newcomer(people[0]));
    expect(codeOf(answer)).toEqual([403, 'not_allowed']);
    expect(answer.body.errors[0].meta.missing.join(' ')).toMatch(/GuestExecute/);
  });

  test('has one first administrator, of two who want to be at once', async () => {
    await bare.seed(async (system) => {
      await system.update('world', await worldOf('user_account', bare), { permission: DEFAULT_PERMISSION | 4 });
      await system.update('action', await bare.idOf('action', 'action_name', 'signup'), { permission: EVERYTHING });
    });
    for (const email of people) {
      expect((await run('user_account/signup', newcomer(email))).status).toBe(200);
      expect((await signIn(email)).status).toBe(200);
    }
    expect(codeOf(await run('world/become_an_administrator'))).toEqual([401, 'not_authenticated']);
    const answers = await Promise.all(people.map((email) => run('world/become_an_administrator', {}, email)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    for (const email of people) {
      expect(codeOf(await run('world/become_an_administrator', {}, email))).toEqual([409, 'conflict']);
    }
    const { rows } = await bare.database.pool.query(
      `select 1 from daptin.user_account_usergroup m join daptin.usergroup g on g.id = m.usergroup_id
       where g.name = 'administrators'`,
    );
    expect(rows).toHaveLength(1);
  });

  test('has actions that its administrator writes, users execute, and guests do not', async () => {
    const administrators = await Promise.all(
      people.map(async (as) => [as, (await bare.request({ as, url: '/api/oauth_connect' })).status] as const),
    );
    const [admin = ''] = administrators.find(([, status]) => status === 200) ?? [];
    const [user = ''] = people.filter((each) => each !== admin);
    const written = await create(
      'action',
      {
        action_name: 'found',
        world_id: await worldOf('usergroup', bare),
        in_fields: [{ name: 'name', kind: 'text', required: true, conformations: ['trim'] }],
        out_fields: [
          { type: 'usergroup', method: 'POST', reference: 'group', attributes: { name: '~name' } },
          { type: 'client.notify', attributes: { message: '$group.name', title: '~~ new ~~' } },
        ],
      },
      admin,
      bare,
    );
    expect(written.status, written.text).toBe(201);
    const usergroup_id = await bare.idOf('usergroup', 'name', 'users');
    expect((await create('action_usergroup', { action_id: idIn(written), usergroup_id }, admin, bare)).status).toBe(
      201,
    );
    const done = await run('usergroup/found', { name: ' Rowers ' }, user);
    expect(done.status, done.text).toBe(200);
    expect(told(done, 'usergroup').name).toBe('Rowers');
    expect(told(done, 'client.notify')).toEqual({ message: 'Rowers', title: '~ new ~~' });
    expect(codeOf(await run('usergroup/found', { name: 'Guests' }))).toEqual([403, 'not_allowed']);
  });
});

describe('an account', () => {
  test('is made by signing up, and signs in', async () => {
    const up = await execute('user_account/signup', newcomer(' Dee@Example.org '));
    expect(up.status, up.text).toBe(200);
    expect(told(up, 'client.redirect')).toEqual({ location: '/auth/signin', delay: 2000 });
    expect(told(up, 'client.store.set'), 'signing up gives no token').toBeUndefined();
    const answer = await execute('user_account/signin', { email: 'dee@example.org', password: PASSWORD });
    const { key, value: token } = told(answer, 'client.store.set');
    expect(key).toBe('token');
    expect(answer.headers['set-cookie']).toBe(`token=${token}; Path=/daptin; HttpOnly; SameSite=Strict`);
    expect(told(answer, 'client.redirect').location).toBe('/');
    const id = await app.idOf('user_account', 'email', 'dee@example.org');
    expect((await app.request({ token, url: '/auth/me' })).body).toMatchObject({ kind: 'user', id });
    expect(rowIn(await app.request({ token, url: `/api/user_account/${id}` })).name).toBe('Dee');
  });

  test.each<[string, Values, number, string, readonly string[]]>([
    ['nothing', { name: null, email: null, password: null }, 422, 'invalid_input', ['name', 'email', 'password']],
    ['no address', { email: 'dee' }, 422, 'invalid_input', ['email']],
    ['a short password', { password: 'short', passwordConfirm: 'short' }, 422, 'invalid_input', ['password']],
    ['a password typed wrong', { passwordConfirm: 'other' }, 422, 'invalid_input', ['passwordConfirm']],
    ['a weak password', { password: 'password1', passwordConfirm: 'password1' }, 422, 'weak_password', []],
    ['another type', { name: ['Dee'] }, 422, 'invalid_input', ['name']],
    ['rights', { permission: EVERYTHING }, 422, 'invalid_input', ['permission']],
    ['what objects have', { constructor: 1 }, 422, 'invalid_input', ['constructor']],
    ['the address of another', { email: ADMIN }, 409, 'already_exists', []],
  ])('is not made from %s', async (_, wrong, status, code, at) => {
    const before = await app.fingerprint();
    const answer = await execute('user_account/signup', { ...newcomer('fay@example.org'), ...wrong });
    expect(codeOf(answer), answer.text).toEqual([status, code]);
    const pointers = answer.body.errors.map(({ source }: { source?: { pointer: string } }) => source?.pointer);
    for (const name of at) expect(pointers).toContain(`/attributes/${name}`);
    expect(await app.fingerprint(), 'a refused action wrote something').toBe(before);
  });

  test.each([
    ['a wrong password', { email: BO, password: 'wrong-guess' }, 401, 'invalid_credentials'],
    ['a name that nobody has', { email: 'nobody@example.org', password: 'wrong-guess' }, 401, 'invalid_credentials'],
    ['a password alone', { password: PASSWORD }, 422, 'invalid_input'],
  ])('does not sign in with %s', async (_, attributes, status, code) => {
    const answer = await execute('user_account/signin', attributes);
    expect(codeOf(answer), answer.text).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/vnd.api+json');
  });

  test('does not sign in where guests may not peek at accounts: from the next request on', async () => {
    const world = await worldOf('user_account');
    const before = Number(rowIn(await app.request({ as: ADMIN, url: `/api/world/${world}` })).permission);
    const signIn = () => execute('user_account/signin', { email: BO, password: 'ostiary-demo' });
    await change('world', world, { permission: before & ~3 }, ADMIN);
    expect(codeOf(await signIn())).toEqual([403, 'not_allowed']);
    await change('world', world, { permission: before }, ADMIN);
    expect((await signIn()).status).toBe(200);
  });

  test('is not made any more once an administrator closes the action', async () => {
    const action = await app.idOf('action', 'action_name', 'signup');
    const before = Number(rowIn(await app.request({ as: ADMIN, url: `/api/action/${action}` })).permission);
    expect((await change('action', action, { permission: before & ~32 }, ADMIN)).status).toBe(200);
    expect(codeOf(await execute('user_account/signup', newcomer('gus@example.org')))).toEqual([403, 'not_allowed']);
    await change('action', action, { permission: before, enabled: false }, ADMIN);
    expect(codeOf(await execute('user_account/signup', newcomer('gus@example.org')))).toEqual([403, 'not_allowed']);
    await change('action', action, { enabled: true }, ADMIN);
    expect((await execute('user_account/signup', newcomer('gus@example.org'))).status).toBe(200);
  });
});

test.each([
  ['a guest', undefined, 'usergroup/nothing', 403],
  ['a guest', undefined, 'nothing/nothing', 403],
  ['a user', BO, 'usergroup/nothing', 403],
  ['a user', BO, 'world/resync', 403],
  ['an administrator', ADMIN, 'usergroup/nothing', 404],
  ['an administrator', ADMIN, 'nothing/nothing', 404],
  ['anybody', BO, 'usergroup/NO%00THING', 422],
])('for %s (%s) the action %s is answered with %i', async (_, as, action, status) => {
  expect((await execute(action, {}, as)).status).toBe(status);
});

test('what an action answers is JSON, and its refusals are those of JSON:API: so the documentation says', async () => {
  const answer = await app.request({ url: '/action/user_account/signin' });
  expect([answer.status, codeIn(answer), answer.headers.allow]).toEqual([405, 'method_not_allowed', 'POST']);
  const { paths } = (await app.request({ url: '/openapi.json' })).body;
  const { responses } = paths['/action/{entity}/{name}'].post;
  const told = Object.entries(responses as Record<string, { content: object }>);
  expect(told.map(([status, { content }]) => [status.toLowerCase(), ...Object.keys(content)])).toEqual([
    ['200', 'application/json'],
    ['4xx', 'application/vnd.api+json'],
    ['5xx', 'application/vnd.api+json'],
  ]);
});

describe('a definition is refused when it is written', () => {
  const POST = { type: 'usergroup', method: 'POST', reference: 'group', attributes: { name: 'A' } };
  const account = { type: 'user_account', method: 'GET_BY_ID', reference: 'who', attributes: { id: '~id' } };
  const id = { name: 'id', kind: 'text' };
  test.each<[string, readonly Values[], readonly Values[], string]>([
    ['with nothing to do', [], [], '/out_fields'],
    ['with an unknown member', [], [{ ...POST, run: 'rm' }], '/out_fields/0/run'],
    ['with a kind that is none', [{ name: 'a', kind: 'code' }], [POST], '/in_fields/0/kind'],
    ['with an input twice', [id, id], [POST], '/in_fields/1/name'],
    ['with an input that is the row', [{ name: 'usergroup_id', kind: 'text' }], [POST], '/in_fields/0/name'],
    [
      'with a comparison with nothing',
      [{ ...id, validations: { equals: 'x' } }],
      [POST],
      '/in_fields/0/validations/equals',
    ],
    ['about no entity', [], [{ ...POST, type: 'group' }], '/out_fields/0/type'],
    ['about what has no rows', [], [{ ...POST, type: 'Decision', attributes: {} }], '/out_fields/0/type'],
    ['of an unknown kind', [], [{ type: 'http.request' }], '/out_fields/0/type'],
    ['with no such field', [], [{ ...POST, attributes: { nam: 'A' } }], '/out_fields/0/attributes/nam'],
    [
      'with an owner',
      [],
      [{ ...POST, attributes: { user_account_id: '~id' } }],
      '/out_fields/0/attributes/user_account_id',
    ],
    ['without an id', [], [{ type: 'usergroup', method: 'DELETE' }], '/out_fields/0/attributes/id'],
    ['with an id of its own', [], [{ ...POST, attributes: { id: 'x' } }], '/out_fields/0/attributes/id'],
    ['with an input that is none', [], [{ ...POST, attributes: { name: '~nam' } }], '/out_fields/0/attributes/name'],
    ['with half a name', [], [{ ...POST, attributes: { name: '$5' } }], '/out_fields/0/attributes/name'],
    ['with a later outcome', [], [{ ...POST, attributes: { name: '$group.name' } }], '/out_fields/0/attributes/name'],
    ['with a reference twice', [], [POST, POST], '/out_fields/1/reference'],
    [
      'with a reference to nothing',
      [],
      [{ type: 'client.notify', reference: 'x', attributes: { message: 'a' } }],
      '/out_fields/0/reference',
    ],
    [
      'with a secret',
      [id],
      [account, { type: 'client.notify', attributes: { message: '$who.password' } }],
      '/out_fields/1/attributes/message',
    ],
    [
      'with a secret in a secret place',
      [id],
      [account, { type: 'client.store.set', attributes: { key: 'a', value: { deep: ['$who.password'] } } }],
      '/out_fields/1/attributes/value/deep/0',
    ],
    [
      "with somebody else's token",
      [id],
      [account, { type: 'token', attributes: { user_account_id: '$who.id' } }],
      '/out_fields/1/attributes/user_account_id',
    ],
    [
      "with anybody's token",
      [id],
      [{ type: 'token', attributes: { user_account_id: '~id' } }],
      '/out_fields/0/attributes/user_account_id',
    ],
    ['with half a token', [id], [{ type: 'token', attributes: { email: '~id' } }], '/out_fields/0/attributes'],
    [
      'with a token that is stored',
      [],
      [
        { type: 'token', reference: 't' },
        { type: 'usergroup', method: 'POST', attributes: { name: '$t.token' } },
      ],
      '/out_fields/1/attributes/name',
    ],
    [
      'with what leads elsewhere',
      [id],
      [{ type: 'client.redirect', attributes: { location: '~id' } }],
      '/out_fields/0/attributes/location',
    ],
    [
      'with what leads away',
      [],
      [{ type: 'client.redirect', attributes: { location: '//evil' } }],
      '/out_fields/0/attributes/location',
    ],
    [
      'with what leads to one of several',
      [id],
      [{ type: 'client.redirect', attributes: { location: ['/a', '~id'] } }],
      '/out_fields/0/attributes/location',
    ],
    [
      'with a cookie of the installation',
      [],
      [{ type: 'client.cookie.set', attributes: { key: '__Host-ostiary', value: '' } }],
      '/out_fields/0/attributes/key',
    ],
    [
      'with a cookie of any length',
      [id],
      [{ type: 'client.cookie.set', attributes: { key: 'a', value: '~id' } }],
      '/out_fields/0/attributes/value',
    ],
    ["in the installation's name", [], [{ ...POST, as: 'action' }], '/out_fields/0/as'],
  ])('%s', async (_, in_fields, out_fields, pointer) => {
    const before = await app.fingerprint();
    const { answer } = await newAction({ in_fields, out_fields });
    expect(codeOf(answer), answer.text).toEqual([422, 'invalid_input']);
    expect(answer.body.errors[0].source).toEqual({ pointer: `/data/attributes${pointer}` });
    expect(await app.fingerprint(), 'a refused action was written').toBe(before);
  });

  test('and when it is changed', async () => {
    const { answer } = await newAction({ out_fields: [POST] });
    const wrong = await change('action', idIn(answer), { out_fields: [{ type: 'nothing' }] }, ADMIN);
    expect(codeOf(wrong)).toEqual([422, 'invalid_input']);
  });
});

describe('who writes an action', () => {
  const reads = (id: string): Values => ({
    out_fields: [{ type: 'user_account', method: 'GET_BY_ID', attributes: { id } }],
  });
  const PATH = '~path';

  beforeAll(async () => {
    // Everybody writes actions here: not what an installation begins with.
    await app.seed(async (system) => {
      for (const entity of ['action', 'usergroup', 'world']) {
        await system.update('world', await worldOf(entity), { permission: EVERYTHING });
      }
    });
  });

  test.each<[string, Values, number, string]>([
    ['elevates it', { elevated: true, out_fields: [{ type: 'token' }] }, 403, 'field_not_allowed'],
    [
      "acts in the installation's name",
      { out_fields: [{ type: 'usergroup', method: 'POST', attributes: { name: 'x' }, as: 'action' }] },
      422,
      'invalid_input',
    ],
    [
      "takes the token of somebody in the installation's name",
      { out_fields: [{ type: 'token', attributes: { user_account_id: 'x' }, as: 'action' }] },
      422,
      'invalid_input',
    ],
  ])('and is a user never %s', async (_, values, status, code) => {
    const { answer } = await newAction(values, BO);
    expect(codeOf(answer), answer.text).toEqual([status, code]);
  });

  test('and is a user never elevates what is theirs, nor changes what is elevated', async () => {
    const { answer } = await newAction({ out_fields: [{ type: 'token' }] }, BO);
    expect(answer.status, answer.text).toBe(201);
    expect((await change('action', idIn(answer), { label: 'mine' }, BO)).status).toBe(200);
    expect((await change('action', idIn(answer), { elevated: true }, BO)).status).toBe(403);
    expect((await change('action', idIn(answer), { elevated: true }, ADMIN)).status).toBe(200);
    expect((await change('action', idIn(answer), { label: 'mine' }, BO)).status).toBe(403);
    const out_fields = [{ type: 'token', attributes: { user_account_id: PATH }, as: 'action' }];
    expect((await change('action', idIn(answer), { out_fields }, BO)).status).toBe(403);
  });

  test('lends nobody their rights: outcomes are those of who executes it', async () => {
    const usergroup_id = await app.idOf('usergroup', 'name', 'administrators');
    const user_account_id = await app.idOf('user_account', 'email', BO);
    const { path } = await newAction({
      out_fields: [
        { type: 'usergroup', method: 'POST', attributes: { name: 'Step one' } },
        { type: 'user_account_usergroup', method: 'POST', attributes: { user_account_id, usergroup_id } },
      ],
    });
    const before = await app.fingerprint();
    expect(codeOf(await execute(path, {}, BO))).toEqual([403, 'not_allowed']);
    expect(await app.fingerprint(), 'the first step was not taken back').toBe(before);
    expect((await app.audit()).filter(({ event }) => event === 'access.refused')).toHaveLength(1);
    const admin = await app.idOf('user_account', 'email', ADMIN);
    const other = await newAction(reads(admin), BO);
    expect(other.answer.status, other.answer.text).toBe(201);
    expect(codeOf(await execute(other.path, {}, BO))).toEqual([403, 'not_allowed']);
  });
});

describe('an action', () => {
  test('does what an administrator lets it do in the name of the installation', async () => {
    const { path, answer } = await newAction({
      elevated: true,
      in_fields: [
        { name: 'email', kind: 'text', required: true },
        { name: 'password', kind: 'text', required: true },
      ],
      out_fields: [
        {
          type: 'user_account',
          method: 'POST',
          reference: 'user',
          as: 'action',
          attributes: { name: 'Invited', email: '~email', password: '~password' },
        },
        { type: 'oauth_connect', method: 'POST', attributes: { name: 'x', client_id: '$user.id' }, as: 'action' },
        { type: 'token', reference: 'session', attributes: { user_account_id: '$user.id' }, as: 'action' },
        { type: 'client.store.set', attributes: { key: 'token', value: '$session.token' } },
      ],
    });
    expect(answer.status, answer.text).toBe(201);
    expect(codeOf(await execute(path, { email: 'hal@example.org', password: 'password1' }, BO))).toEqual([
      422,
      'weak_password',
    ]);
    expect(codeOf(await execute(path, { email: 'no address', password: PASSWORD }, BO))).toEqual([
      422,
      'invalid_input',
    ]);
    const done = await execute(path, { email: 'hal@example.org', password: PASSWORD }, BO);
    expect(done.status, done.text).toBe(200);
    expect(done.body.map(({ ResponseType }: { ResponseType: string }) => ResponseType)).toEqual(['client.store.set']);
    const hal = await app.idOf('user_account', 'email', 'hal@example.org');
    const { value: token } = told(done, 'client.store.set');
    expect((await app.request({ token, url: '/auth/me' })).body.id).toBe(hal);
    const connect = await app.database.pool.query(
      'select user_account_id from daptin.oauth_connect where client_id = $1',
      [hal],
    );
    expect(connect.rows[0]?.user_account_id, 'what is made for somebody is theirs').toBe(
      await app.idOf('user_account', 'email', BO),
    );
  });

  test('gives who executes it a token of their own, and a guest none', async () => {
    const { path } = await newAction({
      out_fields: [
        { type: 'token', reference: 'own' },
        { type: 'client.store.set', attributes: { key: 'token', value: '$own.token' } },
      ],
    });
    const { value: token } = told(await execute(path, {}, BO), 'client.store.set');
    expect((await app.request({ token, url: '/auth/me' })).body.id).toBe(await app.idOf('user_account', 'email', BO));
    const guest = await execute(path);
    expect([401, 403]).toContain(guest.status);
  });

  test('is about a row that one may execute on, where it is of one', async () => {
    const { path } = await newAction({
      instance_optional: false,
      out_fields: [
        { type: 'usergroup', method: 'PATCH', attributes: { id: '~usergroup_id', permission: EVERYTHING } },
        { type: 'usergroup', method: 'GET_BY_ID', reference: 'group', attributes: { id: '~usergroup_id' } },
        { type: 'client.notify', attributes: { message: '$group.name' } },
        { type: 'usergroup', method: 'DELETE', attributes: { id: '~usergroup_id' } },
      ],
    });
    const own = idIn(await create('usergroup', { name: 'Own' }, BO));
    const users = await app.idOf('usergroup', 'name', 'users');
    expect(codeOf(await execute(path, {}, BO))).toEqual([422, 'invalid_input']);
    expect(codeOf(await execute(path, { usergroup_id: 'x' }, BO))).toEqual([422, 'invalid_input']);
    expect(codeOf(await execute(path, { usergroup_id: users }, BO))).toEqual([403, 'not_allowed']);
    const done = await execute(path, { usergroup_id: own }, BO);
    expect(done.status, done.text).toBe(200);
    expect(told(done, 'client.notify').message).toBe('Own');
    expect((await app.request({ as: ADMIN, url: `/api/usergroup/${own}` })).status).toBe(404);
  });

  test('of the world adds the users that are there to the default groups, and takes nobody out of any', async () => {
    const world_id = await worldOf('user_account');
    const usergroup_id = idIn(await create('usergroup', { name: 'Everyone' }, ADMIN));
    const { default_group_ids } = rowIn(await app.request({ as: ADMIN, url: `/api/world/${world_id}` }));
    const defaults = [...(default_group_ids as readonly string[]), usergroup_id];
    await change('world', world_id, { default_group_ids: defaults }, ADMIN);
    const members = () =>
      app.database.pool.query('select 1 from daptin.user_account_usergroup where usergroup_id = $1', [usergroup_id]);
    expect((await members()).rowCount).toBe(0);
    for (let time = 1; time <= 2; time += 1) {
      const answer = await execute('world/resync', { world_id }, ADMIN);
      expect(answer.status, answer.text).toBe(200);
    }
    const { rowCount } = await app.database.pool.query('select 1 from daptin.user_account');
    expect((await members()).rowCount).toBe(rowCount);
    expect(codeOf(await execute('world/resync', { world_id }, BO))).toEqual([403, 'not_allowed']);
    const groups = await execute('world/resync', { world_id: await worldOf('usergroup') }, ADMIN);
    expect(codeOf(groups), 'groups are in no groups').toEqual([409, 'conflict']);
  });
});
