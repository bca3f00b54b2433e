import { type Field, type Policy, type Resource, reference } from '@ostiary/policy';
import { fieldOfColumn } from './columns.js';
import { endsOf, entity, joinOf, type Link, linkOf } from './entity.js';
import { BUILT_IN } from './model.js';
import { type Place, wrong } from './place.js';
import { daptinPolicy } from './rules.js';

type Given = Readonly<Record<string, unknown>>;
type Named = Given & { readonly name: string };

/** What every row has; no column has such a name. */
const OWN = ['id', 'created_at', 'updated_at', 'version', 'user_account_id', 'permission', 'usergroup', 'usergroups'];
const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const LONGEST_NAME = 40;
const LONGEST_LINK = 55;
/** Columns of one schema, and relations: to look at more would take long. */
const MOST = 300;

/**
 * The policy of Daptin with the entities that rows of `world` declare: those with a `schema`, which is
 * `{columns: [{name, kind, …}], relations: [{name, kind, to, …}]}`.
 * @throws DeclarationError that names the row, and the column or relation
 */
export function declaredPolicy(rows: readonly Given[]): Policy {
  const declared = rows.filter(({ schema }) => schema !== null && schema !== undefined);
  const names = declared.map(({ table_name }) => String(table_name));
  const known = [...BUILT_IN, ...names];
  const resources: Record<string, Resource> = {};
  const links: Link[] = [];
  for (const { id, table_name, schema } of declared) {
    const name = String(table_name);
    const row: Place = { id: String(id), says: `world '${name}'`, path: [] };
    requireName(row, name, 'table_name');
    const { columns, relations } = partsOf({ ...row, path: ['schema'] }, schema);
    const fields: Record<string, Field> = {};
    const own: Link[] = [];
    const seen = new Set(OWN);
    for (const [index, column] of columns.entries()) {
      const at = { ...row, says: `${row.says}, column '${column.name}'`, path: ['schema', 'columns', index] };
      requireFree(at, column.name, seen);
      fields[column.name] = fieldOfColumn(at, column);
    }
    for (const [index, relation] of relations.entries()) {
      const at = { ...row, says: `${row.says}, relation '${relation.name}'`, path: ['schema', 'relations', index] };
      requireFree(at, relation.name, seen);
      const link = addRelation(at, name, relation, known, fields);
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
      const of = Object.hasOwn(ownTypes, type) ? ['table_name'] : ['schema', 'relations'];
      if (isTaken) wrong(row, `: there is a '${type}' already`, ...of);
      resources[type] = resource as Resource;
    }
    links.push(...own);
  }
  return daptinPolicy(resources, names, links);
}

/** Where in a row of `world` a column or a relation of an entity is, as a JSON Pointer; null where it is not. */
export function placeInRow({ table_name, schema }: Given, type: string, field: string): string | null {
  if (type !== table_name) return null;
  for (const [part, entries] of Object.entries((schema ?? {}) as Partial<Schema>)) {
    const index = entries.findIndex(({ name }) => name === field);
    if (index >= 0) return `/schema/${part}/${index}`;
  }
  return null;
}

/** A relation to one row is a field of the row; one to many is a type of its own, with a record for each. */
function addRelation(
  at: Place,
  from: string,
  { name, kind, to, optional = false, ...others }: Named,
  known: readonly string[],
  fields: Record<string, Field>,
): Link | null {
  const [other] = Object.keys(others);
  if (other !== undefined) wrong(at, ` has no '${other}', but name, kind, to, optional`, other);
  if (typeof to !== 'string' || !known.includes(to)) wrong(at, `: there is no entity '${to}'`, 'to');
  if (typeof optional !== 'boolean') wrong(at, ": 'optional' is not true or false", 'optional');
  if (kind === 'belongs_to') {
    fields[name] = reference(to, { optional, ...(optional ? { clears: true } : {}) });
    return null;
  }
  if (kind !== 'has_many') wrong(at, ' has no kind, but one of belongs_to, has_many', 'kind');
  const link = { name: `${from}_${name}`, from, to };
  if (link.name.length > LONGEST_LINK) wrong(at, `: '${link.name}' is longer than ${LONGEST_LINK}`, 'name');
  return link;
}

interface Schema {
  readonly columns: readonly Named[];
  readonly relations: readonly Named[];
}

/** The lists of a schema, each of whose entries has a name. */
function partsOf(at: Place, schema: unknown): Schema {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) {
    wrong(at, ': its schema is not {columns, relations}');
  }
  for (const [part, entries] of Object.entries(schema)) {
    if (part !== 'columns' && part !== 'relations') {
      wrong(at, `: its schema has no '${part}', but columns, relations`, part);
    }
    if (!Array.isArray(entries)) wrong(at, `: '${part}' is not a list`, part);
    if (entries.length > MOST) wrong(at, `: '${part}' has more than ${MOST}`, part);
    for (const [index, entry] of entries.entries()) {
      if (typeof entry?.name !== 'string') wrong(at, `: ${part}.${index} has no name`, part, index);
    }
  }
  return { columns: [], relations: [], ...schema };
}

function requireFree(at: Place, name: string, seen: Set<string>): void {
  requireName(at, name, 'name');
  if (OWN.includes(name)) wrong(at, ': every row has that already', 'name');
  if (seen.has(name)) wrong(at, ' is there twice', 'name');
  seen.add(name);
}

/** @param member which of the place's is the name */
function requireName(at: Place, name: string, member: string): void {
  if (!NAME.test(name) || name.length > LONGEST_NAME) {
    wrong(at, `: a name has small letters, digits and single _, and at most ${LONGEST_NAME} of them`, member);
  }
}
