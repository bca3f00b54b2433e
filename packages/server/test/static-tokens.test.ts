import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, type TestAnswer, type TestApplication } from './support/application.js';
import { trials } from './support/trials.js';
import { ward } from './support/ward.js';

let app: TestApplication;
let nurse: string;

beforeAll(async () => {
  app = await openApplication(ward, { beside: [trials] });
  nurse = await login('nurse', 'head');
});
afterAll(() => app?.close());

async function login(kind: string, name: string): Promise<string> {
  const body = { name, password: 'ostiary-demo' };
  return (await app.request({ method: 'POST', url: `/api/${kind}/login`, body })).body.accessToken;
}

/** Does something as a nurse, who may. */
async function asNurse(method: 'POST' | 'PATCH' | 'DELETE', url: string, body?: object): Promise<TestAnswer> {
  const answer = await app.request({ token: nurse, method, url: `/api/nurse/${url}`, ...(body && { body }) });
  expect(answer.status, answer.text).toBeLessThan(300);
  return answer;
}

const rotate = async (url: string): Promise<string> =>
  (await asNurse('POST', `${url}/rotate-token`)).body.token as string;

const me = (kind: string, token: string) => app.request({ token, url: `/api/${kind}/me` });

let made = 0;

/** A new device with its token. */
async function device(): Promise<{ readonly id: string; readonly url: string; readonly token: string }> {
  made += 1;
  const patientId = await app.idOf('Patient', 'name', 'ada');
  const { id } = (await asNurse('POST', 'devices', { serial: `device ${made}`, enabled: true, patientId })).body;
  return { id, url: `devices/${id}`, token: await rotate(`devices/${id}`) };
}

async function expectRefused(kind: string, token: string): Promise<void> {
  const answer = await me(kind, token);
  expect([answer.status, answer.body.code, answer.headers['www-authenticate']], answer.text).toEqual([
    401,
    'invalid_token',
    'Bearer error="invalid_token"',
  ]);
}

