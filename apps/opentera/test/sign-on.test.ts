import { readSignOn } from '@ostiary/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from '../../../packages/server/test/support/application.js';
import { Browser, PAGE, PUBLIC } from '../../../packages/server/test/support/browser.js';
import { CLIENT, type FakeProvider, fakeProvider } from '../../../packages/server/test/support/fake-provider.js';
import { application } from '../src/index.js';

let app: TestApplication;
let provider: FakeProvider;
let behaviour: ReturnType<FakeProvider['issuer']>['behaviour'];

beforeAll(async () => {
  provider = await fakeProvider(() => app.clock.now());
  const made = provider.issuer();
  behaviour = made.behaviour;
  const providers = { clinic: { issuer: made.issuer, ...CLIENT, newAccounts: true } };
  const sources = { environment: {}, readFile: () => Promise.reject(new Error('there is no file')) };
  const read = await readSignOn(JSON.stringify({ returnTo: [PAGE], providers }), ['opentera'], sources);
  app = await openApplication(application, { signOn: { ...read, url: PUBLIC } });
});
afterAll(async () => {
  await app.close();
  await provider.close();
});

const ADDRESS = 'user@north.example';

async function signOn() {
  Object.assign(behaviour.claims, { email: ADDRESS });
  const browser = new Browser(app);
  return browser.back(provider.answer(await browser.start('clinic')), 'application/json');
}

test('a user signs in elsewhere by an address that was written by who may set their password', async () => {
  const id = await app.idOf('User', 'username', 'projectuser');
  const patch = (as: string, body: object) => app.request({ as, method: 'PATCH', url: `/api/user/users/${id}`, body });
  expect((await patch('siteadmin', { email: ADDRESS })).status).toBe(200);
  const before = await app.fingerprint();
  expect((await signOn()).body).toMatchObject({ status: 403, code: 'sign_on_refused' });
  expect(await app.fingerprint(), 'an account was made').toBe(before);

  for (const as of ['projectuser', 'projectadmin', 'siteuser', 'southadmin']) {
    expect((await patch(as, { verifiedEmail: ADDRESS })).status, `${as} took over an account`).toBe(403);
  }
  expect((await patch('siteadmin', { verifiedEmail: ADDRESS })).status).toBe(200);
  const { status, text, body } = await signOn();
  expect(status, text).toBe(200);
  const mine = await app.request({ url: '/api/user/sessions', token: body.accessToken });
  expect([mine.status, mine.body.items.length > 0], mine.text).toEqual([200, true]);
  expect((await app.request({ url: '/api/participant/sessions', token: body.accessToken })).status).toBe(403);
});
