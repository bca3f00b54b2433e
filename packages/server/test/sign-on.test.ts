import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { Browser, PAGE, PUBLIC } from './support/browser.js';
import { clinic, connections } from './support/clinic.js';
import { type Behaviour, CLIENT, type FakeProvider, fakeProvider } from './support/fake-provider.js';
import { type RealProvider, realProvider } from './support/real-provider.js';

let app: TestApplication;
let fake: FakeProvider;
let real: RealProvider;

beforeAll(async () => {
  app = await openApplication(clinic, {
    signOn: { url: PUBLIC, providers: [], returnTo: [PAGE, `${PAGE}/2`] },
    corsOrigins: ['https://pages.ostiary.example'],
  });
  // The real provider's tokens are of today.
  app.clock.set(new Date());
  fake = await fakeProvider(() => app.clock.now());
  real = await realProvider({
    client_id: CLIENT.clientId,
    client_secret: CLIENT.clientSecret,
    redirect_uris: [`${PUBLIC}/clinic/auth/sign-on/real/callback`],
    token_endpoint_auth_method: 'client_secret_post',
  });
});
afterAll(async () => {
  await app.close();
  await fake.close();
  await real.close();
});

let behaviour: Behaviour;
let browser: Browser;

beforeEach(async () => {
  for (const name of Object.keys(connections)) delete connections[name];
  browser = new Browser(app);
  const made = fake.issuer();
  behaviour = made.behaviour;
  connections.there = { title: 'There', issuer: made.issuer, ...CLIENT };
  connections.real = { title: 'Real', issuer: real.issuer, ...CLIENT };
  await app.database.pool.query('delete from ostiary.sign_on_link');
  await app.audit();
});

const UNAUTHORIZED: Behaviour['answers'][string] = (_, to) => void to.writeHead(401).end('{}');
const meOf = async (token: string) => (await app.request({ url: '/auth/me', token })).body;
const signOn = async (accept = 'application/json') => browser.back(fake.answer(await browser.start('there')), accept);