describe('a static token', () => {
  test('is all that a device needs to show who it is, and rules decide as ever', async () => {
    const { id, token } = await device();
    expect((await me('device', token)).body).toEqual({ kind: 'device', id });
    const ada = await app.idOf('Patient', 'name', 'ada');
    const write = (patientId: string) =>
      app.request({ token, method: 'POST', url: '/api/device/readings', body: { patientId, value: 37 } });
    expect((await write(ada)).status).toBe(201);
    expect((await write(await app.idOf('Patient', 'name', 'ben'))).body.code).toBe('not_allowed');
    expect((await app.request({ token, url: '/api/device/patients' })).status).toBe(403);
    expect((await app.request({ token, url: `/api/device/devices/${id}` })).status).toBe(403);
  });

  test('outlives any session', async () => {
    const { token } = await device();
    const before = app.clock.now();
    app.clock.advance(10 * 365 * 24 * 3600);
    expect((await me('device', token)).status).toBe(200);
    app.clock.set(before);
  });

  test('is shown once, kept as a hash, and on record without what it is', async () => {
    await app.audit();
    const { id, url, token } = await device();
    const again = await rotate(url);
    await asNurse('POST', `${url}/revoke-token`);
    const entries = (await app.audit()).filter(({ event }) => event.startsWith('static_token.'));
    const of = (text: string) => text.slice('ost_'.length, 'ost_'.length + 36);
    expect(entries.map(({ event, record_id, detail }) => [event, record_id, detail])).toEqual([
      ['static_token.created', id, { token: of(token) }],
      ['static_token.created', id, { token: of(again) }],
      ['static_token.revoked', id, { token: of(again) }],
    ]);
    await rotate(url);
    const { rows } = await app.database.pool.query(
      `select t::text as line from ostiary.static_token t union all select a::text from ostiary.audit a
       union all select d::text from ward.device d`,
    );
    const written = rows.map(({ line }) => line).join('\n');
    for (const secret of [token, again].map((one) => one.slice(-43))) {
      expect(written).not.toContain(secret);
      expect(written).not.toContain(Buffer.from(secret, 'base64url').toString('hex'));
    }
  });

  test.each<[string, (url: string) => Promise<unknown>]>([
    ['another was made', (url) => rotate(url)],
    ['it was revoked', (url) => asNurse('POST', `${url}/revoke-token`)],
    ['its principal was disabled', (url) => asNurse('PATCH', url, { enabled: false })],
    ['its principal was deleted', (url) => asNurse('DELETE', url)],
  ])('is refused from the next request on once %s', async (_, end) => {
    const { url, token } = await device();
    expect((await me('device', token)).status).toBe(200);
    await end(url);
    await expectRefused('device', token);
  });

  test('is good again once its principal is enabled again', async () => {
    const { url, token } = await device();
    await asNurse('PATCH', url, { enabled: false });
    await expectRefused('device', token);
    await asNurse('PATCH', url, { enabled: true });
    expect((await me('device', token)).status).toBe(200);
  });

  test('of a new device does nothing until the device is enabled', async () => {
    const patientId = await app.idOf('Patient', 'name', 'ada');
    const { id } = (await asNurse('POST', 'devices', { serial: 'new', patientId })).body;
    const token = await rotate(`devices/${id}`);
    await expectRefused('device', token);
  });

  test.each<[string, (token: string, other: string) => string]>([
    ['a wrong secret', (token) => `${token.slice(0, -43)}${'A'.repeat(43)}`],
    ['the secret of another', (token, other) => `${token.slice(0, -43)}${other.slice(-43)}`],
    ['an id that is nobody’s', (token) => token.replace(/_[0-9a-f]{8}/, '_00000000')],
    ['no secret', (token) => token.slice(0, -44)],
    ['more behind the secret', (token) => `${token}A`],
    ['the id in upper case', (token) => token.replace(/_[^_]+_/, (id) => id.toUpperCase())],
    ['the prefix of a service key', (token) => token.replace('ost_', 'osk_')],
    ['the prefix of a refresh token', (token) => token.replace('ost_', 'ort_')],
    ['the prefix alone', () => 'ost_'],
    ['SQL', () => "ost_'or'1'='1"],
  ])('is refused with %s', async (_, forge) => {
    const { token } = await device();
    const { token: other } = await device();
    await expectRefused('device', forge(token, other));
  });

  test('of another application is none here, nor where no kind has one', async () => {
    const { token } = await device();
    const answer = await app.root({ token, url: '/trials/auth/me' });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
    // A row of the other application's, were there one.
    const { rows } = await app.database.pool.query(
      `select principal_id from ostiary.account where application = 'trials' limit 1`,
    );
    await app.database.pool.query(
      `insert into ostiary.static_token (id, application, kind, principal_id, token_hash, created_at)
       select gen_random_uuid(), 'trials', 'person', $1, sha256('x'), now()`,
      [rows[0].principal_id],
    );
    const { rows: found } = await app.database.pool.query(
      `update ostiary.static_token set token_hash = sha256(convert_to('ost_' || id || '_' || repeat('A', 43), 'UTF8'))
       where application = 'trials' returning 'ost_' || id || '_' || repeat('A', 43) as token`,
    );
    const foreign = await app.root({ token: found[0].token, url: '/trials/auth/me' });
    expect([foreign.status, foreign.body.code], 'trials has no static tokens').toEqual([401, 'invalid_token']);
    await expectRefused('device', found[0].token);
  });

  test('is refused at the root of another kind', async () => {
    const { token } = await device();
    for (const url of ['/api/nurse/devices', '/api/patient/me']) {
      const answer = await app.request({ token, url });
      expect([answer.status, answer.body.code]).toEqual([403, 'wrong_kind']);
    }
  });

  test('is made and ended only by whom the rules let', async () => {
    const { id } = await device();
    const patient = await login('patient', 'ada');
    for (const action of ['rotate-token', 'revoke-token']) {
      const answer = await app.request({ token: patient, method: 'POST', url: `/api/patient/devices/${id}/${action}` });
      expect([answer.status, answer.body.code]).toEqual([403, 'not_allowed']);
    }
  });

  test('two that are made at once: one is good', async () => {
    const { url } = await device();
    const tokens = await Promise.all([rotate(url), rotate(url), rotate(url)]);
    const statuses = await Promise.all(tokens.map(async (token) => (await me('device', token)).status));
    expect(statuses.toSorted()).toEqual([200, 401, 401]);
  });
});

