import type { Claims } from '../application/sign-on.js';

/** Somebody else who tells who a person is, with everything that is needed to ask. Addresses are absolute. */
export interface Provider {
  /** Its name in addresses. */
  readonly name: string;
  /** Its name for people. */
  readonly title: string;
  /** Whether people may log in with it. */
  readonly login: boolean;
  /** Whether it makes accounts for people who have none; null where the application says. */
  readonly newAccounts: boolean | null;
  readonly clientId: string;
  /** Null for a client that has none, which PKCE alone protects. */
  readonly clientSecret: string | null;
  readonly clientAuthentication: 'client_secret_basic' | 'client_secret_post';
  readonly scopes: readonly string[];
  readonly protocol: OpenIdConnect | OAuth2;
  /** In which members of what it tells the person's data are. */
  readonly claims: Claims;
  /** False only for a preset whose provider knows neither PKCE nor nonces: a stolen code could be used there. */
  readonly bindsCodes: boolean;
}

/** OpenID Connect: everything else is found at the issuer (OpenID Connect Discovery 1.0). */
export interface OpenIdConnect {
  readonly kind: 'openid';
  readonly issuer: string;
}

/** OAuth 2.0 (RFC 6749) with a request for the person's profile, since OAuth itself does not tell who somebody is. */
export interface OAuth2 {
  readonly kind: 'oauth2';
  /** Under which name its subjects are kept; what the provider calls itself if it says so (RFC 9207). */
  readonly issuer: string;
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly profileEndpoint: string;
  /** A list of addresses as GitHub's: `{email, primary, verified}` each. The primary one counts, if it is verified. */
  readonly emailsEndpoint: string | null;
}

/** Where providers come from: the installation's configuration, or records of an application. */
export interface ProviderSource {
  /** All of them as they are now, also those that nobody may log in with. */
  list(): Promise<readonly Provider[]>;
}

/** Several sources as one. Where two have a provider of one name, the first counts. */
export function providersOf(sources: readonly ProviderSource[]): ProviderSource {
  return {
    async list() {
      const byName = new Map<string, Provider>();
      for (const source of sources) {
        for (const provider of await source.list()) {
          if (!byName.has(provider.name)) byName.set(provider.name, provider);
        }
      }
      return [...byName.values()];
    },
  };
}
