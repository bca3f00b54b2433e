import { createHash, hash } from 'node:crypto';
import * as oidc from 'openid-client';
import { createBoundedCache } from '../bounded-cache.js';
import type { Runtime } from '../runtime.js';
import { isLoopbackHost, mayBeCalled } from './addresses.js';
import { type Limits, providerFetch } from './fetch.js';
import type { Provider } from './provider.js';

/** So long what a provider says of itself is believed, in milliseconds. */
const DISCOVERY_LASTS = 3_600_000;
const MOST_PROVIDERS = 1_000;

/** What ties an answer to the browser that asked: the same for the request and for its answer. */
export interface Proof {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** What a provider tells of a person: claims of OpenID Connect, or members of a profile. */
export type Told = Readonly<Record<string, unknown>>;

/** Speaks with providers. */
export interface SignOnClient {
  /**
   * The address to send the browser to.
   * @throws whatever is wrong with the provider
   */
  authorizationUrl(provider: Provider, proof: Proof): Promise<URL>;
  /**
   * Redeems the code that the provider gave the browser, and asks who it is for.
   * @param answer the address that the browser came back to, with everything in its query
   * @throws whatever is wrong with the answer; `AuthorizationResponseError` where the provider itself refused
   */
  redeem(provider: Provider, answer: URL, proof: Proof): Promise<{ readonly issuer: string; readonly told: Told }>;
}

interface Known {
  readonly configuration: oidc.Configuration;
  readonly at: Date;
}

/** Makes a client. What providers say of themselves is kept for an hour; a setting that changes counts at once. */
export function createSignOnClient(runtime: Runtime, limits: Limits): SignOnClient {
  const known = createBoundedCache<Known>(MOST_PROVIDERS);

  const configurationOf = async (provider: Provider): Promise<oidc.Configuration> => {
    const key = hash('sha256', JSON.stringify(provider), 'base64url');
    const now = runtime.now();
    const found = known.get(key);
    const age = found === undefined ? -1 : now.getTime() - found.at.getTime();
    if (found !== undefined && age >= 0 && age < DISCOVERY_LASTS) return found.configuration;
    const configuration = await configure(provider, now, limits);
    known.set(key, { configuration, at: now });
    return configuration;
  };

  return {
    async authorizationUrl(provider, proof) {
      const configuration = await configurationOf(provider);
      const { redirectUri: redirect_uri, state, nonce, codeVerifier } = proof;
      return oidc.buildAuthorizationUrl(configuration, {
        redirect_uri,
        state,
        scope: provider.scopes.join(' '),
        ...(provider.protocol.kind === 'openid' && provider.bindsCodes ? { nonce } : {}),
        ...(provider.bindsCodes
          ? {
              code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
              code_challenge_method: 'S256',
            }
          : {}),
      });
    },

    async redeem(provider, answer, proof) {
      const configuration = await configurationOf(provider);
      const isOpenId = provider.protocol.kind === 'openid';
      const tokens = await oidc.authorizationCodeGrant(configuration, answer, {
        expectedState: proof.state,
        idTokenExpected: isOpenId,
        ...(provider.bindsCodes ? { pkceCodeVerifier: proof.codeVerifier } : {}),
        ...(isOpenId && provider.bindsCodes ? { expectedNonce: proof.nonce } : {}),
      });
      return isOpenId
        ? openIdPerson(configuration, provider, tokens)
        : oauthPerson(configuration, provider, tokens.access_token);
    },
  };
}

async function configure(provider: Provider, now: Date, limits: Limits): Promise<oidc.Configuration> {
  const { protocol, clientId, clientSecret, clientAuthentication } = provider;
  const metadata = {
    // The library reads the clock of the machine itself: it is told how far that is from ours.
    [oidc.clockSkew]: Math.round((now.getTime() - Date.now()) / 1000),
    [oidc.clockTolerance]: 30,
  };
  const authentication =
    clientSecret === null
      ? oidc.None()
      : clientAuthentication === 'client_secret_basic'
        ? oidc.ClientSecretBasic(clientSecret)
        : oidc.ClientSecretPost(clientSecret);
  if (protocol.kind === 'openid') {
    const insecure = isInsecure(protocol.issuer);
    const configuration = await oidc.discovery(new URL(protocol.issuer), clientId, metadata, authentication, {
      timeout: limits.seconds,
      [oidc.customFetch]: providerFetch([protocol.issuer], limits),
      execute: [oidc.enableNonRepudiationChecks, ...(insecure ? [oidc.allowInsecureRequests] : [])],
    });
    requireSafe(configuration.serverMetadata(), protocol.issuer, provider);
    return configuration;
  }
  const { issuer, authorizationEndpoint, tokenEndpoint, profileEndpoint, emailsEndpoint } = protocol;
  const endpoints = [
    authorizationEndpoint,
    tokenEndpoint,
    profileEndpoint,
    ...(emailsEndpoint ? [emailsEndpoint] : []),
  ];
  const server = { issuer, authorization_endpoint: authorizationEndpoint, token_endpoint: tokenEndpoint };
  const configuration = new oidc.Configuration(server, clientId, metadata, authentication);
  configuration.timeout = limits.seconds;
  configuration[oidc.customFetch] = providerFetch(endpoints, limits);
  if (endpoints.some(isInsecure)) oidc.allowInsecureRequests(configuration);
  return configuration;
}

function isInsecure(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === 'http:' && isLoopbackHost(hostname);
}

/** Refuses a provider whose own words would lead elsewhere, or that can't tie a code to who asked for it. */
function requireSafe(server: oidc.ServerMetadata, issuer: string, { bindsCodes }: Provider): void {
  const { authorization_endpoint, token_endpoint, jwks_uri, userinfo_endpoint } = server;
  for (const endpoint of [authorization_endpoint, token_endpoint, jwks_uri]) {
    if (endpoint === undefined) throw new TypeError('the provider lacks an endpoint');
  }
  for (const endpoint of [authorization_endpoint, token_endpoint, jwks_uri, userinfo_endpoint]) {
    if (endpoint !== undefined && !mayBeCalled(endpoint, [issuer])) {
      throw new TypeError('the provider names an address that is not called');
    }
  }
  // RFC 9700 §2.1.1. Where it says nothing the challenge is sent all the same, and the nonce protects.
  const methods = server.code_challenge_methods_supported;
  if (bindsCodes && methods !== undefined && !methods.includes('S256')) {
    throw new TypeError('the provider does not know PKCE with S256');
  }
}

type Tokens = Awaited<ReturnType<typeof oidc.authorizationCodeGrant>>;

async function openIdPerson(configuration: oidc.Configuration, provider: Provider, tokens: Tokens) {
  const claims = tokens.claims();
  if (claims === undefined) throw new TypeError('the provider sent no ID token');
  requireAccessTokenHash(tokens.id_token ?? '', tokens.access_token, claims.at_hash);
  const { iss: issuer, sub } = claims;
  const { email, verified } = provider.claims;
  const isWhole = claims[email] !== undefined || configuration.serverMetadata().userinfo_endpoint === undefined;
  if (isWhole) return { issuer, told: claims as Told };
  // OpenID Connect Core 1.0 §5.3.2: what it tells is of the same subject, or of nobody.
  const more = await oidc.fetchUserInfo(configuration, tokens.access_token, sub);
  // That an address is verified has to come along with the address.
  return { issuer, told: { ...claims, [verified]: undefined, ...more } as Told };
}

/** OpenID Connect Core 1.0 §3.1.3.8: where an ID token names the access token, it is the one that came with it. */
function requireAccessTokenHash(idToken: string, accessToken: string, atHash: unknown): void {
  if (atHash === undefined) return;
  const { alg } = JSON.parse(Buffer.from(idToken.split('.')[0] ?? '', 'base64url').toString('utf8'));
  const bits = /^(?:RS|PS|ES)(256|384|512)$/.exec(alg)?.[1] ?? (/^Ed/.test(alg) ? '512' : null);
  if (bits === null) throw new TypeError('the ID token is signed in a way that is not known');
  const digest = createHash(`sha${bits}`).update(accessToken).digest();
  const expected = digest.subarray(0, digest.length / 2).toString('base64url');
  if (atHash !== expected) throw new TypeError('the ID token belongs to another access token');
}

async function oauthPerson(configuration: oidc.Configuration, provider: Provider, accessToken: string) {
  if (provider.protocol.kind !== 'oauth2') throw new TypeError('the provider speaks another protocol');
  const { issuer, profileEndpoint, emailsEndpoint } = provider.protocol;
  const get = (address: string) => getJson(configuration, accessToken, address);
  const profile = await get(profileEndpoint);
  if (typeof profile !== 'object' || profile === null || Array.isArray(profile)) {
    throw new TypeError('the profile is no object');
  }
  if (emailsEndpoint === null) return { issuer, told: profile as Told };
  const { email, verified } = provider.claims;
  const primary = primaryOf(await get(emailsEndpoint));
  return { issuer, told: { ...profile, [email]: primary?.email, [verified]: primary?.verified } as Told };
}

function primaryOf(emails: unknown): Told | undefined {
  if (!Array.isArray(emails)) throw new TypeError('the addresses are no list');
  return emails.find((each) => each?.primary === true);
}

async function getJson(configuration: oidc.Configuration, accessToken: string, address: string): Promise<unknown> {
  const accept = new Headers({ accept: 'application/json' });
  const response = await oidc.fetchProtectedResource(
    configuration,
    accessToken,
    new URL(address),
    'GET',
    undefined,
    accept,
  );
  if (response.status !== 200) throw new TypeError('the profile was not answered');
  return response.json();
}
