import { createHash } from 'node:crypto';
import { systemRuntime } from '@ostiary/server';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createSignOnClient } from '../src/sign-on/client.js';
import { personOf } from '../src/sign-on/person.js';
import { toProvider } from '../src/sign-on/settings.js';

const BASE = 'https://login.microsoftonline.com';
const TENANT = '11111111-2222-4333-8444-555555555555';
const OTHER = '99999999-2222-4333-8444-555555555555';
const provider = toProvider('microsoft', { preset: 'microsoft', clientId: 'us', clientSecret: 'hush' });
const client = createSignOnClient(systemRuntime, { seconds: 10 });
const proof = { redirectUri: 'https://us.example/back', state: 's', nonce: 'n', codeVerifier: 'v'.repeat(43) };

let claims: Readonly<Record<string, unknown>>;
const asked: string[] = [];

/** As much of Microsoft as a sign-on sees: what it says of itself names a tenant only by a placeholder. */
beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const sign = () =>
    new SignJWT({ aud: 'us', nonce: 'n', ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  const answers: Readonly<Record<string, () => unknown>> = {
    [`${BASE}/common/v2.0/.well-known/openid-configuration`]: () => ({
      issuer: `${BASE}/{tenantid}/v2.0`,
      authorization_endpoint: `${BASE}/common/oauth2/v2.0/authorize`,
      token_endpoint: `${BASE}/common/oauth2/v2.0/token`,
      jwks_uri: `${BASE}/common/discovery/v2.0/keys`,
      userinfo_endpoint: 'https://graph.microsoft.com/oidc/userinfo',
      id_token_signing_alg_values_supported: ['RS256'],
    }),
    [`${BASE}/common/oauth2/v2.0/token`]: async () => ({
      access_token: 'a',
      token_type: 'Bearer',
      id_token: await sign(),
    }),
    [`${BASE}/common/discovery/v2.0/keys`]: async () => ({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] }),
  };
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url);
    const answer = answers[url];
    return answer === undefined ? new Response('{}', { status: 404 }) : Response.json(await answer());
  });
});
afterAll(() => vi.unstubAllGlobals());

const signOn = async (of: Readonly<Record<string, unknown>>) => {
  claims = { tid: TENANT, iss: `${BASE}/${TENANT}/v2.0`, sub: 'pairwise', email: 'ada@clinic.example', ...of };
  const { issuer, told } = await client.redeem(provider, new URL(`${proof.redirectUri}?code=c&state=s`), proof);
  return personOf(provider, issuer, told);
};

test('sends people there with PKCE and a nonce', async () => {
  const url = await client.authorizationUrl(provider, proof);
  expect(url.origin + url.pathname).toBe(`${BASE}/common/oauth2/v2.0/authorize`);
  expect(url.searchParams.get('code_challenge')).toBe(
    createHash('sha256').update(proof.codeVerifier).digest('base64url'),
  );
  expect(url.searchParams.get('nonce')).toBe('n');
});

test.each([[true], ['1'], [1]])(
  'each tenant is an issuer of its own, and vouches by xms_edov: %j',
  async (xms_edov) => {
    expect(await signOn({ xms_edov })).toMatchObject({ issuer: `${BASE}/${TENANT}/v2.0`, email: 'ada@clinic.example' });
  },
);

test.each([[{}], [{ xms_edov: false }], [{ xms_edov: '0' }], [{ email_verified: true }]])(
  'an address that any tenant could have written is not verified: %j',
  async (of) => {
    expect(await signOn(of)).toMatchObject({ email: null, emailUnverified: true });
  },
);

test.each([
  ['a tenant that speaks for another', { iss: `${BASE}/${OTHER}/v2.0` }],
  ['the placeholder', { iss: `${BASE}/{tenantid}/v2.0` }],
  ['another issuer', { iss: `https://evil.example/${TENANT}/v2.0` }],
  ['a tenant that is an address', { tid: '../evil', iss: `${BASE}/${TENANT}/v2.0` }],
])('refuses %s', async (_, of) => {
  await expect(signOn({ xms_edov: true, ...of })).rejects.toThrow();
});

test('asks for what it says of itself and for its keys once', () => {
  expect(asked.filter((url) => url.includes('.well-known'))).toHaveLength(1);
  expect(asked.filter((url) => url.endsWith('/keys'))).toHaveLength(1);
});
