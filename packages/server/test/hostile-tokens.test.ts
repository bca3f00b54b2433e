import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { application as openDataCapture } from '@ostiary/open-data-capture';
import type { JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, SECRET_KEY, START, type TestApplication } from './support/application.js';
import {
  asymmetric,
  decode,
  type Forgery,
  forge,
  forgeriesOf,
  hmac,
  type Json,
  type Kit,
} from './support/forgeries.js';
import { trials } from './support/trials.js';
import { overTheWire } from './support/wire.js';

const REFUSED = { title: 'The token is not valid, or no longer', status: 401, code: 'invalid_token' };

describe.each(['ES256', 'EdDSA', 'HS256'] as const)('an application with %s', (algorithm) => {
  let app: TestApplication;
  let port: number;
  let kit: Kit;

  beforeAll(async () => {
    const tokens = { algorithm, lifetimeSeconds: 3600 };
    app = await openApplication({ ...trials, tokens }, { beside: [openDataCapture] });
    await app.server.listen({ host: '127.0.0.1', port: 0 });
    port = (app.server.server.address() as AddressInfo).port;
    kit = await kitOf(app, algorithm);
  });
  afterAll(() => app?.close());

  /** Asks who one is, with these lines for headers. */
  async function me(lines: readonly string[], target = '/trials/auth/me') {
    const head = [`GET ${target} HTTP/1.1`, 'Host: x', 'Connection: close', ...lines, '', ''].join('\r\n');
    const { text } = await overTheWire(port, head);
    const [headers = '', body = ''] = text.split('\r\n\r\n');
    const challenge = /^www-authenticate: (.*)$/im.exec(headers)?.[1];
    const answer: JsonBody = JSON.parse(body);
    return { status: Number(headers.slice(9, 12)), challenge, body: answer };
  }

  /** One refusal, in the same words whatever is wrong, which the audit trail knows. */
  async function expectRefused(lines: readonly string[]): Promise<void> {
    await app.audit();
    const { status, challenge, body } = await me(lines);
    expect(status, JSON.stringify(body)).toBe(401);
    expect(challenge).toBe('Bearer error="invalid_token"');
    expect(body).toEqual({ type: 'urn:ostiary:problem:invalid_token', ...REFUSED, requestId: expect.any(String) });
    expect((await app.audit()).map(({ event, outcome }) => [event, outcome])).toEqual([['token.refused', 'refused']]);
  }

  test('takes a good token: or the cases below would prove nothing', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer  ']) {
      const { status, challenge, body } = await me([`Authorization: ${scheme} ${forge(kit)}`]);
      expect([status, challenge, body.id], scheme).toEqual([200, undefined, kit.claims.sub]);
    }
    const several = forge(kit, { claims: { aud: ['other', 'trials'] } });
    expect((await me([`Authorization: Bearer ${several}`])).status, 'audiences with ours').toBe(200);
  });

  test.each<Forgery>(forgeriesOf(algorithm, SECRET_KEY))('refuses %s', async (_, make) => {
    await expectRefused([`Authorization: Bearer ${make(kit)}`]);
  });

  test.each<[string, (token: string) => readonly string[]]>([
    ['no scheme', (token) => [`Authorization: ${token}`]],
    ['no token', () => ['Authorization: Bearer']],
    ['nothing at all', () => ['Authorization:']],
    ['another scheme', (token) => [`Authorization: Basic ${token}`]],
    ['a scheme that begins like ours', (token) => [`Authorization: Bearers ${token}`]],
    ['an equals sign', (token) => [`Authorization: Bearer=${token}`]],
    ['quotes', (token) => [`Authorization: Bearer "${token}"`]],
    ['a tab', (token) => [`Authorization: Bearer\t${token}`]],
    ['white space inside', (token) => [`Authorization: Bearer ${token.slice(0, 40)} ${token.slice(40)}`]],
    ['the scheme twice', (token) => [`Authorization: Bearer Bearer ${token}`]],
    ['a comma', (token) => [`Authorization: Bearer ${token},`]],
    ['two in one header', (token) => [`Authorization: Bearer ${token}, Bearer ${token}`]],
    ['two headers', (token) => [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`]],
    ['a bad one behind it', (token) => [`Authorization: Bearer ${token}`, 'authorization: Bearer x.y.z']],
    ['a bad one before it', (token) => ['AUTHORIZATION: Bearer x.y.z', `Authorization: Bearer ${token}`]],
  ])('refuses a good token with %s', async (_, lines) => {
    await expectRefused(lines(forge(kit)));
  });

  test.each<[string, (token: string) => readonly string[], ((token: string) => string)?]>([
    ['a cookie', (token) => [`Cookie: access_token=${token}; token=${token}; Authorization=Bearer ${token}`]],
    ['the query', () => [], (token) => `/trials/auth/me?access_token=${token}`],
    ['a header of another name', (token) => [`X-Access-Token: ${token}`, `Proxy-Authorization: Bearer ${token}`]],
  ])('does not look for a token in %s', async (_, lines, target) => {
    const token = forge(kit);
    const { status, challenge, body } = await me(lines(token), target?.(token));
    expect([status, challenge, body.code]).toEqual([401, 'Bearer', 'not_authenticated']);
  });

  test('does not look for a token in a body', async () => {
    const payload = { access_token: forge(kit) };
    const answer = await app.request({ method: 'POST', url: '/api/sites', body: payload });
    expect([answer.status, answer.body.code]).toEqual([401, 'not_authenticated']);
  });

  test('refuses the token of another application', async () => {
    const login = { username: 'admin', password: 'ostiary-demo' };
    const answer = await app.root({ method: 'POST', url: '/open-data-capture/auth/login', body: login });
    await expectRefused([`Authorization: Bearer ${answer.body.accessToken}`]);
  });

  test('refuses the token of another installation', async () => {
    const other = await openApplication({ ...trials, tokens: { algorithm, lifetimeSeconds: 3600 } }, { demo: false });
    try {
      // It says the same, down to the session: but with keys of its own, or else as another issuer with the same secret.
      const { sub, sid, kind } = kit.claims as { sub: string; sid: string; kind: string };
      const { token } = await other.context.identity.tokens.issue({ sub, kind, sessionId: sid }, START);
      const elsewhere = forge(kit, { claims: { iss: 'urn:uuid:0195500e-0000-7000-8000-000000000003' } });
      await expectRefused([`Authorization: Bearer ${algorithm === 'HS256' ? elsewhere : token}`]);
    } finally {
      await other.close();
    }
  });

  test.each<[string, (who: { login: string; id: string; token: string }) => Promise<unknown>]>([
    ['a session that was ended', ({ token }) => app.request({ token, method: 'POST', url: '/auth/logout' })],
    [
      'a session that a change of the password ended',
      ({ id }) =>
        app.request({
          as: 'director',
          method: 'PATCH',
          url: `/api/persons/${id}`,
          body: { password: 'violet-harbour-castle-91' },
        }),
    ],
    ['a deleted account', ({ id }) => app.request({ as: 'director', method: 'DELETE', url: `/api/persons/${id}` })],
    [
      'a disabled account',
      ({ id }) => app.database.pool.query('update ostiary.account set disabled = true where principal_id = $1', [id]),
    ],
  ])('refuses a token of %s', async (says, end) => {
    const login = `person of ${says}`;
    const password = 'copper-lantern-meadow-58';
    const made = await app.request({ as: 'director', method: 'POST', url: '/api/persons', body: { login, password } });
    expect(made.status, made.text).toBe(201);
    const token = await app.login(login, password);
    expect((await me([`Authorization: Bearer ${token}`])).status).toBe(200);
    await end({ login, id: made.body.id, token });
    await expectRefused([`Authorization: Bearer ${token}`]);
  });

  test('refuses a token that was good, once its time is over', async () => {
    const authorization = [`Authorization: Bearer ${await app.login('lead')}`];
    expect((await me(authorization)).status).toBe(200);
    app.clock.set(new Date(START.getTime() + 3600_000));
    await expectRefused(authorization);
    app.clock.set(START);
  });
});

/** Everything that makes a good token of the director's. */
async function kitOf(app: TestApplication, algorithm: Kit['algorithm']): Promise<Kit> {
  const [header = '', claims = ''] = (await app.login('director')).split('.');
  const encryption = await encryptionKey(app);
  const common = {
    algorithm,
    header: JSON.parse(decode(header)) as Json,
    claims: JSON.parse(decode(claims)) as Json,
    encryption,
  };
  if (algorithm === 'HS256') {
    return { ...common, signer: hmac(SECRET_KEY), privateKey: null, publicKey: null, publicJwk: { kty: 'oct' } };
  }
  const { rows } = await app.database.pool.query('select * from ostiary.signing_key where id = $1', [
    common.header.kid,
  ]);
  const { public_jwk: publicJwk, private_jwk: jwk } = rows[0] as { public_jwk: JWK; private_jwk: JsonBody };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  return { ...common, signer: asymmetric(privateKey), privateKey, publicKey: createPublicKey(privateKey), publicJwk };
}

/** Adds a good key pair that is marked for encryption. */
async function encryptionKey(app: TestApplication): Promise<Kit['encryption']> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = 'for-encryption';
  const jwks = [publicKey, privateKey].map((key) =>
    JSON.stringify({ ...key.export({ format: 'jwk' }), kid, use: 'enc' }),
  );
  await app.database.pool.query(
    `insert into ostiary.signing_key (id, algorithm, public_jwk, private_jwk, created_at) values ($1, 'ES256', $2, $3, $4)`,
    [kid, ...jwks, START],
  );
  return { kid, signer: asymmetric(privateKey) };
}
