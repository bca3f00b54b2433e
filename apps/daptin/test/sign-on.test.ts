import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from '../../../packages/server/test/support/application.js';
import { Browser, PAGE, PUBLIC } from '../../../packages/server/test/support/browser.js';
import { CLIENT, type FakeProvider, fakeProvider } from '../../../packages/server/test/support/fake-provider.js';
import { application } from '../src/index.js';
import { rowIn, rowsIn, sendRow } from './rows.js';

let app: TestApplication;
let provider: FakeProvider;
let there: ReturnType<FakeProvider['issuer']>;
let plain: typeof there;

beforeAll(async () => {
  app = await openApplication(application, { signOn: { providers: [], returnTo: [PAGE], url: PUBLIC } });
  provider = await fakeProvider(() => app.clock.now());
  [there, plain] = [provider.issuer(), provider.issuer()];
  const { issuer } = there;
  plain.behaviour.token.id_token = undefined;
  const own = {
    issuer: plain.issuer,
    auth_url: `${plain.issuer}/authorize`,
    token_url: `${plain.issuer}/token`,
    profile_url: `${plain.issuer}/profile`,
  };
  for (const connection of [
    { name: 'clinic', issuer, allow_login: true },
    { name: 'registry', issuer, allow_login: true, allow_signup: true, scope: 'openid,email' },
    {
      name: 'plain',
      ...own,
      allow_login: true,
      scope: 'who',
      profile_id_path: 'id',
      profile_email_path: 'mail',
      profile_verified_path: 'sure',
    },
    { name: 'closed', issuer },
    { name: 'github', allow_login: true },
    { name: 'nowhere', allow_login: true },
  ]) {
    const { clientId: client_id, clientSecret: client_secret } = CLIENT;
    const body = { client_id, client_secret, ...connection };
    const made = await sendRow(app, { as: 'admin@example.org', method: 'POST', url: '/api/oauth_connect', body });
    expect(made.status, made.text).toBe(201);
    expect(made.text, 'a secret is shown to nobody').not.toContain(client_secret);
  }
});
afterAll(async () => {
  await app?.close();
  await provider?.close();
});

async function signOn(connection: string, claims: object) {
  Object.assign(there.behaviour.claims, claims);
  const browser = new Browser(app);
  return browser.back(provider.answer(await browser.start(connection)), 'application/json');
}
const me = (token: string) => app.request({ url: '/auth/me', token });

test('the connections that allow log-in, and hold together, are offered', async () => {
  const names = async () =>
    (await app.request({ url: '/auth/sign-on' })).body.providers.map(({ name }: { readonly name: string }) => name);
  expect((await names()).sort()).toEqual(['clinic', 'github', 'plain', 'registry']);
  const url = `/api/oauth_connect/${await app.idOf('oauth_connect', 'name', 'closed')}`;
  const allow = (allow_login: boolean) =>
    sendRow(app, { as: 'admin@example.org', method: 'PATCH', url, body: { allow_login } });
  expect((await allow(true)).status).toBe(200);
  expect(await names()).toContain('closed');
  await allow(false);
  expect(await names()).not.toContain('closed');
});

test('somebody is found by an address that is known to be theirs, and their token tells it', async () => {
  const { status, text, body } = await signOn('clinic', { sub: 'bo', email: 'bo@example.org', email_verified: true });
  expect(status, text).toBe(200);
  expect((await me(body.accessToken)).body).toMatchObject({
    id: await app.idOf('user_account', 'email', 'bo@example.org'),
  });
  const claims = JSON.parse(Buffer.from(body.accessToken.split('.')[1], 'base64url').toString());
  expect(claims).toMatchObject({ email: 'bo@example.org', name: 'Bo Brandt', exp: claims.iat + 3600 });
});

test('an OAuth 2.0 provider tells the address where the connection says', async () => {
  plain.behaviour.profile = { id: 7, mail: 'cy@example.org', sure: true };
  expect((await signOn('plain', {})).status).toBe(200);
  plain.behaviour.profile = { id: 8, mail: 'bo@example.org', sure: false };
  expect((await signOn('plain', {})).status).toBe(403);
});

test.each([
  ['an address that nobody here has', { sub: 'new', email: 'new@example.org', email_verified: true }],
  ['an address that was not verified', { sub: 'new', email: 'cy@example.org', email_verified: false }],
])('%s makes no account, and opens none', async (_, claims) => {
  const before = await app.fingerprint();
  expect(await signOn('clinic', claims)).toMatchObject({ status: 403, body: { code: 'sign_on_refused' } });
  expect(await app.fingerprint()).toBe(before);
});

test('a connection that allows it makes an account, of a user and nothing more', async () => {
  const { status, text, body } = await signOn('registry', {
    sub: 'fresh',
    email: 'fresh@example.org',
    email_verified: true,
  });
  expect(status, text).toBe(200);
  const id = await app.idOf('user_account', 'email', 'fresh@example.org');
  const groups = await app.request({ url: '/api/usergroup', token: body.accessToken });
  expect(rowsIn(groups).map(({ name }) => name)).toEqual(['users']);
  const own = await app.request({ url: `/api/user_account/${id}`, token: body.accessToken });
  expect(rowIn(own)).toMatchObject({ email: 'fresh@example.org', verified_email: 'fresh@example.org' });
});

test('nobody takes over who signs in elsewhere by writing that address', async () => {
  const url = `/api/user_account/${await app.idOf('user_account', 'email', 'cy@example.org')}`;
  const write = (body: object) => sendRow(app, { as: 'cy@example.org', method: 'PATCH', url, body });
  expect((await write({ verified_email: 'victim@example.org' })).status).toBe(403);
  expect((await write({ email: 'victim@example.org' })).status).toBe(200);
  const claims = { sub: 'victim', email: 'victim@example.org', email_verified: true };
  expect((await signOn('clinic', claims)).status).toBe(403);
  expect((await signOn('registry', { ...claims, sub: 'victim2' })).status, 'the address is taken').toBe(403);
});
