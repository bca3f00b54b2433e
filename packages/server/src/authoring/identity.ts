import { findField, type Model } from '@ostiary/policy';
import { loginAddress } from '../application/addresses.js';
import type { Application } from '../application/application.js';
import type { LoginSettings } from '../application/logins.js';
import { DEFAULT_TOKENS, type TokenSettings } from '../application/tokens.js';
import { OWN_CLAIMS } from '../keys/index.js';
import { fail } from './error.js';

/** Addresses of every application. */
const TAKEN = ['/setup', '/auth/logout', '/auth/me', '/auth/refresh', '/openapi.json'];
const TAKEN_BELOW = ['/auth/sign-on', '/auth/links', '/api', '/access', '/docs', '/.well-known'];

/**
 * Checks what an application says of how principals show who they are: what is named exists and is of its kind, and no
 * two log in at one address.
 * @throws ApplicationError with the place
 */
export function requireIdentity(application: Application): void {
  const { model } = application.policy;
  for (const [kind, login] of Object.entries(application.logins)) requireLogin(application, kind, login);
  requireLoginPaths(application);
  for (const [kind, field] of Object.entries(application.enabled ?? {})) {
    requireFlag(model, `enabled.${kind}`, requireKind(model, `enabled.${kind}`, kind), field);
  }
  requireGuests(application);
  requireStaticTokens(application);
  requireTokens(application.tokens);
}

function requireGuests({ policy: { model }, guests, roots }: Application): void {
  if (guests === undefined) return;
  const kinds = Object.keys(model.principals);
  if (!kinds.includes(guests)) fail('guests', `there is no kind of principal '${guests}', but ${kinds.join(', ')}`);
  if (model.principals[guests] !== null) fail('guests', `a ${guests} has records: a guest is of a kind that is null`);
  if (roots === 'kind')
    fail('guests', 'with roots each kind has an API of its own, and guests have none: leave one out');
}

function requireLogin({ policy: { model }, staticTokens }: Application, kind: string, login: LoginSettings): void {
  const at = `logins.${kind}`;
  const type = requireKind(model, at, kind);
  const fits = (member: string, name: string, fit: boolean, what: string) => {
    if (findField(model, type, name) === undefined) fail(`${at}.${member}`, `${type} has no field '${name}'`);
    if (!fit) fail(`${at}.${member}`, `${type}.${name} is not ${what}`);
  };
  const field = (name: string) => findField(model, type, name);
  const isText = (name: string) => field(name)?.kind === 'text' && field(name)?.many === false;
  const isPlain = (name: string) => isText(name) && field(name)?.secret !== true;
  // Without a user name, a token is the one way in.
  const named = field(login.login)?.optional !== true || staticTokens?.[kind] !== undefined;
  fits('login', login.login, isPlain(login.login) && named, 'a required text');
  fits(
    'password',
    login.password,
    isText(login.password) && field(login.password)?.secret === true,
    'a secret text: write text({ secret: true })',
  );
  const { disabled, enabled, names = [], claims = {} } = login;
  if (disabled !== undefined) requireFlag(model, `${at}.disabled`, type, disabled);
  if (enabled !== undefined) requireFlag(model, `${at}.enabled`, type, enabled);
  for (const name of names) fits('names', name, isPlain(name), 'a text');
  for (const [claim, name] of Object.entries(claims)) {
    fits('claims', name, isPlain(name), 'a text');
    if (OWN_CLAIMS.includes(claim))
      fail(`${at}.claims`, `'${claim}' is a claim of the server's own: take another name`);
  }
}

function requireFlag(model: Model, at: string, type: string, name: string): void {
  const field = findField(model, type, name);
  if (field === undefined) fail(at, `${type} has no field '${name}'`);
  if (field.kind !== 'boolean') fail(at, `${type}.${name} is not a boolean`);
}

function requireStaticTokens({ policy: { model }, staticTokens = {}, actions = [] }: Application): void {
  for (const [kind, { enabled }] of Object.entries(staticTokens)) {
    const at = `staticTokens.${kind}`;
    const type = requireKind(model, at, kind);
    if (enabled !== undefined) requireFlag(model, `${at}.enabled`, type, enabled);
    for (const action of ['rotateToken', 'revokeToken']) {
      if (actions.some((handler) => handler.type === type && handler.action === action)) continue;
      fail(
        at,
        `${type} needs the action '${action}', and the application its handler: ...staticTokenActions('${type}')`,
      );
    }
  }
}

function requireLoginPaths(application: Application): void {
  const paths = new Map<string, string>();
  for (const [kind, login] of Object.entries(application.logins)) {
    const at = `logins.${kind}`;
    const { path } = login;
    if (application.roots === 'kind') {
      if (path === undefined || path === null) continue;
      fail(`${at}.path`, `with roots a ${kind} logs in at ${loginAddress(application, kind, {})}: leave it out`);
    }
    if (path === null) continue;
    if (path === undefined) fail(at, "it needs 'path', such as /auth/login");
    if (isTaken(path))
      fail(`${at}.path`, `${path} is an address of every application: take another, such as /auth/login`);
    const other = paths.get(path);
    if (other !== undefined) fail(`${at}.path`, `${path} is where a ${other} logs in: take another`);
    paths.set(path, kind);
  }
}

/** Whether every application has something else there. */
export function isTaken(path: string): boolean {
  return TAKEN.includes(path) || TAKEN_BELOW.some((taken) => `${path}/`.startsWith(`${taken}/`));
}

function requireTokens({ lifetimeSeconds, refreshSeconds, ...tokens }: TokenSettings = DEFAULT_TOKENS): void {
  const { refreshedSeconds = lifetimeSeconds, sessionSeconds = Number.POSITIVE_INFINITY } = tokens;
  if (refreshSeconds === undefined) {
    for (const name of ['refreshedSeconds', 'sessionSeconds'] as const) {
      if (tokens[name] !== undefined) fail(`tokens.${name}`, "it is about refresh tokens: say 'refreshSeconds' too");
    }
    return;
  }
  if (refreshSeconds <= Math.max(lifetimeSeconds, refreshedSeconds)) {
    fail('tokens.refreshSeconds', 'a refresh token has to be good for longer than the access token beside it');
  }
  if (sessionSeconds < refreshSeconds) fail('tokens.sessionSeconds', 'a session lasts as long as one refresh token');
}

/** The resource type whose records are the principals of a kind. */
export function requireKind(model: Model, at: string, kind: string): string {
  const type = Object.hasOwn(model.principals, kind) ? model.principals[kind] : undefined;
  if (type === undefined) {
    fail(at, `there is no kind of principal '${kind}', but ${Object.keys(model.principals).join(', ')}`);
  }
  if (type === null) fail(at, `a ${kind} has no records, and so no account`);
  return type;
}
