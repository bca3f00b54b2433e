import {
  type Field,
  fieldOf,
  linkKey,
  type Model,
  type Needs,
  type Policy,
  principalTypeOf,
  type RecordFacts,
  recordNeeds,
  resolvePath,
  type TypeAttributes,
  type Value,
} from '@ostiary/policy';
import { columnOf, type Parameters, pathSql, quote, type Row, tableOf, typeOf } from '@ostiary/policy/sql';
import { storedFields } from './model-tables.js';
import type { SqlRow } from './query.js';

/** A record as it was loaded: its own fields, what the rules ask about it beyond them, and its version. */
export interface LoadedRecord {
  readonly id: string;
  readonly version: number;
  /** Every field of its own, as the API would show it without a mask. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly facts: RecordFacts;
}

const OWN: readonly (readonly [string, Field['kind']])[] = [
  ['id', 'reference'],
  ['createdAt', 'instant'],
  ['updatedAt', 'instant'],
];

const lists = new WeakMap<Policy, WeakMap<Needs, Map<string, string>>>();

/** The select list of a type over the alias `t`, with everything that deciding about a record needs. */
export function selectList(policy: Policy, type: string, needs: Needs = recordNeeds(policy, type)): string {
  // Needs may be those of types of several applications, which have the same name.
  const byNeeds = lists.get(policy) ?? new WeakMap<Needs, Map<string, string>>();
  lists.set(policy, byNeeds);
  const known = byNeeds.get(needs) ?? new Map<string, string>();
  byNeeds.set(needs, known);
  const list = known.get(type) ?? writeList(policy.model, type, needs);
  known.set(type, list);
  return list;
}

function writeList(model: Model, type: string, needs: Needs): string {
  const row: Row = { type, alias: 't' };
  const own = [...OWN.map(([name]) => name), ...storedFields(model, type).map(([name]) => name)];
  return [
    't.version',
    ...own.map((name) => `t.${columnOf(name)} as ${quote(name)}`),
    ...needs.paths.map((path) => `${pathSql(model, row, path)} as ${quote(path.join('.'))}`),
    ...needs.links.map((link) => `${linkSql(model, row, link, ofRow(model, row))} as ${quote(linkKey(link))}`),
  ].join(', ');
}

type Reader = (path: readonly string[]) => string;

const ofRow =
  (model: Model, row: Row): Reader =>
  (path) =>
    pathSql(model, row, path);

/**
 * The linked records as a JSON array, each with what the rules ask of it.
 * @param read what the record itself has: one that is proposed is not yet what is stored under its id
 */
function linkSql(model: Model, row: Row, link: Needs['links'][number], read: Reader): string {
  const inner: Row = { type: link.type, alias: `${row.alias}l` };
  const isBack = ([first, ...rest]: readonly string[]) =>
    first === link.via && rest.length > 0 && link.at.join() === 'id';
  const readInner: Reader = (path) => (isBack(path) ? read(path.slice(1)) : pathSql(model, inner, path));
  const names = [...OWN.map(([name]) => name), ...storedFields(model, link.type).map(([name]) => name)];
  const pairs = [
    ...names.map((name) => `'${name}', ${inner.alias}.${columnOf(name)}`),
    ...link.needs.paths.map((path) => `'${path.join('.')}', ${readInner(path)}`),
    ...link.needs.links.map((nested) => `'${linkKey(nested)}', ${linkSql(model, inner, nested, readInner)}`),
  ];
  return `(select coalesce(json_agg(json_build_object(${pairs.join(', ')})), '[]'::json)
    from ${tableOf(model, link.type)} ${inner.alias} where ${inner.alias}.${columnOf(link.via)} = ${pathSql(model, row, link.at)})`;
}

/**
 * The fields of a record that is to be made: what was given, what the model says where nothing was, and who makes it.
 * @param made.by the principal, and of which type its record is; null for the installation itself, which says
 *   everything. A field that refers to another type of principal stays empty.
 * @param made.types the attributes of resource types, from which some fields are filled
 */
export function newValues(
  model: Model,
  type: string,
  made: { readonly id: string; readonly now: Date; readonly by: Maker | null; readonly types: TypeAttributes },
  input: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const now = made.now.toISOString();
  const values: Record<string, unknown> = { id: made.id, createdAt: now, updatedAt: now };
  for (const [name, field] of storedFields(model, type)) {
    const { filled } = field;
    if (filled === 'principal' && made.by !== null) values[name] = filledBy(field, made.by);
    else {
      const ofType = typeof filled === 'object' ? made.types[type]?.[filled.type] : undefined;
      values[name] = input[name] ?? ofType ?? field.default ?? null;
    }
  }
  return values;
}

/** Who makes a record: the id of a principal, and the type of its record, if it has one. */
export interface Maker {
  readonly id: string;
  readonly type: string | null;
}

/** A principal as who makes a record; null for the installation itself. A guest's id is empty, and fills no field. */
export function makerOf(model: Model, principal: { readonly kind: string; readonly id: string } | null): Maker | null {
  return principal && { id: principal.id, type: principalTypeOf(model, principal.kind) };
}

function filledBy(field: Field, { id, type }: Maker): string | null {
  return (field.to === null || field.to === type) && id !== '' ? id : null;
}

/** A proposed record as a row, so that it is decided about with the same query as a stored one. */
export function proposal(
  policy: Policy,
  type: string,
  values: Readonly<Record<string, unknown>>,
  parameters: Parameters,
): string {
  const { model } = policy;
  const columns = [
    ['id', 'uuid'],
    ['createdAt', 'timestamptz'],
    ['updatedAt', 'timestamptz'],
    ...storedFields(model, type).map(([name, field]) => [name, typeOf(field)] as const),
  ] as const;
  const cells = columns.map(
    ([name, sqlType]) => `${parameters.add(toColumn(model, type, name, values[name]), sqlType)} as ${columnOf(name)}`,
  );
  return `(select 0 as version, ${cells.join(', ')})`;
}

/** A value of the API as a parameter of its column. */
export function toColumn(model: Model, type: string, name: string, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  return fieldOf(model, type, name).kind === 'json' ? JSON.stringify(value) : value;
}

/** Turns a row of `selectList` into a record, about which those rules can be decided whose needs were selected. */
export function toRecord(
  policy: Policy,
  type: string,
  row: SqlRow,
  needs: Needs = recordNeeds(policy, type),
): LoadedRecord {
  const { model } = policy;
  const values = valuesOf(model, type, row);
  return {
    id: values.id as string,
    version: row.version as number,
    values,
    facts: factsOf(model, type, needs, row, values),
  };
}

/** What the rules see of a row: fields, paths and links. */
export function toFacts(model: Model, type: string, needs: Needs, row: SqlRow): RecordFacts {
  return factsOf(model, type, needs, row, valuesOf(model, type, row));
}

function valuesOf(model: Model, type: string, row: SqlRow): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const { name, kind } of shapeOf(model, type).columns) values[name] = toValue(kind, row[name]);
  return values;
}

