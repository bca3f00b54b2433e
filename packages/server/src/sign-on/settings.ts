import type { ProviderSettings } from '../application/sign-on.js';
import { type JsonSchema, Type } from '../input/json-schema.js';
import { validationProblem, validatorFor } from '../input/validation.js';
import { ConfigurationError } from '../keys/index.js';
import { isUsable } from './addresses.js';
import { PRESETS, type Preset, STANDARD_CLAIMS } from './presets.js';
import type { OAuth2, OpenIdConnect, Provider } from './provider.js';

/** The sign-on of an installation, as its file says. */
export interface SignOnConfiguration {
  /** The providers, each with the applications that it is for; null for all of them. */
  readonly providers: readonly { readonly provider: Provider; readonly applications: readonly string[] | null }[];
  /** Addresses that browsers may be sent back to; the first one where the page says none. */
  readonly returnTo: readonly string[];
}

/** What reading a configuration needs from outside. */
export interface SecretSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** @throws Error where the file can't be read */
  readonly readFile: (path: string) => Promise<string>;
}

const closed = { additionalProperties: false };
const maybe = Type.Optional;
const word = Type.String({ minLength: 1, maxLength: 2_000 });
/** A part of addresses. */
const NAME = '^[a-z0-9][a-z0-9_-]{0,62}$';

const own: Readonly<Record<Exclude<keyof ProviderSettings, 'clientSecret'>, JsonSchema>> = {
  preset: maybe(Type.Enum(Object.keys(PRESETS))),
  title: maybe(Type.String({ minLength: 1, maxLength: 100 })),
  login: maybe(Type.Boolean()),
  newAccounts: maybe(Type.Boolean()),
  clientId: word,
  clientAuthentication: maybe(Type.Enum(['client_secret_basic', 'client_secret_post'])),
  scopes: maybe(
    Type.Array(Type.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$' }), { minItems: 1, maxItems: 50 }),
  ),
  issuer: maybe(word),
  authorizationEndpoint: maybe(word),
  tokenEndpoint: maybe(word),
  profileEndpoint: maybe(word),
  emailsEndpoint: maybe(word),
  claims: maybe(
    Type.Object({ subject: maybe(word), email: maybe(word), verified: maybe(word), name: maybe(word) }, closed),
  ),
};

const validateProvider = validatorFor(Type.Object({ ...own, clientSecret: maybe(word) }, closed));

const validateFile = validatorFor(
  Type.Object(
    {
      returnTo: maybe(Type.Array(word, { maxItems: 100, uniqueItems: true })),
      providers: Type.Object(
        {},
        {
          propertyNames: { pattern: NAME },
          additionalProperties: Type.Object(
            {
              ...own,
              clientSecret: maybe({
                anyOf: [word, Type.Object({ environment: word }, closed), Type.Object({ file: word }, closed)],
              }),
              applications: maybe(Type.Array(word, { minItems: 1, uniqueItems: true })),
            },
            closed,
          ),
        },
      ),
    },
    closed,
  ),
);

interface File {
  readonly returnTo?: readonly string[];
  readonly providers: Readonly<
    Record<
      string,
      Omit<ProviderSettings, 'clientSecret'> & {
        readonly clientSecret?: string | { readonly environment: string } | { readonly file: string };
        readonly applications?: readonly string[];
      }
    >
  >;
}

/**
 * Reads the sign-on of an installation out of the text of its file.
 * @param applications the names of those that are served: a provider can be for some of them
 * @throws ConfigurationError `sign_on`, with the place; never with a secret
 */
export async function readSignOn(
  text: string,
  applications: readonly string[],
  sources: SecretSources,
): Promise<SignOnConfiguration> {
  const file = parse(text);
  requireValidFile(file);
  const returnTo = file.returnTo ?? [];
  for (const [index, address] of returnTo.entries()) {
    if (!isUsable(address))
      fail(`returnTo.${index}`, 'it is an https address without a fragment, or http on this machine');
  }
  const providers = [];
  for (const [name, { applications: only, clientSecret, ...settings }] of Object.entries(file.providers)) {
    for (const application of only ?? []) {
      if (!applications.includes(application)) {
        fail(
          `providers.${name}.applications`,
          `there is no application '${application}', but ${applications.join(', ')}`,
        );
      }
    }
    const secret = await secretOf(name, clientSecret, sources);
    const provider = toProvider(name, { ...settings, ...(secret === null ? {} : { clientSecret: secret }) });
    providers.push({ provider, applications: only ?? null });
  }
  return { providers, returnTo };
}

/**
 * Makes a provider of its settings, whether they come from a file or from a record.
 * @throws ConfigurationError `sign_on`, with the place
 */
export function toProvider(name: string, settings: ProviderSettings): Provider {
  const at = `providers.${name}`;
  if (!new RegExp(NAME).test(name)) fail(at, 'a name has small letters, digits, - and _');
  if (!validateProvider(settings)) failFirst(at, validateProvider.errors);
  const preset: Preset | undefined = settings.preset === undefined ? undefined : PRESETS[settings.preset];
  const protocol = protocolOf(at, settings, preset);
  const { clientSecret = null, clientAuthentication, login = true, newAccounts = null } = settings;
  return {
    name,
    title: settings.title ?? preset?.title ?? name,
    login,
    newAccounts,
    clientId: settings.clientId,
    clientSecret,
    clientAuthentication: clientAuthentication ?? preset?.clientAuthentication ?? 'client_secret_post',
    scopes: scopesOf(at, settings.scopes ?? preset?.scopes ?? ['openid', 'email', 'profile'], protocol),
    protocol,
    claims: { ...STANDARD_CLAIMS, ...preset?.claims, ...settings.claims },
    bindsCodes: preset?.bindsCodes ?? true,
  };
}

const ENDPOINTS = ['authorizationEndpoint', 'tokenEndpoint', 'profileEndpoint'] as const;

function protocolOf(at: string, settings: ProviderSettings, preset: Preset | undefined): OpenIdConnect | OAuth2 {
  const { issuer, emailsEndpoint } = settings;
  const given = ENDPOINTS.filter((name) => settings[name] !== undefined);
  for (const name of ['issuer', 'emailsEndpoint', ...ENDPOINTS] as const) {
    const address = settings[name];
    if (address !== undefined && !isUsable(address)) {
      fail(`${at}.${name}`, 'it is an https address, or http on this machine');
    }
  }
  if (preset !== undefined) {
    if (given.length > 0 || emailsEndpoint !== undefined) fail(at, 'a preset has its endpoints: leave them out');
    if (issuer === undefined) return preset.protocol;
    if (preset.protocol.kind === 'openid') return { kind: 'openid', issuer };
    return fail(`${at}.issuer`, 'this preset has no issuer to choose');
  }
  if (given.length === 0 && emailsEndpoint === undefined && issuer !== undefined) return { kind: 'openid', issuer };
  const { authorizationEndpoint, tokenEndpoint, profileEndpoint } = settings;
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined || profileEndpoint === undefined) {
    return fail(at, `it needs a 'preset', an 'issuer', or all of ${ENDPOINTS.join(', ')}`);
  }
  return {
    kind: 'oauth2',
    issuer: issuer ?? new URL(authorizationEndpoint).origin,
    authorizationEndpoint,
    tokenEndpoint,
    profileEndpoint,
    emailsEndpoint: emailsEndpoint ?? null,
  };
}

