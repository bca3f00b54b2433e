import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { NO_RATES } from '@ostiary/server';
import { createServer } from '@ostiary/server/http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestAnswer, type TestApplication } from './support/application.js';
import { Browser, PAGE, PUBLIC } from './support/browser.js';
import { clinic, connections } from './support/clinic.js';
import { type Behaviour, CLIENT, type FakeProvider, fakeProvider } from './support/fake-provider.js';

const SIGN_ON = { url: PUBLIC, providers: [], returnTo: [PAGE] };

let app: TestApplication;
/** The same, behind a server that waits for no provider. */
let hasty: Pick<TestApplication, 'name' | 'request'>;
let hastyServer: Awaited<ReturnType<typeof createServer>>;
let provider: FakeProvider;

beforeAll(async () => {
  app = await openApplication(clinic, { signOn: SIGN_ON });
  const { installation } = app;
  const signOn = { ...SIGN_ON, providerSeconds: 0.2 };
  hastyServer = await createServer({ installation, version: '0.0.0-test', rates: NO_RATES, signOn });
  hasty = {
    name: app.name,
    async request({ url, headers = {} }) {
      const answer = await hastyServer.inject({ url: `/${app.name}${url}`, headers });
      const { statusCode: status, body: text } = answer;
      return { status, headers: answer.headers as TestAnswer['headers'], text, body: JSON.parse(text) };
    },
  };
  provider = await fakeProvider(() => app.clock.now());
});
afterAll(async () => {
  await hastyServer.close();
  await app.close();
  await provider.close();
});

let behaviour: Behaviour;
let browser: Browser;

beforeEach(async () => {
  for (const name of Object.keys(connections)) delete connections[name];
  browser = new Browser(app);
  const made = provider.issuer();
  behaviour = made.behaviour;
  connections.there = { title: 'There', issuer: made.issuer, ...CLIENT };
  await app.audit();
  provider.requests.length = 0;
});

const sessions = async () => (await app.database.pool.query('select id from ostiary.login_session')).rows.length;
const links = async () => (await app.database.pool.query('select id from ostiary.sign_on_link')).rows.length;

/** Signs on with what the test made wrong, and asks for JSON. */
async function signOn(changes: Readonly<Record<string, string | null>> = {}): Promise<TestAnswer> {
  return browser.back(provider.answer(await browser.start('there'), changes), 'application/json');
}

/** One refusal for all: the same words, an entry in the trail, and nobody is let in. */
async function expectRefused(work: () => Promise<TestAnswer>, reason: string): Promise<void> {
  const [before, linked] = [await sessions(), await links()];
  const answer = await work();
  expect(answer.body).toMatchObject({
    status: 403,
    code: 'sign_on_failed',
    detail: 'The sign-on could not be finished. Begin again.',
  });
  expect(Object.keys(answer.body).sort()).toEqual(['code', 'detail', 'requestId', 'status', 'title', 'type']);
  expect([await sessions(), await links()], 'somebody was let in').toEqual([before, linked]);
  const trail = await app.audit();
  expect(trail.map(({ event, outcome }) => [event, outcome])).toEqual([['sign_on.refused', 'refused']]);
  expect(trail[0]?.detail).toMatchObject({ reason });
}

test('a provider that does nothing wrong lets in', async () => {
  const answer = await signOn();
  expect(answer.status, answer.text).toBe(200);
});

const past = () => Math.floor(app.clock.now().getTime() / 1000) - 3_600;

