import type { Field } from './fields.js';
import { direction } from './implications.js';
import {
  actionsOf,
  BUILT_IN_FIELDS,
  type Fields,
  fieldOf,
  type GrantSource,
  type Model,
  type ModelDefinition,
  ModelError,
  type PermissionSource,
  type Resource,
  type Resources,
  type RoleTable,
  resourceOf,
  STANDARD_ACTIONS,
  splitRole,
} from './model.js';
import { checkRelations } from './relations.js';
import { snakeCase } from './spelling.js';
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
  checkMembers(definition);
  const made: Model<R, P, S, T> = {
    name: definition.name,
    title: definition.title,
    resources: definition.resources,
    principals: definition.principals,
    roles: definition.roles ?? ({} as S),
    implications: (definition.implications ?? {}) as Readonly<Record<string, readonly string[]>>,
    grants: definition.grants ?? [],
    ...(definition.permissions ? { permissions: definition.permissions as unknown as PermissionSource } : {}),
    ...(definition.typeAttributes ? { typeAttributes: definition.typeAttributes } : {}),
    ...(definition.types ? { types: definition.types } : {}),
  };
  checkModel(made as unknown as Model);
  return deepFreeze(made);
}

/** Freezes a value with everything in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

const REQUIRED = ['name', 'title', 'resources', 'principals'];
const OPTIONAL = ['roles', 'implications', 'grants', 'permissions', 'typeAttributes', 'types'];

/** As the compiler does, where there is none. */
function checkMembers(definition: object): void {
  const given = Object.keys(definition);
  const [missing] = REQUIRED.filter((name) => !given.includes(name));
  const [unknown] = given.filter((name) => !REQUIRED.includes(name) && !OPTIONAL.includes(name));
  if (missing) throw new ModelError(`a model needs '${missing}'`);
  if (unknown) throw new ModelError(`a model has no '${unknown}', but ${[...REQUIRED, ...OPTIONAL].join(', ')}`);
}

function checkModel(of: Model): void {
  const types = Object.keys(of.resources);
  checkNames('resource types', types, ['holding']);
  for (const type of types) checkResource(of, type, resourceOf(of, type));
  for (const [kind, type] of Object.entries(of.principals)) {
    if (type !== null && !Object.hasOwn(of.resources, type)) {
      throw new ModelError(`principals.${kind}: there is no resource type '${type}'`);
    }
  }
  checkRoles(of);
  for (const grant of of.grants) checkGrant(of, grant);
  if (of.permissions) checkPermissions(of, of.permissions);
  checkNames('type attributes', Object.keys(of.typeAttributes ?? {}), []);
  if (of.types) checkTypeSource(of, of.types);
}

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
/** The longest name that PostgreSQL keeps whole. */
const LONGEST_NAME = 63;

/** Names become columns and parts of paths, so they are words, and different ones when written in SQL's way. */
function checkNames(what: string, names: readonly string[], taken: readonly string[]): void {
  const seen = new Map(taken.map((name) => [name, name]));
  for (const name of names) {
    const written = snakeCase(name);
    if (!NAME.test(name) || written.length > LONGEST_NAME) {
      throw new ModelError(`${what}: '${name}' is not a name: use letters and digits, at most ${LONGEST_NAME}`);
    }
    // It would be there in every input that does not have it.
    if (name in Object.prototype)
      throw new ModelError(`${what}: '${name}' is a word that every object knows: rename it`);
    const other = seen.get(written);
    if (other !== undefined) {
      throw new ModelError(`${what}: '${name}' and '${other}' are both '${written}' in SQL: rename one`);
    }
    seen.set(written, name);
  }
}

