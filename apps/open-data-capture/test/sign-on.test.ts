import { application } from '@ostiary/open-data-capture';
import { readSignOn } from '@ostiary/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from '../../../packages/server/test/support/application.js';
import { Browser, PAGE, PUBLIC } from '../../../packages/server/test/support/browser.js';
import { CLIENT, type FakeProvider, fakeProvider } from '../../../packages/server/test/support/fake-provider.js';

let app: TestApplication;
let provider: FakeProvider;
let behaviour: ReturnType<FakeProvider['issuer']>['behaviour'];

beforeAll(async () => {
  provider = await fakeProvider(() => app.clock.now());
  const made = provider.issuer();
  behaviour = made.behaviour;
  const text = JSON.stringify({
    returnTo: [PAGE],
    providers: { clinic: { issuer: made.issuer, ...CLIENT, newAccounts: true } },
  });
  const sources = { environment: {}, readFile: () => Promise.reject(new Error('there is no file')) };
  app = await openApplication(application, {
    signOn: { ...(await readSignOn(text, ['open-data-capture'], sources)), url: PUBLIC },
  });
});
afterAll(async () => {
  await app.close();
  await provider.close();
});

const signOn = async (email: string) => {
  Object.assign(behaviour.claims, { email });
  const browser = new Browser(app);
  return browser.back(provider.answer(await browser.start('clinic')), 'application/json');
};

test('whom an administrator gave a verified address signs in by it, and what people wrote themselves counts for nothing', async () => {
  const jane = await app.idOf('User', 'username', 'JaneDoe');
  const patch = (as: string, body: object) => app.request({ as, method: 'PATCH', url: `/api/users/${jane}`, body });
  expect((await patch('JaneDoe', { email: 'jane@clinic.example' })).status).toBe(200);
  const before = await app.fingerprint();
  expect((await signOn('jane@clinic.example')).body).toMatchObject({ status: 403, code: 'sign_on_refused' });
  expect(await app.fingerprint(), 'an account was made').toBe(before);

  expect((await patch('JaneDoe', { verifiedEmail: 'jane@clinic.example' })).body.code).toBe('field_not_allowed');
  expect((await patch('admin', { verifiedEmail: 'jane@clinic.example' })).status).toBe(200);
  const answer = await signOn('jane@clinic.example');
  expect(answer.status, answer.text).toBe(200);
  const token = answer.body.accessToken;
  expect((await app.request({ url: '/auth/me', token })).body).toEqual({ kind: 'user', id: jane });
  expect((await app.request({ url: '/api/sessions', token })).status).toBe(200);

  expect((await patch('admin', { disabled: true })).status).toBe(200);
  expect((await app.request({ url: '/api/sessions', token })).status).toBe(401);
  expect((await signOn('jane@clinic.example')).body).toMatchObject({ status: 403, code: 'account_disabled' });
});
