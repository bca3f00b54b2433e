import { application as openDataCapture } from '@ostiary/open-data-capture';
import { createSetupLink } from '@ostiary/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';

const PASSWORD = 'violet-harbour-castle-91';
const person = { username: 'first', firstName: 'Fay', lastName: 'Irst', password: PASSWORD };

let app: TestApplication;
beforeAll(async () => {
  app = await openApplication(openDataCapture, { demo: false });
});
afterAll(() => app?.close());

const link = async (validSeconds?: number) =>
  (await createSetupLink(app.context.identity, app.name, validSeconds === undefined ? {} : { validSeconds })).token;
const setUp = (token: string, more: object = {}) =>
  app.request({ method: 'POST', url: '/setup', body: { token, ...person, ...more } });

test('a new installation has no account, and no password that everybody knows', async () => {
  const { rows } = await app.database.pool.query('select * from ostiary.account');
  expect(rows).toEqual([]);
  for (const username of ['admin', 'JaneDoe']) {
    const answer = await app.request({
      method: 'POST',
      url: '/auth/login',
      body: { username, password: 'ostiary-demo' },
    });
    expect(answer.status).toBe(401);
  }
});

test('a set-up link makes one administrator, once', async () => {
  const token = await link();
  const before = await app.fingerprint();
  expect((await setUp(token, { password: 'password1' })).body.code).toBe('weak_password');
  expect((await setUp(token, { basePermissionLevel: 'STANDARD' })).status).toBe(422);
  expect((await setUp('guessed')).body.code).toBe('invalid_setup_link');
  expect(await app.fingerprint(), 'a set-up that failed changed something').toBe(before);
  await app.audit();

  const attempts = await Promise.all([setUp(token), setUp(token, { username: 'second' })]);
  expect(attempts.map(({ status }) => status).toSorted()).toEqual([201, 403]);
  expect((await app.audit()).map((row) => row.event)).toEqual([
    'setup_link.used',
    'account.created',
    'record.created',
    'rights.changed',
  ]);
  expect((await setUp(token, { username: 'third' })).body.code).toBe('invalid_setup_link');

  const { rows } = await app.database.pool.query('select username from open_data_capture."user"');
  const login = await app.request({
    method: 'POST',
    url: '/auth/login',
    body: { username: rows[0].username, password: PASSWORD },
  });
  expect((await app.request({ token: login.body.accessToken, url: '/api/audit-logs' })).status).toBe(200);
});

test('a set-up link ends by itself', async () => {
  const token = await link(60);
  app.clock.advance(60);
  expect((await setUp(token, { username: 'late' })).body.code).toBe('invalid_setup_link');
});
