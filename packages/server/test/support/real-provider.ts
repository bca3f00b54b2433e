import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair } from 'jose';
import { vi } from 'vitest';

export interface RealProvider {
  readonly issuer: string;
  /** Logs somebody in, as a browser that is sent to `asked` would, and tells where it is sent back to. */
  logIn(asked: URL, login: string): Promise<URL>;
  close(): Promise<void>;
}

/** A certified OpenID provider on loopback. Whoever logs in as `ada` is ada@clinic.example; `x-…` has not verified it. */
export async function realProvider(client: object): Promise<RealProvider> {
  let listener: RequestListener = (_, response) => void response.end();
  const server = createServer((request, response) => listener(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  // It says at length that it is set up for a test.
  for (const level of ['info', 'warn'] as const) vi.spyOn(console, level).mockImplementation(() => {});
  const { Provider } = await import('oidc-provider');
  const provider = new Provider(issuer, {
    clients: [client],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'real', alg: 'RS256', use: 'sig' }] },
    cookies: { keys: ['the cookies of a provider that lives for one test'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({
        sub,
        email: `${sub}@clinic.example`,
        email_verified: !sub.startsWith('x-'),
        name: `${sub} elsewhere`,
      }),
    }),
  });
  listener = provider.callback();

  return {
    issuer,
    async logIn(asked, login) {
      const cookies = new Map<string, string>();
      const send = async (url: URL, form?: Record<string, string>): Promise<URL | null> => {
        const response = await fetch(url, {
          redirect: 'manual',
          headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
          ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
        });
        await response.text();
        for (const cookie of response.headers.getSetCookie()) {
          const [pair = ''] = cookie.split(';');
          cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
        }
        const location = response.headers.get('location');
        return location === null ? null : new URL(location, url);
      };
      let at: URL = asked;
      // To the log-in, back, to the consent, and back: a few steps, whatever their order.
      for (let step = 0; step < 12 && at.origin === issuer; step += 1) {
        const next = await send(at);
        if (next !== null) {
          at = next;
          continue;
        }
        const sent =
          (await send(at, { prompt: 'login', login, password: 'any' })) ?? (await send(at, { prompt: 'consent' }));
        if (sent === null) throw new Error('the provider asks for something else');
        at = sent;
      }
      return at;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