describe('a patient', () => {
  /** A new patient, who logged in and has a token. */
  async function patient() {
    made += 1;
    const name = `patient ${made}`;
    const values = { name, password: 'ostiary-ward-lantern-7', tokenEnabled: true, room: '12' };
    const { id } = (await asNurse('POST', 'patients', values)).body;
    const url = `patients/${id}`;
    const body = { name, password: values.password };
    const logIn = () => app.request({ method: 'POST', url: '/api/patient/login', body });
    return { id, url, token: await rotate(url), session: (await logIn()).body.accessToken as string, logIn };
  }

  const statuses = async ({ token, session }: { token: string; session: string }) => ({
    token: (await me('patient', token)).status,
    session: (await me('patient', session)).status,
  });

  test('with the token has fewer rights than one who logged in', async () => {
    const { id, url, token, session } = await patient();
    await asNurse('POST', 'readings', { patientId: id, value: 38 });
    const read = async (as: string) => (await app.request({ token: as, url: `/api/patient/${url}` })).body;
    expect(await read(session)).toMatchObject({ name: expect.any(String), room: '12' });
    expect(Object.keys(await read(token)).toSorted()).toEqual(['id', 'name', 'version']);
    const list = (as: string) => app.request({ token: as, url: '/api/patient/readings' });
    expect((await list(session)).body.items).toHaveLength(1);
    const refused = await list(token);
    expect([refused.status, refused.body.missing]).toEqual([403, expect.arrayContaining(['you are logged in'])]);
    expect((await list(session)).status, 'whoever came before').toBe(200);
  });

  test('is told the same by decisions, and others are told of a patient who logged in', async () => {
    const { id, token, session } = await patient();
    const question = (context?: object) => ({
      subject: { type: 'patient', id },
      action: { name: 'list' },
      resource: { type: 'Reading' },
      ...(context && { context }),
    });
    const ask = async (as: string, context?: object) =>
      (await app.request({ token: as, method: 'POST', url: '/access/v1/evaluation', body: question(context) })).body;
    expect(await ask(session)).toEqual({ decision: true });
    expect(await ask(token)).toEqual({ decision: false });
    expect(await ask(token, { loggedIn: true }), 'saying so makes it no log-in').toEqual({ decision: false });
    expect(await ask(nurse)).toEqual({ decision: true });
    expect(await ask(nurse, { loggedIn: false })).toEqual({ decision: false });
    const search = async (context: object) => {
      const { rows } = await app.database.pool.query('select id from ward.reading where patient_id = $1', [id]);
      const body = {
        subject: { type: 'patient' },
        action: { name: 'read' },
        resource: { type: 'Reading', id: rows[0]?.id },
        context,
      };
      return (await app.request({ token: nurse, method: 'POST', url: '/access/v1/search/subject', body })).body.results;
    };
    await asNurse('POST', 'readings', { patientId: id, value: 38 });
    expect(await search({})).toEqual([{ type: 'patient', id }]);
    expect(await search({ loggedIn: false })).toEqual([]);
    const rights = async (as: string) => (await app.request({ token: as, url: '/access/v1/rights' })).body.verdicts;
    expect(Object.keys(await rights(session))).toContain('Reading list');
    expect(Object.keys(await rights(token))).not.toContain('Reading list');
  });

  test('logs out of a session, and of no token', async () => {
    const { token, session } = await patient();
    const out = (as: string) => app.request({ token: as, method: 'POST', url: '/api/patient/logout' });
    expect([(await out(token)).body.code, (await out(session)).status]).toEqual(['conflict', 204]);
    expect(await statuses({ token, session })).toEqual({ token: 200, session: 401 });
  });

  test('whose token is off comes with the password alone, from the next request on', async () => {
    const who = await patient();
    await app.audit();
    await asNurse('PATCH', who.url, { tokenEnabled: false });
    expect((await app.audit()).map(({ event }) => event)).toContain('static_token.disabled');
    expect(await statuses(who)).toEqual({ token: 401, session: 200 });
    await asNurse('PATCH', who.url, { tokenEnabled: true });
    expect(await statuses(who)).toEqual({ token: 200, session: 200 });
  });

  test('whose log-in is off keeps the session that is open, and opens no other', async () => {
    const who = await patient();
    await app.audit();
    await asNurse('PATCH', who.url, { loginEnabled: false });
    expect((await app.audit()).map(({ event }) => event)).toContain('login.disabled');
    expect(await statuses(who)).toEqual({ token: 200, session: 200 });
    const answer = await who.logIn();
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_credentials']);
    expect((await app.audit()).at(-1)).toMatchObject({ event: 'login.failed', detail: { reason: 'login_disabled' } });
    await asNurse('PATCH', who.url, { loginEnabled: true });
    expect((await who.logIn()).status).toBe(200);
  });

  test('without a user name comes with the token alone', async () => {
    const who = await patient();
    await asNurse('PATCH', who.url, { name: null });
    expect((await who.logIn()).body.code).toBe('invalid_credentials');
    expect((await me('patient', who.token)).status).toBe(200);
    const { id } = (await asNurse('POST', 'patients', { tokenEnabled: true })).body;
    expect((await me('patient', await rotate(`patients/${id}`))).body.id).toBe(id);
  });

  test('who is disabled is nobody at all, and told no more than a stranger', async () => {
    const who = await patient();
    await asNurse('PATCH', who.url, { enabled: false });
    expect(await statuses(who)).toEqual({ token: 401, session: 401 });
    const body = { name: 'no such patient', password: 'ostiary-ward-lantern-7' };
    const stranger = await app.request({ method: 'POST', url: '/api/patient/login', body });
    const told = ({ status, body: { requestId: _, ...rest } }: TestAnswer) => ({ status, ...rest });
    expect(told(await who.logIn())).toEqual(told(stranger));
    const question = {
      subject: { type: 'patient', id: who.id },
      action: { name: 'list' },
      resource: { type: 'Reading' },
    };
    const asked = { token: nurse, method: 'POST', url: '/access/v1/evaluation', body: question } as const;
    expect((await app.request(asked)).body).toEqual({ decision: false });
    await asNurse('PATCH', who.url, { enabled: true });
    expect(await statuses(who), 'sessions stay ended').toEqual({ token: 200, session: 401 });
  });
});
