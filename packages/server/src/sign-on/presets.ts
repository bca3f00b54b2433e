import type { Claims, PresetName } from '../application/sign-on.js';
import type { OAuth2, OpenIdConnect } from './provider.js';

/** What is the same for everybody who uses a well-known provider. */
export interface Preset {
  readonly title: string;
  readonly protocol: OpenIdConnect | OAuth2;
  readonly scopes: readonly string[];
  readonly claims?: Partial<Claims>;
  readonly clientAuthentication?: 'client_secret_basic' | 'client_secret_post';
  readonly bindsCodes?: false;
}

/** Claims as OpenID Connect calls them (OpenID Connect Core 1.0 §5.1). */
export const STANDARD_CLAIMS: Claims = { subject: 'sub', email: 'email', verified: 'email_verified', name: 'name' };

const openid = (issuer: string): OpenIdConnect => ({ kind: 'openid', issuer });
const scopes = ['openid', 'email', 'profile'];

export const PRESETS = {
  /** https://developers.google.com/identity/openid-connect/openid-connect */
  google: { title: 'Google', protocol: openid('https://accounts.google.com'), scopes },
  /** https://developers.dropbox.com/oidc-guide */
  dropbox: { title: 'Dropbox', protocol: openid('https://www.dropbox.com'), scopes },
  /**
   * https://learn.microsoft.com/en-us/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
   * A web application's PKCE is answered with an error there, and a nonce does not come back.
   */
  linkedin: {
    title: 'LinkedIn',
    protocol: openid('https://www.linkedin.com/oauth'),
    scopes,
    clientAuthentication: 'client_secret_post',
    bindsCodes: false,
  },
  /**
   * Any tenant; each is an issuer of its own. Tenants write into `email` what they like: only `xms_edov` tells that it
   * is theirs to write (https://learn.microsoft.com/en-us/entra/identity-platform/optional-claims-reference).
   */
  microsoft: {
    title: 'Microsoft',
    protocol: openid('https://login.microsoftonline.com/common/v2.0'),
    scopes,
    claims: { verified: 'xms_edov' },
  },
  /** https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps */
  github: {
    title: 'GitHub',
    protocol: {
      kind: 'oauth2',
      issuer: 'https://github.com/login/oauth',
      authorizationEndpoint: 'https://github.com/login/oauth/authorize',
      tokenEndpoint: 'https://github.com/login/oauth/access_token',
      profileEndpoint: 'https://api.github.com/user',
      emailsEndpoint: 'https://api.github.com/user/emails',
    },
    scopes: ['read:user', 'user:email'],
    claims: { subject: 'id' },
  },
} as const satisfies Readonly<Record<PresetName, Preset>>;
