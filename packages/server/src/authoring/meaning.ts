import { actionsOf, findField, kebabCase, type Model, resolvePath, resourceOf, snakeCase } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import type { Application } from '../application/application.js';
import { createSchema } from '../input/schemas.js';
import { validationProblem, validatorFor } from '../input/validation.js';
import { requireCommands } from './commands.js';
import { fail } from './error.js';
import { requireIdentity, requireKind } from './identity.js';

/** Schemas of PostgreSQL and of the installation, and addresses of the latter. */
const RESERVED = ['ostiary', 'public', 'information_schema', 'healthz', 'readyz', 'console'];

/**
 * Checks that an application's parts fit each other: what they name exists in its model, and no two things have one
 * address.
 * @throws ApplicationError with the place
 */
export function requireMeaning(application: Application): void {
  const { model } = application.policy;
  requireName(model.name);
  requireAddresses(application);
  requireMembers(application);
  requireIdentity(application);
  requirePresence(application);
  requireSignOn(application);
  requireAdministrator(application);
  requirePersonas(application);
  requireActions(application);
  requireCommands(application);
  requireDeclared(application);
  for (const type of Object.keys(application.effects ?? {})) {
    if (type !== '*') requireStored(model, `effects.${type}`, type);
  }
}

function requireName(name: string): void {
  const schema = snakeCase(name);
  if (RESERVED.includes(schema) || schema.startsWith('pg_')) {
    fail('policy.model.name', `'${name}' is a name that PostgreSQL or the installation uses: take another`);
  }
}

/** Below the root of a kind, beside the collections. */
const AT_ROOTS = ['login', 'logout', 'refresh', 'me'];

function requireAddresses({ policy: { model }, roots, presence }: Application): void {
  const collections = new Map<string, string>(presence === undefined ? [] : [['socket', 'the socket of presence']]);
  if (roots === 'kind') {
    for (const name of AT_ROOTS) collections.set(name, 'the identity of a principal');
    const kinds = new Map<string, string>();
    for (const kind of Object.keys(model.principals)) {
      const other = kinds.get(kebabCase(kind));
      if (other !== undefined)
        fail(`policy.model.principals.${kind}`, `its root would be that of '${other}': rename one`);
      kinds.set(kebabCase(kind), kind);
    }
  }
  for (const type of Object.keys(model.resources)) {
    const { source } = resourceOf(model, type);
    if (source === 'decision') continue;
    const collection = collectionOf(model, type);
    const other = collections.get(collection);
    if (other !== undefined) {
      fail(`policy.model.resources.${type}`, `${other} is at /api/${collection} too: give one of them a 'collection'`);
    }
    collections.set(collection, type);
    const actions = new Map<string, string>();
    for (const action of actionsOf(model, type)) {
      const same = actions.get(kebabCase(action));
      if (same !== undefined) {
        fail(
          `policy.model.resources.${type}.actions`,
          `'${same}' and '${action}' are one word in addresses: rename one`,
        );
      }
      actions.set(kebabCase(action), action);
    }
  }
}

/** In JSON:API fields stand beside `type` and `id` (its 'Fields'), so that none is called like them. */
function requireMembers({ policy: { model }, api }: Application): void {
  if (api !== 'json-api') return;
  for (const [type, { fields, relations = {} }] of Object.entries(model.resources)) {
    const [taken] = ['type', 'id'].filter((name) => name in fields || name in relations);
    if (taken) fail(`policy.model.resources.${type}.${taken}`, 'JSON:API has a member of this name: rename it');
  }
}

function requirePresence({ policy: { model }, presence }: Application): void {
  for (const [kind, { when }] of Object.entries(presence ?? {})) {
    const at = `presence.${kind}`;
    const type = requireKind(model, at, kind);
    if (when === undefined) continue;
    const field = findField(model, type, when);
    if (field === undefined) fail(`${at}.when`, `${type} has no field '${when}'`);
    if (field.kind !== 'boolean' || field.many) fail(`${at}.when`, `${type}.${when} is not a boolean`);
  }
}