function checkResource(of: Model, type: string, resource: Resource): void {
  if (typeof resource?.fields !== 'object' || !Array.isArray(resource.actions)) {
    throw new ModelError(`${type} is not a resource type: write resource({ fields: { … } })`);
  }
  const names = Object.keys(resource.fields);
  checkNames(type, names, [...Object.keys(BUILT_IN_FIELDS).map(snakeCase), 'version']);
  for (const name of names) {
    const field = fieldOf(of, type, name);
    if (typeof field?.kind !== 'string') {
      throw new ModelError(`${type}.${name} is not a field: write text(), reference('…') or another kind`);
    }
    if (field.to !== null && !Object.hasOwn(of.resources, field.to)) {
      throw new ModelError(`${type}.${name}: there is no resource type '${field.to}'`);
    }
    if (field.cascades && (field.to === null || field.many || field.clears)) {
      throw new ModelError(`${type}.${name}: 'cascades' is of a reference to one record, and not beside 'clears'`);
    }
    if (field.encrypted && (field.kind !== 'text' || field.many || !field.secret || field.unique || field.default)) {
      throw new ModelError(`${type}.${name}: what is encrypted is one text, neither unique nor with a default`);
    }
    if (typeof field.filled === 'object') {
      const from = of.typeAttributes?.[field.filled.type];
      if (field.to !== null || from?.kind !== field.kind || from.many !== field.many) {
        throw new ModelError(
          `${type}.${name}: types have no attribute '${field.filled.type}' of its kind to fill it with`,
        );
      }
    }
    if (field.transfers && field.filled !== 'principal') {
      throw new ModelError(`${type}.${name}: 'transfers' is of a field that is filled with who creates the record`);
    }
    if (field.parent && (field.to === null || field.many)) {
      throw new ModelError(`${type}.${name}: a parent is one record of another type`);
    }
  }
  const actions = [...STANDARD_ACTIONS, ...resource.actions];
  for (const [index, action] of actions.entries()) {
    if (/\s/.test(action) || action === '') throw new ModelError(`${type}: '${action}' is not a word for an action`);
    if (actions.indexOf(action) !== index) throw new ModelError(`${type} has the action '${action}' twice`);
  }
  if (resource.referred !== undefined && !actionsOf(of, type).includes(resource.referred)) {
    throw new ModelError(`${type} has no action '${resource.referred}' for who refers to it`);
  }
  if (resource.identifiedBy !== undefined) checkIdentifier(of, type, resource.identifiedBy);
  const views = Object.entries(resource.views ?? {}) as [string, object][];
  for (const [view, showing] of views) {
    for (const name of Object.keys(showing)) {
      if (!names.includes(name)) throw new ModelError(`${type}: the view '${view}' shows '${name}', which is no field`);
    }
  }
  for (const name of resource.orders ?? []) {
    const field = fieldOf(of, type, name);
    if (field.many || field.secret || field.kind === 'json') throw new ModelError(`${type}: '${name}' has no order`);
  }
  for (const together of resource.uniqueTogether ?? []) {
    for (const name of together) {
      const field = fieldOf(of, type, name);
      if (field.many || field.secret || field.kind === 'json') {
        throw new ModelError(`${type}: '${name}' can't be a part of what is unique`);
      }
    }
  }
  checkCounts(of, type, resource);
  checkRelations(of, type);
  const { defaultView } = resource;
  if (defaultView !== undefined && !views.some(([view]) => view === defaultView)) {
    throw new ModelError(`${type}: there is no view '${defaultView}' to be the default`);
  }
}

const COUNTED = ['instant', 'date', 'choice', 'boolean', 'reference'];

function checkCounts(of: Model, type: string, { counts, actions }: Resource): void {
  if (counts === undefined) return;
  if (!actions.includes('statistics')) throw new ModelError(`${type} is counted, but has no action 'statistics'`);
  for (const name of counts.by) {
    const { kind, many, secret } = fieldOf(of, type, name);
    if (many || secret || !COUNTED.includes(kind)) throw new ModelError(`${type} can't be counted by '${name}'`);
  }
}

