import { type Field, ModelError, type Policy, type Resource, reference } from '@ostiary/policy';
import { fieldOfColumn } from './columns.js';
import { endsOf, entity, joinOf, type Link, linkOf } from './entity.js';
import { BUILT_IN } from './model.js';
import { daptinPolicy } from './rules.js';

type Given = Readonly<Record<string, unknown>>;

/** What every row has; no column has such a name. */
const OWN = ['id', 'created_at', 'updated_at', 'version', 'user_account_id', 'permission', 'usergroup', 'usergroups'];
const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const LONGEST_NAME = 40;
const LONGEST_LINK = 55;

/**
 * The policy of Daptin with the entities that rows of `world` declare: those with a `schema`, which is
 * `{columns: [{name, kind, …}], relations: [{name, kind, to, …}]}`.
 * @throws ModelError that names the row, and the column or relation
 */
export function declaredPolicy(rows: readonly Given[]): Policy {
  const declared = rows.filter(({ schema }) => schema !== null && schema !== undefined);
  const names = declared.map(({ table_name }) => String(table_name));
  const known = [...BUILT_IN, ...names];
  const resources: Record<string, Resource> = {};
  const links: Link[] = [];
  for (const { table_name, schema } of declared) {
    const name = String(table_name);
    const at = `world '${name}'`;
    requireName(at, name);
    const { columns = [], relations = [] } = partsOf(at, schema);
    const fields: Record<string, Field> = {};
    const own: Link[] = [];
    const seen = new Set(OWN);
    for (const column of columns) {
      const place = `${at}, column '${column.name}'`;
      requireFree(place, column.name, seen);
      fields[column.name] = fieldOfColumn(place, column);
    }
    for (const relation of relations) {
      const place = `${at}, relation '${relation.name}'`;
      requireFree(place, relation.name, seen);
      const link = addRelation(place, name, relation, known, fields);
      if (link !== null) own.push(link);
    }
    const many = own.map((link) => {
      const ends = endsOf(link);
      return [link.name.slice(name.length + 1), { in: link.name, of: ends.of, to: ends.to }] as const;
    });
    const ownTypes = entity(name, { fields, relations: Object.fromEntries(many) });
    const made = { ...ownTypes, ...Object.fromEntries(own.map((link) => [link.name, linkOf(link)])) };
    for (const [type, resource] of Object.entries(made)) {
      const isTaken = Object.hasOwn(resources, type) || BUILT_IN.some((each) => type === each || type === joinOf(each));
      if (isTaken) throw new ModelError(`${at}: there is a '${type}' already`);
      resources[type] = resource as Resource;
    }
    links.push(...own);
  }
  return daptinPolicy(resources, names, links);
}

/** A relation to one row is a field of the row; one to many is a type of its own, with a record for each. */
function addRelation(
  at: string,
  from: string,
  { name, kind, to, optional = false, ...others }: Given & { readonly name: string },
  known: readonly string[],
  fields: Record<string, Field>,
): Link | null {
  const [other] = Object.keys(others);
  if (other !== undefined) throw new ModelError(`${at} has no '${other}', but name, kind, to, optional`);
  if (typeof to !== 'string' || !known.includes(to)) throw new ModelError(`${at}: there is no entity '${to}'`);
  if (typeof optional !== 'boolean') throw new ModelError(`${at}: 'optional' is not true or false`);
  if (kind === 'belongs_to') {
    fields[name] = reference(to, { optional, ...(optional ? { clears: true } : {}) });
    return null;
  }
  if (kind !== 'has_many') throw new ModelError(`${at} has no kind, but one of belongs_to, has_many`);
  const link = { name: `${from}_${name}`, from, to };
  if (link.name.length > LONGEST_LINK) throw new ModelError(`${at}: '${link.name}' is longer than ${LONGEST_LINK}`);
  return link;
}

interface Schema {
  readonly columns?: readonly (Given & { readonly name: string })[];
  readonly relations?: readonly (Given & { readonly name: string })[];
}

/** The lists of a schema, each of whose entries has a name. */
function partsOf(at: string, schema: unknown): Schema {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    throw new ModelError(`${at}: its schema is not {columns, relations}`);
  }
  for (const [part, entries] of Object.entries(schema)) {
    if (part !== 'columns' && part !== 'relations') {
      throw new ModelError(`${at}: its schema has no '${part}', but columns, relations`);
    }
    if (!Array.isArray(entries)) throw new ModelError(`${at}: '${part}' is not a list`);
    for (const [index, entry] of entries.entries()) {
      if (typeof entry?.name !== 'string') throw new ModelError(`${at}: ${part}.${index} has no name`);
    }
  }
  return schema;
}

function requireFree(at: string, name: string, seen: Set<string>): void {
  requireName(at, name);
  if (OWN.includes(name)) throw new ModelError(`${at}: every row has that already`);
  if (seen.has(name)) throw new ModelError(`${at} is there twice`);
  seen.add(name);
}

function requireName(at: string, name: string): void {
  if (!NAME.test(name) || name.length > LONGEST_NAME) {
    throw new ModelError(`${at}: a name has small letters, digits and single _, and at most ${LONGEST_NAME} of them`);
  }
}