describe('refuses an ID token', () => {
  test.each<readonly [says: string, spoil: () => void]>([
    ['of another issuer', () => Object.assign(behaviour.claims, { iss: 'https://accounts.google.com' })],
    ['for another client', () => Object.assign(behaviour.claims, { aud: 'somebody-else' })],
    ['for several clients, without who asked', () => Object.assign(behaviour.claims, { aud: ['ostiary', 'another'] })],
    ['that another client asked for', () => Object.assign(behaviour.claims, { aud: ['ostiary', 'b'], azp: 'b' })],
    ['of another sign-on, by its nonce', () => Object.assign(behaviour.claims, { nonce: 'another' })],
    ['without a nonce', () => Object.assign(behaviour.claims, { nonce: undefined })],
    ['that has expired', () => Object.assign(behaviour.claims, { exp: past() })],
    ['that is not good yet', () => Object.assign(behaviour.claims, { nbf: past() + 7_200 })],
    ['without an end', () => Object.assign(behaviour.claims, { exp: undefined })],
    ['without a subject', () => Object.assign(behaviour.claims, { sub: undefined })],
    ['whose subject is empty', () => Object.assign(behaviour.claims, { sub: '' })],
    ['whose subject is no ASCII', () => Object.assign(behaviour.claims, { sub: 'ada\u0000' })],
    ['whose subject is longer than any', () => Object.assign(behaviour.claims, { sub: 'a'.repeat(256) })],
    ['that came with another access token, by at_hash', () => Object.assign(behaviour.claims, { at_hash: 'bm90IGl0' })],
    ['whose at_hash is no text', () => Object.assign(behaviour.claims, { at_hash: 7 })],
    ['signed with another key', () => Object.assign(behaviour, { signing: 'another key' })],
    ['signed with a key that is not published', () => Object.assign(behaviour.header, { kid: 'two' })],
    ['that is not signed (alg none)', () => Object.assign(behaviour, { signing: 'nothing' })],
    ['signed by HS256 with the public key', () => Object.assign(behaviour, { signing: 'public key' })],
    ['with a critical extension', () => Object.assign(behaviour.header, { crit: ['exp'] })],
    ['that is left out', () => Object.assign(behaviour.token, { id_token: undefined })],
    ['that is no token', () => Object.assign(behaviour.token, { id_token: 'a.b.c' })],
  ])('%s', async (_, spoil) => {
    spoil();
    await expectRefused(() => signOn(), 'answer');
  });
});