/** What names a record has to: always, and no other. */
function checkIdentifier(of: Model, type: string, name: string): void {
  const { kind, many, unique, optional, secret } = fieldOf(of, type, name);
  if (kind !== 'text' || many || !unique || optional || secret) {
    throw new ModelError(`${type} can't be identified by '${name}': it has to be a text, unique, required, not secret`);
  }
}

function checkRoles(of: Model): void {
  const seen = new Set<string>();
  for (const [scope, roles] of Object.entries(of.roles as Record<string, readonly string[]>)) {
    if (scope !== 'installation') resourceOf(of, scope);
    for (const role of roles) {
      const name = scope === 'installation' ? role : `${scope} ${role}`;
      if (role === '' || role.startsWith('may ')) throw new ModelError(`'${name}' is not a name for a role`);
      if (seen.has(name)) throw new ModelError(`two roles are named '${name}'`);
      seen.add(name);
    }
  }
  for (const [name, implied] of Object.entries(of.implications)) {
    for (const other of implied) direction(of, name, other);
    splitRole(of, name);
  }
}

function checkGrant(of: Model, grant: GrantSource): void {
  const at = (field: string) => `grants in ${grant.in}.${field}`;
  const kindsAre = (type: string | null) => type !== null && Object.values(of.principals).includes(type);

  const holder = fieldOf(of, grant.in, grant.holder);
  if (grant.members === undefined) {
    if (holder.many || !kindsAre(holder.to)) {
      throw new ModelError(`${at(grant.holder)}: the holder is one principal, or a group with 'members'`);
    }
  } else {
    const { in: table, group, member } = grant.members;
    const [groups, members] = [fieldOf(of, table, group), fieldOf(of, table, member)];
    if (groups.many || groups.to === null || groups.to !== holder.to) {
      throw new ModelError(`${at(grant.holder)} and ${table}.${group} do not refer to the same type of group`);
    }
    if (members.many || !kindsAre(members.to)) throw new ModelError(`${table}.${member} is not one principal`);
  }

  if (grant.on) {
    const field = fieldOf(of, grant.in, grant.on.field);
    if (field.to !== grant.on.scope) throw new ModelError(`${at(grant.on.field)} does not refer to ${grant.on.scope}`);
  }
  const prefix = grant.on ? `${grant.on.scope} ` : '';
  if (typeof grant.role === 'string') splitRole(of, `${prefix}${grant.role}`);
  else {
    const field = fieldOf(of, grant.in, grant.role.field);
    if (field.many || (field.kind !== 'text' && field.kind !== 'choice')) {
      throw new ModelError(`${at(grant.role.field)} does not name a role: it is not a text or a choice`);
    }
    for (const role of Object.values(grant.role.is ?? {})) splitRole(of, `${prefix}${role}`);
  }
  const expect = (name: string | undefined, fits: (field: Field) => boolean, what: string): void => {
    if (name === undefined) return;
    const field = fieldOf(of, grant.in, name);
    if (field.many || !fits(field)) throw new ModelError(`${at(name)} is not ${what}`);
  };
  for (const name of [grant.from, grant.until]) {
    expect(name, ({ kind }) => kind === 'instant' || kind === 'date', 'an instant or a date');
  }
  for (const name of [...(grant.when ?? []), ...(grant.unless ?? [])]) {
    expect(name, ({ kind }) => kind === 'boolean', 'a boolean');
  }
}

function checkPermissions(of: Model, source: PermissionSource): void {
  if (!Object.values(of.principals).includes(source.in)) {
    throw new ModelError(`permissions: '${source.in}' is not the resource type of a kind of principal`);
  }
  if (fieldOf(of, source.in, source.field).kind !== 'json') {
    throw new ModelError(`permissions: ${source.in}.${source.field} is not json`);
  }
  resourceOf(of, source.scope);
  for (const [type, name] of Object.entries(source.at)) {
    const field = fieldOf(of, type, name as string);
    if (field.to !== source.scope) {
      throw new ModelError(`permissions: ${type}.${name} does not refer to ${source.scope}`);
    }
  }
}