function requireSignOn({ policy: { model }, signOn }: Application): void {
  if (signOn === undefined) return;
  const type = requireKind(model, 'signOn.kind', signOn.kind);
  if (signOn.email === undefined) return;
  const field = findField(model, type, signOn.email);
  if (field === undefined) fail('signOn.email', `${type} has no field '${signOn.email}'`);
  if (field.kind !== 'text' || field.many || field.secret)
    fail('signOn.email', `${type}.${signOn.email} is not a text`);
}

function requireAdministrator({ policy: { model }, administrator, logins }: Application): void {
  const { kind, values } = administrator;
  const type = requireKind(model, 'administrator.kind', kind);
  if (Object.keys(logins).length > 0 && logins[kind] === undefined) {
    fail('administrator.kind', `a ${kind} can't log in: there is no logins.${kind}`);
  }
  const login = logins[kind]?.login;
  if (login !== undefined && findField(model, type, login)?.optional === true) {
    fail(`logins.${kind}.login`, `${type}.${login} is optional, but an administrator has to log in`);
  }
  const schema = createSchema(model, type) as { readonly properties: object };
  const validate = validatorFor({ ...schema, required: [] });
  if (validate(values)) return;
  const [wrong] = validationProblem(validate.errors ?? []).details.errors ?? [];
  fail(`administrator.values${wrong?.pointer.replaceAll('/', '.')}`, `${wrong?.message} (${type})`);
}

function requirePersonas({ policy: { model }, personas = {} }: Application): void {
  for (const [name, { kind, attributes, roles }] of Object.entries(personas)) {
    const at = `personas['${name}']`;
    const type = Object.hasOwn(model.principals, kind) ? model.principals[kind] : undefined;
    if (type === undefined) fail(`${at}.kind`, `there is no kind of principal '${kind}'`);
    for (const path of Object.keys(attributes)) {
      if (type === null) fail(`${at}.attributes`, `a ${kind} has no fields`);
      try {
        resolvePath(model, type, path.split('.'));
      } catch (error) {
        fail(`${at}.attributes`, (error as Error).message);
      }
    }
    const known = rolesOf(model);
    for (const role of roles) {
      // Permissions that are given at run time are roles as well.
      if (!known.includes(role) && !/(^| )may \S+ \S+$/.test(role)) {
        fail(`${at}.roles`, `there is no role '${role}', but ${known.join(', ') || 'none'}`);
      }
    }
  }
}

function rolesOf(model: Model): readonly string[] {
  return Object.entries(model.roles as Readonly<Record<string, readonly string[]>>).flatMap(([scope, roles]) =>
    roles.map((role) => (scope === 'installation' ? role : `${scope} ${role}`)),
  );
}

function requireActions({ policy: { model }, actions = [] }: Application): void {
  const seen = new Set<string>();
  for (const [index, { type, action }] of actions.entries()) {
    const at = `actions[${index}]`;
    requireStored(model, `${at}.type`, type);
    const own = resourceOf(model, type).actions;
    if (!own.includes(action))
      fail(`${at}.action`, `${type} has no action '${action}', but ${own.join(', ') || 'none'}`);
    if (action === 'statistics' && resourceOf(model, type).counts) {
      fail(`${at}.action`, `the server counts records of ${type} itself: take another word`);
    }
    if (seen.has(`${type} ${action}`)) fail(at, `there are two handlers of '${action}' of ${type}`);
    seen.add(`${type} ${action}`);
  }
}

function requireDeclared({ policy: { model }, declared }: Application): void {
  if (declared === undefined) return;
  requireStored(model, 'declared.in', declared.in);
  for (const [index, name] of declared.by.entries()) {
    const field = findField(model, declared.in, name);
    if (field === undefined || field.secret) fail(`declared.by.${index}`, `${declared.in} stores no '${name}'`);
  }
}

function requireStored(model: Model, at: string, type: string): void {
  if (!Object.hasOwn(model.resources, type)) fail(at, `there is no resource type '${type}'`);
  if (resourceOf(model, type).source !== undefined) fail(at, `nobody writes ${type}`);
}