function scopesOf(at: string, scopes: readonly string[], { kind }: Provider['protocol']): readonly string[] {
  if (kind === 'openid' && !scopes.includes('openid')) fail(`${at}.scopes`, "OpenID Connect needs the scope 'openid'");
  return scopes;
}

async function secretOf(
  name: string,
  secret: File['providers'][string]['clientSecret'],
  { environment, readFile }: SecretSources,
): Promise<string | null> {
  if (secret === undefined) return null;
  if (typeof secret === 'string') return secret;
  const at = `providers.${name}.clientSecret`;
  if ('environment' in secret) {
    return environment[secret.environment] || fail(at, `the environment has no ${secret.environment}`);
  }
  const text = await readFile(secret.file).catch(() => fail(at, `the file ${secret.file} can't be read`));
  return text.trim() || fail(at, `the file ${secret.file} is empty`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says repeats the text, which may hold secrets.
    throw new ConfigurationError('sign_on', 'it is no JSON');
  }
}

function requireValidFile(file: unknown): asserts file is File {
  if (!validateFile(file)) failFirst('', validateFile.errors);
}

function failFirst(at: string, errors: Parameters<typeof validationProblem>[0] | null): never {
  const [wrong] = validationProblem(errors ?? []).details.errors ?? [];
  const below = wrong?.pointer.slice(1).replaceAll('/', '.') ?? '';
  return fail([at, below].filter((part) => part !== '').join('.'), wrong?.message ?? 'is not valid');
}

function fail(place: string, message: string): never {
  throw new ConfigurationError('sign_on', place === '' ? message : `${place}: ${message}`);
}
