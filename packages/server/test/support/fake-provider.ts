import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

type Json = Readonly<Record<string, unknown>>;

/** What a provider does for one sign-on; a test changes what it wants to be wrong. */
export interface Behaviour {
  metadata: Record<string, unknown>;
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  /** That of the sign-on that was answered last. */
  nonce: string | null;
  /** With what the ID token is signed. */
  signing: 'key' | 'another key' | 'public key' | 'nothing';
  /** Further members of the answer to the code. */
  token: Record<string, unknown>;
  /** Other answers, by path behind the issuer's. */
  answers: Record<string, (request: IncomingMessage, response: ServerResponse) => void>;
  userinfo: Json | null;
  profile: Json;
  emails: unknown;
}

/**
 * An OpenID provider (and one of plain OAuth 2.0) that does what a test tells it to. Nobody logs in to it: a test takes the
 * address to which the browser was sent, and makes up what the browser comes back with.
 */
export interface FakeProvider {
  readonly url: string;
  /** A new issuer below this one, with a behaviour of its own. */
  issuer(): { readonly issuer: string; readonly behaviour: Behaviour };
  /** Where the browser is sent back to by a provider that has logged somebody in. */
  answer(asked: URL, changes?: Readonly<Record<string, string | null>>): URL;
  /** What came to a path behind any issuer's. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined; readonly body: string }[];
  close(): Promise<void>;
}

export const CLIENT = { clientId: 'ostiary', clientSecret: 'the client secret of the tests' };

/** @param now the clock of the tests, for the times in its tokens */
export async function fakeProvider(now: () => Date): Promise<FakeProvider> {
  const [own, another] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const behaviours = new Map<string, Behaviour>();
  const requests: FakeProvider['requests'] = [];
  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const send = (response: ServerResponse, body: unknown, status = 200): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, name = '', ...rest] = (request.url ?? '').split('?')[0]?.split('/') ?? [];
    const path = `/${rest.join('/')}`;
    let body = '';
    for await (const part of request) body += part;
    requests.push({ path, authorization: request.headers.authorization, body });
    const behaviour = behaviours.get(name);
    if (behaviour === undefined) return send(response, {}, 404);
    const other = behaviour.answers[path];
    if (other !== undefined) return other(request, response);
    switch (path) {
      case '/.well-known/openid-configuration':
        return send(response, behaviour.metadata);
      case '/jwks':
        return send(response, { keys: [jwk] });
      case '/token':
        return send(response, await tokenOf(behaviour));
      case '/userinfo':
        return behaviour.userinfo === null ? send(response, {}, 404) : send(response, behaviour.userinfo);
      case '/profile':
        return send(response, behaviour.profile);
      case '/emails':
        return send(response, behaviour.emails);
      default:
        return send(response, {}, 404);
    }
  };

  const tokenOf = async ({ claims, nonce, header, signing, token, metadata }: Behaviour): Promise<Json> => {
    const access = 'an access token';
    const time = Math.floor(now().getTime() / 1000);
    const at_hash = createHash('sha256').update(access).digest().subarray(0, 16).toString('base64url');
    const whole = {
      iss: metadata.issuer,
      aud: CLIENT.clientId,
      iat: time,
      exp: time + 300,
      at_hash,
      ...(nonce === null ? {} : { nonce }),
      ...claims,
    };
    const id_token = await signed(whole, { alg: 'RS256', kid: 'one', ...header }, signing);
    return { access_token: access, token_type: 'Bearer', id_token, ...token };
  };

  const signed = async (claims: Json, header: Json, signing: Behaviour['signing']): Promise<string> => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    switch (signing) {
      case 'nothing':
        return `${part({ ...header, alg: 'none' })}.${part(claims)}.`;
      case 'public key':
        return new SignJWT(claims)
          .setProtectedHeader({ ...header, alg: 'HS256' })
          .sign(new TextEncoder().encode(JSON.stringify(jwk)));
      default:
        return new SignJWT(claims)
          .setProtectedHeader({ ...header, alg: 'RS256' })
          .sign(signing === 'key' ? own.privateKey : another.privateKey);
    }
  };

  return {
    url,
    requests,
    issuer() {
      const name = randomUUID();
      const issuer = `${url}/${name}`;
      const behaviour: Behaviour = {
        metadata: {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          userinfo_endpoint: `${issuer}/userinfo`,
          response_types_supported: ['code'],
          id_token_signing_alg_values_supported: ['RS256', 'HS256', 'none'],
          code_challenge_methods_supported: ['S256'],
          authorization_response_iss_parameter_supported: true,
        },
        header: {},
        nonce: null,
        claims: { sub: 'ada-there', email: 'ada@clinic.example', email_verified: true },
        signing: 'key',
        token: {},
        answers: {},
        userinfo: null,
        profile: {},
        emails: [],
      };
      behaviours.set(name, behaviour);
      return { issuer, behaviour };
    },
    answer(asked, changes = {}) {
      const back = new URL(asked.searchParams.get('redirect_uri') ?? '');
      const query: Record<string, string | null> = {
        code: 'a code',
        state: asked.searchParams.get('state'),
        iss: asked.href.split('/authorize')[0] ?? '',
        ...changes,
      };
      for (const [name, value] of Object.entries(query)) if (value !== null) back.searchParams.set(name, value);
      // Whoever logged in there is told as the one who was asked for.
      const behaviour = behaviours.get(asked.pathname.split('/')[1] ?? '');
      if (behaviour !== undefined) behaviour.nonce = asked.searchParams.get('nonce');
      return back;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
