import { checkGrant, checkPermissions } from './check-grants.js';
import { checkResource } from './check-resource.js';
import { checkWords } from './check-words.js';
import { deepFreeze } from './freeze.js';
import { direction } from './implications.js';
import { resourceOf, rolesOf, splitRole } from './lookup.js';
import { checkNamesOf, demand, locate } from './mistakes.js';
import type { Fields, Model, ModelDefinition, Resources, RoleTable } from './model.js';
import { checkTypeSource } from './type-attributes.js';

/**
 * Makes a model of an application's definition: frozen, serialisable data.
 * @throws {ModelError} where the definition contradicts itself, or names what does not exist.
 */
export function model<
  const R extends Resources,
  const P extends Readonly<Record<string, (keyof R & string) | null>>,
  const S extends RoleTable<R> = RoleTable<R>,
  const T extends Fields = Record<never, never>,
>(definition: ModelDefinition<R, P, S, T>): Model<R, P, S, T> {
  checkNamesOf('a model', definition, [...REQUIRED, ...OPTIONAL], REQUIRED);
  const made = { roles: {}, implications: {}, grants: [], ...definition } as unknown as Model<R, P, S, T>;
  checkModel(made as unknown as Model);
  return deepFreeze(made);
}

const REQUIRED = ['name', 'title', 'resources', 'principals'];
const OPTIONAL = ['roles', 'implications', 'grants', 'permissions', 'typeAttributes', 'types'];

function checkModel(of: Model): void {
  const types = Object.keys(of.resources);
  checkWords('resource types', types, ['holding']);
  for (const type of types) checkResource(of, type);
  for (const [kind, type] of Object.entries(of.principals)) {
    if (type !== null) locate(`principals.${kind}`, () => resourceOf(of, type));
  }
  checkRoles(of);
  for (const grant of of.grants) locate('grants', () => checkGrant(of, grant));
  const { permissions, types: source } = of;
  if (permissions) locate('permissions', () => checkPermissions(of, permissions));
  checkWords('type attributes', Object.keys(of.typeAttributes ?? {}));
  if (source) locate('types', () => checkTypeSource(of, source));
}

function checkRoles(of: Model): void {
  for (const scope of Object.keys(of.roles as object)) if (scope !== 'installation') resourceOf(of, scope);
  const seen = new Set<string>();
  for (const [name, { role }] of rolesOf(of)) {
    demand(role !== '' && !role.startsWith('may '), `'${name}' is not a name for a role`);
    demand(!seen.has(name), `two roles are named '${name}'`);
    seen.add(name);
  }
  for (const [name, implied] of Object.entries(of.implications)) {
    splitRole(of, name);
    for (const other of implied) direction(of, name, other);
  }
}