describe('with a real provider', () => {
  test('a browser comes back to its page with a code, and exchanges it for the token of a log-in', async () => {
    const asked = await browser.start('real', `?returnTo=${encodeURIComponent(`${PAGE}/2`)}`);
    expect(Object.fromEntries(asked.searchParams)).toMatchObject({
      client_id: 'ostiary',
      response_type: 'code',
      scope: 'openid email profile',
      redirect_uri: `${PUBLIC}/clinic/auth/sign-on/real/callback`,
      code_challenge_method: 'S256',
    });
    const back = await real.logIn(asked, 'ada');
    const answer = await browser.back(back);
    expect(answer.status, answer.text).toBe(303);
    expect(answer.headers.location).toMatch(/^https:\/\/ostiary\.example\/signed-in\/2#code=[\w-]{43}$/);
    const token = await browser.post('/auth/sign-on/token', { code: browser.codeOf(answer) });
    expect(token.status, token.text).toBe(200);
    const ada = await app.idOf('User', 'login', 'ada');
    expect(await meOf(token.body.accessToken)).toEqual({ kind: 'user', id: ada });
    expect(browser.cookie, 'the cookie is cleared').toBeUndefined();
    const trail = await app.audit();
    expect(trail.map(({ event, login, detail }) => [event, login, detail.provider])).toEqual([
      ['sign_on.linked', 'ada', 'real'],
      ['login.succeeded', 'ada', 'real'],
    ]);
  });

  test('once linked, the address does not matter any more', async () => {
    await browser.back(await real.logIn(await browser.start('real'), 'bob'), 'application/json');
    const bob = await app.idOf('User', 'login', 'bob');
    await app.seed((system) => system.update('User', bob, { email: null }));
    await app.audit();
    const again = new Browser(app);
    const answer = await again.back(await real.logIn(await again.start('real'), 'bob'), 'application/json');
    expect(await meOf(answer.body.accessToken)).toMatchObject({ id: bob });
    expect((await app.audit()).map(({ event }) => event)).toEqual(['login.succeeded']);
    await app.seed((system) => system.update('User', bob, { email: 'bob@clinic.example' }));
  });

  test('an address that it has not verified is refused', async () => {
    const answer = await browser.back(await real.logIn(await browser.start('real'), 'x-ada'), 'application/json');
    expect(answer.body).toMatchObject({ status: 403, code: 'sign_on_refused' });
    expect(answer.body.detail).toContain('not verified');
  });

  test('the code of another browser is refused by the provider, as its verifier is another', async () => {
    const thief = new Browser(app);
    const stolen = await real.logIn(await browser.start('real'), 'ada');
    const own = await real.logIn(await thief.start('real'), 'bob');
    own.searchParams.set('code', stolen.searchParams.get('code') ?? '');
    const answer = await thief.back(own, 'application/json');
    expect(answer.body).toMatchObject({ status: 403, code: 'sign_on_failed' });
  });
});

describe('whose account it is', () => {
  const REFUSALS: readonly (readonly [says: string, claims: object, reason: string, code: string])[] = [
    ['no address', { email: null }, 'address_missing', 'sign_on_refused'],
    ['an address that is none', { email: 'ada' }, 'address_missing', 'sign_on_refused'],
    ['an address that is no text', { email: ['ada@clinic.example'] }, 'address_missing', 'sign_on_refused'],
    ['an address that is not verified', { email_verified: false }, 'address_unverified', 'sign_on_refused'],
    ['an address of which nobody says', { email_verified: undefined }, 'address_unverified', 'sign_on_refused'],
    ['an address that is almost verified', { email_verified: 'yes' }, 'address_unverified', 'sign_on_refused'],
    ['the address of two accounts', { email: 'twins@clinic.example' }, 'address_ambiguous', 'sign_on_refused'],
    ['the address of nobody', { email: 'eve@evil.example' }, 'no_account', 'sign_on_refused'],
    ['an address with a wildcard', { email: '%@clinic.example' }, 'no_account', 'sign_on_refused'],
    ['an address that folds to another (ſ)', { email: 'a\u{17f}a@clinic.example' }, 'no_account', 'sign_on_refused'],
    ['the address of a disabled account', { email: 'left@clinic.example' }, 'disabled', 'account_disabled'],
  ];
  test.each(REFUSALS)('%s: refused, and nothing is linked', async (_, claims, reason, code) => {
    Object.assign(behaviour.claims, claims);
    const before = await app.fingerprint();
    const answer = await signOn();
    expect(answer.body).toMatchObject({ status: 403, code });
    expect(await app.fingerprint()).toBe(before);
    expect(await app.audit()).toMatchObject([
      { event: 'sign_on.refused', outcome: 'refused', detail: { provider: 'there', reason } },
    ]);
    expect((await app.database.pool.query('select 1 from ostiary.sign_on_link')).rows).toEqual([]);
  });

  test('the case of an address in ASCII does not matter', async () => {
    behaviour.claims.email = 'ADA@clinic.Example';
    expect((await signOn()).status).toBe(200);
  });

  test('a page is told why, and the trail the address', async () => {
    behaviour.claims.email = 'eve@evil.example';
    const answer = await signOn('text/html');
    expect(answer.headers.location).toBe(`${PAGE}#error=sign_on_refused&reason=no_account`);
    expect(await app.audit()).toMatchObject([{ event: 'sign_on.refused', login: 'eve@evil.example' }]);
  });

  test('an address that the provider gave to somebody else does not open the account', async () => {
    expect((await signOn()).status).toBe(200);
    behaviour.claims.sub = 'the next owner of the address';
    expect((await signOn()).body.detail).toContain('linked with another account');
  });

  test('a subject of another issuer is another person', async () => {
    expect((await signOn()).status).toBe(200);
    const evil = fake.issuer();
    connections.evil = { issuer: evil.issuer, ...CLIENT };
    Object.assign(evil.behaviour.claims, { email: 'eve@evil.example' });
    const answer = await browser.back(fake.answer(await browser.start('evil')), 'application/json');
    expect(answer.body).toMatchObject({ code: 'sign_on_refused' });
  });

  test('the address comes from userinfo where the ID token has none, and is verified only there', async () => {
    behaviour.claims.email = undefined;
    behaviour.userinfo = { sub: 'ada-there', email: 'ada@clinic.example' };
    expect((await signOn()).body.detail).toContain('not verified');
    behaviour.userinfo = { sub: 'ada-there', email: 'ada@clinic.example', email_verified: true };
    expect((await signOn()).status).toBe(200);
  });

  test('a wrong password is still counted after a sign-on', async () => {
    for (let guess = 0; guess < 5; guess += 1) {
      await app.request({ url: '/auth/login', method: 'POST', body: { login: 'ada', password: 'wrong password' } });
      if (guess === 2) expect((await signOn()).status).toBe(200);
    }
    const next = await app.request({
      url: '/auth/login',
      method: 'POST',
      body: { login: 'ada', password: 'wrong password' },
    });
    expect(next.body).toMatchObject({ code: 'account_locked' });
  });
});

describe('new accounts', () => {
  const join = async (claims: object) => {
    Object.assign(behaviour.claims, { sub: String(Math.random()), ...claims });
    return signOn();
  };

  test('are made where the provider’s settings say so, with what the application says', async () => {
    connections.there = { ...connections.there, newAccounts: true } as never;
    const answer = await join({ email: 'New@Clinic.example', name: 'New' });
    expect(answer.status, answer.text).toBe(200);
    const me = await meOf(answer.body.accessToken);
    const own = await app.request({ url: `/api/users/${me.id}`, token: answer.body.accessToken });
    expect(own.body).toMatchObject({ login: 'new@clinic.example', level: 'none', disabled: false });
    expect((await app.audit()).map(({ event }) => event)).toEqual([
      'account.created',
      'record.created',
      'rights.changed',
      'sign_on.linked',
      'login.succeeded',
    ]);
  });

  test('are never an administrator’s', async () => {
    connections.there = { ...connections.there, newAccounts: true } as never;
    const before = await app.fingerprint();
    expect((await join({ email: 'boss@clinic.example', name: 'Boss' })).body).toMatchObject({ code: 'internal' });
    expect(await app.fingerprint()).toBe(before);
  });

  test('are not made over somebody else’s name', async () => {
    connections.there = { ...connections.there, newAccounts: true } as never;
    await app.seed((system) => system.create('User', { login: 'taken@clinic.example' }));
    const answer = await join({ email: 'taken@clinic.example' });
    expect(answer.body).toMatchObject({ status: 403, code: 'sign_on_refused' });
    expect(answer.body.detail).toContain('name is taken');
  });
});

describe('OAuth 2.0 without OpenID Connect', () => {
  const oauth = (more: object) => {
    const issuer = String(behaviour.metadata.issuer);
    connections.there = {
      authorizationEndpoint: `${issuer}/authorize`,
      tokenEndpoint: `${issuer}/token`,
      profileEndpoint: `${issuer}/profile`,
      issuer,
      scopes: ['read:user'],
      ...CLIENT,
      ...more,
    };
    behaviour.token.id_token = undefined;
  };

  test('asks for the profile, with the access token, and sends PKCE', async () => {
    oauth({ claims: { subject: 'id', verified: 'confirmed' } });
    behaviour.profile = { id: 4711, email: 'ada@clinic.example', confirmed: true };
    const asked = await browser.start('there');
    expect(asked.searchParams.get('code_challenge_method')).toBe('S256');
    expect(asked.searchParams.has('nonce')).toBe(false);
    const answer = await browser.back(fake.answer(asked), 'application/json');
    expect(answer.status, answer.text).toBe(200);
    expect(fake.requests.at(-1)).toMatchObject({ path: '/profile', authorization: 'Bearer an access token' });
    const { rows } = await app.database.pool.query('select issuer, subject from ostiary.sign_on_link');
    expect(rows).toEqual([{ issuer: behaviour.metadata.issuer, subject: '4711' }]);
  });

  test.each([
    [[{ email: 'ada@clinic.example', primary: true, verified: true }], 200],
    [[{ email: 'ada@clinic.example', primary: true, verified: false }], 403],
    [[{ email: 'ada@clinic.example', primary: false, verified: true }], 403],
    [[], 403],
    [{ email: 'ada@clinic.example', verified: true }, 403],
  ])('with a list of addresses as GitHub’s, %j: %i', async (emails, status) => {
    oauth({ claims: { subject: 'id' }, emailsEndpoint: `${behaviour.metadata.issuer}/emails` });
    // What the profile itself says of the address is the public one, which may be anything.
    behaviour.profile = { id: 1, email: 'head@clinic.example', email_verified: true };
    behaviour.emails = emails;
    const answer = await signOn();
    expect(answer.status, answer.text).toBe(status);
    if (status !== 200) return;
    expect(await meOf(answer.body.accessToken)).toMatchObject({ id: await app.idOf('User', 'login', 'ada') });
  });

  test.each([
    ['that tells nobody', (of: Behaviour) => void Object.assign(of, { profile: { email: 'ada@clinic.example' } })],
    ['that is a list', (of: Behaviour) => void Object.assign(of, { profile: [] })],
    ['that is refused', (of: Behaviour) => void Object.assign(of.answers, { '/profile': UNAUTHORIZED })],
  ])('refuses a profile %s', async (_, spoil) => {
    oauth({ claims: { subject: 'id' } });
    spoil(behaviour);
    expect((await signOn()).body).toMatchObject({ status: 403, code: 'sign_on_failed' });
  });
});

describe('what a page needs', () => {
  test('the providers that let in, and not the others', async () => {
    connections.off = { issuer: real.issuer, login: false, ...CLIENT };
    connections.broken = { clientId: 'no issuer' };
    const { body } = await browser.get('/auth/sign-on');
    expect(body.providers).toEqual([
      { name: 'there', title: 'There', start: `${PUBLIC}/clinic/auth/sign-on/there` },
      { name: 'real', title: 'Real', start: `${PUBLIC}/clinic/auth/sign-on/real` },
    ]);
    expect(JSON.stringify(body)).not.toContain(CLIENT.clientSecret);
    for (const name of ['off', 'broken', 'nobody']) {
      expect((await browser.get(`/auth/sign-on/${name}`)).body).toMatchObject({ code: 'not_found' });
      expect((await browser.get(`/auth/sign-on/${name}/callback?code=1&state=2`)).body).toMatchObject({
        code: 'not_found',
      });
    }
  });

  test('a cookie that only this host can set, and no script reads', async () => {
    const { headers } = await browser.get('/auth/sign-on/there');
    expect(headers['set-cookie']).toMatch(
      /^__Host-ostiary-sign-on=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=900$/,
    );
  });

  test('pages of a configured origin may send it along', async () => {
    const { headers } = await app.request({
      url: '/auth/sign-on/token',
      method: 'OPTIONS',
      headers: { origin: 'https://pages.ostiary.example', 'access-control-request-method': 'POST' },
    });
    expect(headers['access-control-allow-credentials']).toBe('true');
    expect(headers['access-control-allow-origin']).toBe('https://pages.ostiary.example');
  });

  test('without any sign-on configured there are no providers', async () => {
    const bare = await openApplication(clinic);
    expect((await bare.request({ url: '/auth/sign-on' })).body).toEqual({ providers: [] });
    expect((await bare.request({ url: '/auth/sign-on/there' })).body).toMatchObject({ code: 'not_found' });
    await bare.close();
  });
});

describe('links', () => {
  test('are shown to whose they are, and undone by them alone', async () => {
    const { accessToken: token } = (await signOn()).body;
    const { body } = await app.request({ url: '/auth/links', token });
    expect(body.links).toMatchObject([{ provider: 'there', issuer: behaviour.metadata.issuer }]);
    const [{ id }] = body.links;
    expect((await app.request({ url: '/auth/links', as: 'bob' })).body.links).toEqual([]);
    const others = await app.request({ url: `/auth/links/${id}`, method: 'DELETE', as: 'bob' });
    expect(others.body).toMatchObject({ code: 'not_found' });
    await app.audit();
    expect((await app.request({ url: `/auth/links/${id}`, method: 'DELETE', token })).status).toBe(204);
    expect((await app.request({ url: '/auth/links', token })).body.links, 'the session goes on').toEqual([]);
    expect(await app.audit()).toMatchObject([{ event: 'sign_on.unlinked', login: 'ada' }]);
    behaviour.claims.email_verified = false;
    expect((await signOn()).body.detail).toContain('not verified');
  });

  test('go with the account', async () => {
    connections.there = { ...connections.there, newAccounts: true } as never;
    Object.assign(behaviour.claims, { email: 'gone@clinic.example', sub: 'gone' });
    const { id } = await meOf((await signOn()).body.accessToken);
    expect((await app.request({ url: `/api/users/${id}`, method: 'DELETE', as: 'head' })).status).toBe(204);
    expect((await app.database.pool.query('select 1 from ostiary.sign_on_link')).rows).toEqual([]);
  });
});