describe('refuses a provider', () => {
  const redirect = (to: string) => (_: unknown, response: ServerResponse) => {
    response.writeHead(302, { location: to }).end();
  };
  const huge = (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(`{"x":"${'x'.repeat(300_000)}"}`);
  };
  const slow = (_: unknown, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{');
  };

  test.each<readonly [says: string, spoil: () => void]>([
    ['whose keys are said to be inside the network', () => meta({ jwks_uri: 'http://169.254.169.254/keys' })],
    ['whose keys are said to be inside it, by https', () => meta({ jwks_uri: 'https://10.0.0.1/keys' })],
    ['whose keys are said to be on this machine', () => meta({ jwks_uri: 'https://localhost/keys' })],
    [
      'whose keys are said to be on this machine, otherwise written',
      () => meta({ jwks_uri: 'https://[::ffff:7f00:1]/' }),
    ],
    ['whose keys are said to be on this machine, with a dot', () => meta({ jwks_uri: 'https://localhost./keys' })],
    ['whose keys come without https', () => meta({ jwks_uri: 'http://keys.example/' })],
    ['whose keys are a file', () => meta({ jwks_uri: 'file:///etc/passwd' })],
    ['whose userinfo is inside the network', () => meta({ userinfo_endpoint: 'http://192.168.0.1/admin' })],
    ['whose token endpoint is inside the network', () => meta({ token_endpoint: 'http://10.0.0.1/' })],
    ['that sends browsers to no https', () => meta({ authorization_endpoint: 'http://elsewhere.example/' })],
    ['that sends browsers to a script', () => meta({ authorization_endpoint: 'javascript:alert(1)' })],
    ['that is another one', () => meta({ issuer: 'https://accounts.google.com' })],
    ['that has no keys', () => meta({ jwks_uri: undefined })],
    ['that does not know PKCE with S256', () => meta({ code_challenge_methods_supported: ['plain'] })],
    ['that describes itself at length', () => answer('/.well-known/openid-configuration', huge)],
    ['that is described elsewhere', () => answer('/.well-known/openid-configuration', redirect('http://10.0.0.1/'))],
    ['that is no provider', () => answer('/.well-known/openid-configuration', (_, to) => void to.end('<html>'))],
  ])('%s, before anybody is sent there', async (_, spoil) => {
    spoil();
    await expectRefused(() => browser.get('/auth/sign-on/there', 'application/json'), 'answer');
    expect((await app.database.pool.query('select 1 from ostiary.sign_on_state')).rows).toEqual([]);
  });

  test.each<readonly [says: string, spoil: () => void]>([
    ['that gives out tokens at length', () => answer('/token', huge)],
    ['that gives out tokens elsewhere', () => answer('/token', redirect('http://169.254.169.254/'))],
    ['whose keys are elsewhere', () => answer('/jwks', redirect('http://169.254.169.254/'))],
    ['whose userinfo is elsewhere', () => answer('/userinfo', redirect('http://10.0.0.1/'), { email: undefined })],
    ['whose userinfo is of another person', () => tell({ sub: 'somebody', email: 'ada@clinic.example' })],
    ['that fails', () => answer('/token', (_, to) => void to.writeHead(500).end('Internal Server Error'))],
    ['that answers no JSON', () => answer('/token', (_, to) => void to.writeHead(200).end('<html>'))],
    ['that hangs up', () => answer('/token', (_, to) => void to.destroy())],
    ['that knows no such code', () => answer('/token', (_, to) => void to.writeHead(400, JSON_TYPE).end(NO_GRANT))],
    ['whose token is of a strange kind', () => Object.assign(behaviour.token, { token_type: 'mac' })],
  ])('%s', async (_, spoil) => {
    spoil();
    await expectRefused(() => signOn(), 'answer');
  });

  test('that describes itself slowly, before anybody is sent there', async () => {
    answer('/.well-known/openid-configuration', slow);
    await expectRefused(() => new Browser(hasty).get('/auth/sign-on/there', 'application/json'), 'answer');
  });

  test.each(['/token', '/jwks'])('that is slow at %s', async (path) => {
    const back = provider.answer(await browser.start('there'));
    answer(path, slow);
    const same = new Browser(hasty);
    same.cookie = browser.cookie;
    await expectRefused(() => same.back(back, 'application/json'), 'answer');
  });

  test.each(['/token', '/jwks'])(
    'whose answer at %s would be a good one elsewhere: it is not followed there',
    async (path) => {
      const other = provider.issuer();
      answer(path, redirect(`${other.issuer}${path}?elsewhere`));
      await expectRefused(() => signOn(), 'answer');
      expect(provider.requests.filter(({ path: asked }) => asked === path)).toHaveLength(1);
    },
  );

  const JSON_TYPE = { 'content-type': 'application/json' };
  const NO_GRANT = '{"error":"invalid_grant"}';
  const meta = (changes: object) => void Object.assign(behaviour.metadata, changes);
  const answer = (path: string, how: Behaviour['answers'][string], claims: object = {}) => {
    behaviour.answers[path] = how;
    Object.assign(behaviour.claims, claims);
  };
  const tell = (userinfo: Behaviour['userinfo']) => {
    Object.assign(behaviour, { userinfo });
    Object.assign(behaviour.claims, { email: undefined });
  };
});

describe('refuses an answer', () => {
  test('with a state that was used', async () => {
    const back = provider.answer(await browser.start('there'));
    expect((await browser.back(back)).status).toBe(303);
    await app.audit();
    await expectRefused(() => browser.back(back, 'application/json'), 'state');
  });

  test('with a state that is too old', async () => {
    const back = provider.answer(await browser.start('there'));
    app.clock.advance(601);
    await expectRefused(() => browser.back(back, 'application/json'), 'state');
  });

  test('with the state of another browser', async () => {
    const victim = new Browser(app);
    await victim.start('there');
    const back = provider.answer(await browser.start('there'));
    await expectRefused(() => victim.back(back, 'application/json'), 'state');
  });

  test('that comes to a browser without its cookie, or with a second one', async () => {
    const back = provider.answer(await browser.start('there'));
    await expectRefused(() => new Browser(app).back(back, 'application/json'), 'state');
    const again = provider.answer(await browser.start('there'));
    browser.cookie = `${browser.cookie}; ${browser.cookie?.slice(0, -1)}x`;
    await expectRefused(() => browser.back(again, 'application/json'), 'state');
  });

  test.each([
    ['without a state', { state: null }],
    ['with a state that was made up', { state: 'x'.repeat(43) }],
    ['with a state of another form', { state: "' or 1=1 --" }],
  ])('%s', async (_, changes) => {
    const back = provider.answer(await browser.start('there'), changes);
    await expectRefused(() => browser.back(back, 'application/json'), 'state');
  });

  test('with two states', async () => {
    const back = provider.answer(await browser.start('there'));
    back.searchParams.append('state', 'x'.repeat(43));
    await expectRefused(() => browser.back(back, 'application/json'), 'state');
  });

  test.each([
    ['of an issuer that is another one (RFC 9207)', { iss: 'https://accounts.google.com' }],
    ['without its issuer, which this provider always says (RFC 9207)', { iss: null }],
    ['without a code', { code: null }],
    ['with an ID token in the address', { id_token: 'a.b.c' }],
    ['with a signed response, which was not asked for', { response: 'a.b.c' }],
  ])('%s', async (_, changes) => {
    await expectRefused(() => signOn(changes), 'answer');
  });

  test('with two codes', async () => {
    const back = provider.answer(await browser.start('there'));
    back.searchParams.append('code', 'another');
    await expectRefused(() => browser.back(back, 'application/json'), 'answer');
  });

  test('that was mixed up: begun with one provider, and answered at the address of another', async () => {
    const other = provider.issuer();
    connections.evil = { issuer: other.issuer, ...CLIENT };
    const back = provider.answer(await browser.start('there'));
    const before = provider.requests.length;
    back.pathname = back.pathname.replace('/there/', '/evil/');
    await expectRefused(() => browser.back(back, 'application/json'), 'state');
    expect(provider.requests.length, 'the code was sent to the other provider').toBe(before);
  });

  test('whose code was stolen from another browser: its nonce and its verifier are of that one', async () => {
    const victim = new Browser(app);
    const stolen = await victim.start('there');
    behaviour.claims.nonce = stolen.searchParams.get('nonce');
    await expectRefused(
      async () => browser.back(provider.answer(await browser.start('there')), 'application/json'),
      'answer',
    );
    const sent = new URLSearchParams(provider.requests.findLast(({ path }) => path === '/token')?.body);
    expect(sent.get('code_verifier')).toMatch(/^[\w-]{43}$/);
    expect(challenge(sent.get('code_verifier') ?? '')).not.toBe(stolen.searchParams.get('code_challenge'));
  });

  test('where the provider itself says no, which is told as such', async () => {
    const answer = await signOn({ error: 'access_denied', code: null });
    expect(answer.body).toMatchObject({ status: 403, code: 'sign_on_refused' });
    expect(await app.audit()).toMatchObject([
      { event: 'sign_on.refused', detail: { provider: 'there', reason: 'denied' } },
    ]);
  });
});

describe('refuses a one-time code', () => {
  const code = async () => browser.codeOf(await browser.back(provider.answer(await browser.start('there'))));
  const redeem = (with_: string, from = browser) => from.post('/auth/sign-on/token', { code: with_ });

  test('from another browser, and then from its own', async () => {
    const made = await code();
    const thief = new Browser(app);
    await thief.start('there');
    await app.audit();
    await expectRefused(() => redeem(made, thief), 'code');
    await expectRefused(() => redeem(made), 'code');
  });

  test('a second time', async () => {
    const made = await code();
    const { cookie } = browser;
    expect((await redeem(made)).status).toBe(200);
    browser.cookie = cookie;
    await app.audit();
    await expectRefused(() => redeem(made), 'code');
  });

  test('after a minute', async () => {
    const made = await code();
    app.clock.advance(61);
    await app.audit();
    await expectRefused(() => redeem(made), 'code');
  });

  test('that was made up', async () => {
    await browser.start('there');
    await expectRefused(() => redeem('x'.repeat(43)), 'code');
  });

  test('of somebody who was disabled meanwhile', async () => {
    const made = await code();
    const ada = await app.idOf('User', 'login', 'ada');
    await app.seed((system) => system.update('User', ada, { disabled: true }));
    const before = await sessions();
    expect((await redeem(made)).body).toMatchObject({ status: 403, code: 'account_disabled' });
    expect(await sessions()).toBe(before);
    await app.seed((system) => system.update('User', ada, { disabled: false }));
  });
});

test.each([
  'https://evil.example/',
  'https://ostiary.example/signed-in/../evil',
  'https://ostiary.example/signed-in?x',
  '//evil.example',
  'javascript:alert(1)',
])('sends nobody back to %s', async (address) => {
  const answer = await browser.get(`/auth/sign-on/there?returnTo=${encodeURIComponent(address)}`);
  expect(answer.body).toMatchObject({ status: 422, code: 'invalid_input' });
  expect(answer.headers.location).toBeUndefined();
});

test('no secret of a sign-on is in the database or the trail', async () => {
  const asked = await browser.start('there');
  const finished = await browser.back(provider.answer(asked));
  const secrets = [
    asked.searchParams.get('state'),
    asked.searchParams.get('nonce'),
    browser.cookie?.split('=')[1],
    browser.codeOf(finished),
    'an access token',
    CLIENT.clientSecret,
  ];
  const stored = await Promise.all(
    ['sign_on_state', 'sign_on_code', 'sign_on_link', 'audit', 'login_session'].map(
      async (table) => (await app.database.pool.query(`select t::text from ostiary.${table} t`)).rows,
    ),
  );
  const text = JSON.stringify(stored);
  for (const secret of secrets) {
    expect(secret).toBeTruthy();
    expect(text).not.toContain(secret);
    expect(text).not.toContain(Buffer.from(secret ?? '').toString('hex'));
  }
  expect(finished.text).toBe('');
});

function challenge(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