function factsOf(
  model: Model,
  type: string,
  needs: Needs,
  row: SqlRow,
  values: Readonly<Record<string, unknown>>,
): RecordFacts {
  const { columns, isAsSeen } = shapeOf(model, type);
  if (isAsSeen && needs.paths.length + needs.links.length === 0) return values as RecordFacts;
  const facts: Record<string, Value | readonly RecordFacts[]> = {};
  for (const { name, kind } of columns) {
    facts[name] = kind === 'json' ? toFact(kind, row[name]) : (values[name] as Value);
  }
  for (const path of needs.paths) {
    const key = path.join('.');
    facts[key] = toValue(resolvePath(model, type, path).field.kind, row[key]) as Value;
  }
  for (const link of needs.links) {
    const key = linkKey(link);
    facts[key] = ((row[key] ?? []) as readonly SqlRow[]).map((linked) => toFacts(model, link.type, link.needs, linked));
  }
  return facts;
}

/** A value of a field as the rules see it: of json only whether there is any. */
export function toFact(kind: Field['kind'], value: unknown): Value {
  return kind === 'json' ? (value == null ? null : true) : (toValue(kind, value) as Value);
}

/** What every row of a type has, and whether rules see all of it as it is. */
interface Shape {
  readonly columns: readonly { readonly name: string; readonly kind: Field['kind'] }[];
  readonly isAsSeen: boolean;
}

const shapes = new WeakMap<Model, Map<string, Shape>>();

/** Worked out once, as lists are made of it. */
function shapeOf(model: Model, type: string): Shape {
  const known = shapes.get(model)?.get(type);
  if (known !== undefined) return known;
  const own = [...OWN, ...storedFields(model, type).map(([name, field]) => [name, field.kind] as const)];
  const columns = own.map(([name, kind]) => ({ name, kind }));
  const found = { columns, isAsSeen: columns.every(({ kind }) => kind !== 'json') };
  const ofModel = shapes.get(model) ?? new Map<string, Shape>();
  shapes.set(model, ofModel.set(type, found));
  return found;
}

/** Instants in one width, whatever wrote them: rules and cursors compare them as text. */
function toValue(kind: Field['kind'], value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (kind === 'instant') {
    if (Array.isArray(value)) return value.map((part) => toValue(kind, part));
    if (typeof value === 'string' && value.length === 24 && value.endsWith('Z')) return value;
    return (value instanceof Date ? value : new Date(value as string)).toISOString();
  }
  return value;
}
