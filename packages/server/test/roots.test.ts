import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestApplication } from './support/application.js';
import { trials } from './support/trials.js';
import { ward } from './support/ward.js';

const KINDS = ['nurse', 'patient', 'device'];

let app: TestApplication;
let document: JsonBody;

beforeAll(async () => {
  app = await openApplication(ward, { beside: [trials] });
  document = (await app.request({ url: '/openapi.json' })).body;
});
afterAll(() => app?.close());

/** The access token of somebody of a kind. */
async function tokenOf(kind: string, name: string): Promise<string> {
  const body = { name, password: 'ostiary-demo' };
  const answer = await app.request({ method: 'POST', url: `/api/${kind}/login`, body });
  expect(answer.status, answer.text).toBe(200);
  return answer.body.accessToken;
}

/** Everything but logging in and refreshing, whose credentials are in the body. */
const guarded = () =>
  Object.entries<JsonBody>(document.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((method) => item[method].security !== undefined)
      .map((method) => ({ path, method: method.toUpperCase() as 'GET', operation: item[method] })),
  );

describe('with a root for each kind', () => {
  test('each has every collection, action and export, and what identity needs', () => {
    const paths = Object.keys(document.paths);
    const below = (kind: string) =>
      paths.filter((path) => path.startsWith(`/api/${kind}/`)).map((path) => path.slice(`/api/${kind}`.length));
    const common = ['/readings', '/readings/{id}', '/patients/{id}/discharge', '/log-entries/export', '/me'];
    for (const kind of KINDS) expect(below(kind)).toEqual(expect.arrayContaining(common));
    expect(below('nurse')).toEqual(expect.arrayContaining(['/login', '/logout', '/refresh']));
    expect(below('device')).toEqual(expect.not.arrayContaining(['/login', '/logout', '/refresh']));
    const api = paths.filter((path) => path.startsWith('/api/'));
    expect(api.filter((path) => !KINDS.some((kind) => path.startsWith(`/api/${kind}/`)))).toEqual([]);
    expect(paths.filter((path) => path.startsWith('/auth/'))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(['/setup', '/access/v1/evaluation']));
  });

  test('operations have ids of their own, and tags that say whose they are', () => {
    const operations = guarded().map(({ operation }) => operation);
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids.length).toBe(new Set(ids).size);
    expect(ids).toEqual(expect.arrayContaining(['listReadingAsNurse', 'listReadingAsDevice', 'logoutAsPatient']));
    const [reading] = operations.filter(({ operationId }) => operationId === 'listReadingAsDevice');
    expect(reading.tags).toEqual(['Device: Reading']);
  });

  test('the token of one kind is refused at every address of another, by a code of its own, and on record', async () => {
    const tokens = { nurse: await tokenOf('nurse', 'head'), patient: await tokenOf('patient', 'ada') };
    const id = await app.idOf('Patient', 'name', 'ada');
    for (const [kind, token] of Object.entries(tokens)) {
      for (const { path, method } of guarded()) {
        const others = KINDS.filter((other) => other !== kind).some((other) => path.startsWith(`/api/${other}/`));
        if (!others) continue;
        const url = path.replaceAll(/\{\w+\}/g, id);
        const answer = await app.request({ token, method, url, ...(method === 'GET' ? {} : { body: {} }) });
        expect([answer.status, answer.body.code], `${kind}: ${method} ${path}`).toEqual([403, 'wrong_kind']);
      }
      expect((await app.request({ token, url: `/api/${kind}/me` })).body).toMatchObject({ kind });
    }
    await app.audit();
    await app.request({ token: tokens.patient, url: '/api/nurse/patients' });
    const [entry, ...others] = await app.audit();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ event: 'access.refused', principal_id: id, detail: { root: 'nurse' } });
  });

  test('nobody gets in without a good token', async () => {
    const login = { login: 'lead', password: 'ostiary-demo' };
    const other = await app.root({ method: 'POST', url: '/trials/auth/login', body: login });
    const [id, nurse] = [await app.idOf('Device', 'serial', 'meter of ada'), await tokenOf('nurse', 'head')];
    const made = await app.request({ token: nurse, method: 'POST', url: `/api/nurse/devices/${id}/rotate-token` });
    const before = await app.fingerprint();
    const tokens = {
      'no token': undefined,
      'a token that is none': 'garbage',
      'the token of another application': other.body.accessToken,
      'a static token with a wrong secret': `${made.body.token.slice(0, -43)}${'A'.repeat(43)}`,
      'a static token that was replaced': made.body.token,
      'a service key of nobody': `osk_${id}_${'A'.repeat(43)}`,
    };
    await app.request({ token: nurse, method: 'POST', url: `/api/nurse/devices/${id}/rotate-token` });
    for (const [says, token] of Object.entries(tokens)) {
      for (const { path, method } of guarded()) {
        const url = path.replaceAll(/\{\w+\}/g, id);
        const body = method === 'GET' ? {} : { body: {} };
        const answer = await app.request({ ...(token && { token }), method, url, ...body });
        expect([answer.status, answer.headers['www-authenticate']], `${says}: ${method} ${path}`).toEqual([
          401,
          expect.stringMatching(/^Bearer/),
        ]);
      }
    }
    expect(await app.fingerprint(), 'a refused request changed something').toBe(before);
  });

  test('a read by HEAD is no way round it', async () => {
    const token = await tokenOf('patient', 'ada');
    expect((await app.request({ token, method: 'HEAD', url: '/api/nurse/readings' })).status).toBe(403);
    expect((await app.request({ token, method: 'HEAD', url: '/api/patient/readings' })).status).toBe(200);
  });

  test('rules decide as ever at the root of one’s own kind', async () => {
    const token = await tokenOf('patient', 'ada');
    const list = await app.request({ token, url: '/api/patient/readings' });
    expect(list.body.items).toHaveLength(1);
    const id = await app.idOf('Patient', 'name', 'ben');
    expect((await app.request({ token, url: `/api/patient/patients/${id}` })).body.code).toBe('not_allowed');
    const body = { patientId: id, value: 40 };
    expect((await app.request({ token, method: 'POST', url: '/api/patient/readings', body })).status).toBe(403);
    const nurse = await tokenOf('nurse', 'head');
    const made = await app.request({ token: nurse, method: 'POST', url: '/api/nurse/readings', body });
    expect([made.status, made.headers.location]).toEqual([201, `/ward/api/nurse/readings/${made.body.id}`]);
  });

  test('what is no root of a kind is not there', async () => {
    const token = await tokenOf('nurse', 'head');
    for (const url of ['/api/readings', '/api/guest/readings', '/auth/me', '/api/nurses/me']) {
      expect((await app.request({ token, url })).status, url).toBe(404);
    }
  });

  test('nobody logs in at the root of another kind', async () => {
    const body = { name: 'head', password: 'ostiary-demo' };
    const answer = await app.request({ method: 'POST', url: '/api/patient/login', body });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_credentials']);
  });
});
