import { type Field, isDate, isInstant } from '../language/fields.js';
import { fieldOf, resolvePath } from '../language/lookup.js';
import type { Model } from '../language/model.js';
import type { Condition, Leaf, Operand } from '../tree/condition.js';
import { leftOver, mapOperands, operandsOf } from '../tree/condition.js';
import { scopesSql } from './grants.js';
import { columnOf, holdingTable, tableOf } from './names.js';
import { nextAlias, pathSql, type Row } from './paths.js';

/** What is another at each request for a page of one list: the time, and the last record of the page before. */
export type Changing = 'now' | 'id' | 'value';

/** The values of a statement, numbered as they are written into it: SQL never holds a value as text. */
export class Parameters {
  readonly values: unknown[] = [];
  /** Where the values are that have names: whoever asks the same statement again puts others there. */
  readonly named: { readonly name: Changing; readonly index: number }[] = [];

  /**
   * @param unseen the values are hidden from whoever plans the statement: the plan is then the same whatever they are,
   *   and a statement that is prepared keeps it
   */
  constructor(readonly unseen: boolean = false) {}

  /** Adds a value, and gives its place in the text. */
  add(value: unknown, type: string, name?: Changing): string {
    if (name !== undefined) this.named.push({ name, index: this.values.length });
    this.values.push(value);
    const place = `$${this.values.length}::${type}`;
    // With the type once more, since 'any' of a bare subquery would go through its rows.
    return this.unseen ? `(select ${place})::${type}` : place;
  }
}

/** What a condition is written over. A principal's rows are of one kind at a time. */
export interface Scope {
  readonly model: Model;
  readonly parameters: Parameters;
  readonly record?: Row;
  readonly principal?: Row & { readonly kind: string };
  /** The principal that is known, for the roles that were left open since it holds them on too many scopes. */
  readonly holder?: { readonly kind: string; readonly id: string };
  /** The time of the request, for grants that begin or end. */
  readonly now: string;
}

const TYPES: Readonly<Record<Field['kind'], string>> = {
  text: 'text',
  choice: 'text',
  integer: 'integer',
  number: 'double precision',
  boolean: 'boolean',
  instant: 'timestamptz',
  date: 'date',
  reference: 'uuid',
  json: 'jsonb',
};

/** The SQL type of a field. */
export function typeOf(field: Field): string {
  return `${TYPES[field.kind]}${field.many ? '[]' : ''}`;
}

/**
 * Writes a folded condition as an SQL expression that is true exactly where the condition holds. Where it does not,
 * the expression is false or null, which a WHERE takes alike; below a `not` the two are made one.
 */
export function write(condition: Condition, scope: Scope): string {
  switch (condition.op) {
    case 'always':
      return 'true';
    case 'never':
      return 'false';
    case 'all':
      return `(${condition.of.map((part) => write(part, scope)).join(' and ')})`;
    case 'any':
      return `(${condition.of.map((part) => write(part, scope)).join(' or ')})`;
    case 'not':
      return `((${write(condition.of, scope)}) is not true)`;
    case 'named':
      return write(condition.of, scope);
    case 'linked': {
      const row: Row = { type: condition.type, alias: nextAlias(scope.record?.alias ?? 'l') };
      const to = column({ from: 'record', path: condition.at }, scope);
      const where = write(condition.where, { ...scope, record: row });
      const from = `${tableOf(scope.model, condition.type)} ${row.alias}`;
      return `exists (select 1 from ${from} where ${row.alias}.${columnOf(condition.via)} = ${to} and ${where})`;
    }
    case 'may':
      throw leftOver('may', 'make a policy of the rules');
    default:
      return throughReference(condition, scope) ?? writeLeaf(condition, scope);
  }
}

/**
 * A leaf about a field of a record that this one refers to: `project_id in (select id from project where …)`, which
 * the planner can turn into a join, rather than a subquery for each row.
 */
function throughReference(leaf: Leaf, scope: Scope): string | null {
  const open = operandsOf(leaf).filter((operand) => operand.from !== 'constant');
  const [first] = open;
  if (open.length !== 1 || first === undefined || !('path' in first) || first.path.length < 2) return null;
  const [step, ...rest] = first.path as [string, ...string[]];
  const row = first.from === 'record' ? scope.record : scope.principal;
  // A role is held by the principal's row: the leaf has to stay where that row can be seen, which a subquery can.
  if (row === undefined) return null;
  const target = fieldOf(scope.model, row.type, step).to as string;
  const inner: Row = { type: target, alias: nextAlias(row.alias) };
  const moved = mapOperands(leaf, (operand) => (operand === first ? { ...first, path: rest } : operand));
  const innerScope: Scope =
    first.from === 'record' ? { ...scope, record: inner } : { ...scope, principal: { ...inner, kind: first.kind } };
  if (leaf.op === 'holds' && first.from === 'principal') return null;
  const where = throughReference(moved, innerScope) ?? writeLeaf(moved, innerScope);
  return `${row.alias}.${columnOf(step)} in (select ${inner.alias}.id from ${tableOf(scope.model, target)} ${inner.alias} where ${where})`;
}

function writeLeaf(leaf: Leaf, scope: Scope): string {
  switch (leaf.op) {
    case 'kind':
      if (scope.principal === undefined) throw leftOver('kind', 'fold the principal');
      return scope.principal.kind === leaf.kind ? 'true' : 'false';
    case 'loggedIn':
      throw leftOver('loggedIn', 'fold the principal');
    case 'equal':
      return binary(leaf.left, '=', leaf.right, scope);
    case 'less':
      return binary(leaf.left, '<', leaf.right, scope);
    case 'atMost':
      return binary(leaf.left, '<=', leaf.right, scope);
    case 'member': {
      const sides = pair(leaf.element, leaf.set, scope);
      if (sides === null) return 'false';
      const [element, set] = sides;
      // Written so that an index on the column can serve it, whichever side the column is.
      return leaf.set.from === 'constant' ? `${element} = any(${set})` : `${set} @> array[${element}]`;
    }
    case 'subset': {
      if (hasStranger(leaf.left, leaf.right, scope)) return 'false';
      const sides = pair(leaf.left, leaf.right, scope);
      return sides === null ? 'false' : sides.join(' <@ ');
    }
    case 'overlap': {
      const sides = pair(leaf.left, leaf.right, scope);
      return sides === null ? 'false' : sides.join(' && ');
    }
    case 'present': {
      const value = operandSql(leaf.value, 'text', scope);
      // A json null is missing too.
      return columnType(leaf.value, scope) === 'jsonb' ? `${value} <> 'null'` : `${value} is not null`;
    }
    case 'empty':
      return `cardinality(${operandSql(leaf.value, 'text', scope)}) = 0`;
    case 'bits': {
      const value = operandSql(leaf.value, 'integer', scope);
      const mask = scope.parameters.add(leaf.bits, 'integer');
      return `(${value} & ${mask}) = ${mask}`;
    }
    case 'holds':
      return writeHolds(leaf, scope);
  }
}

function writeHolds(leaf: Leaf & { op: 'holds' }, scope: Scope): string {
  if (leaf.at !== null && neverFits(leaf.at, 'uuid')) return 'false';
  if (scope.holder !== undefined && leaf.at !== null) {
    const scopes = heldScopes(leaf, scope);
    const at = operandSql(leaf.at, 'uuid', scope);
    return leaf.many ? `${at} && array(${scopes})` : `${at} in (${scopes})`;
  }
  const holdings = holdingsSql(leaf.role, leaf.scope, scope);
  if (leaf.at === null) return `exists (select 1 ${holdings})`;
  const at = operandSql(leaf.at, 'uuid', scope);
  // With the type, since 'any' of a bare subquery would go through its rows.
  return `exists (select 1 ${holdings} and h.scope_id = ${leaf.many ? `any(${at}::uuid[])` : at})`;
}

/** A query of the `id`s of the scopes on which the known principal holds a role. */
export function heldScopes(leaf: Leaf & { op: 'holds' }, { model, parameters, holder, now }: Scope): string {
  if (holder === undefined || leaf.scope === null) throw leftOver('holds', 'fold the principal');
  const who = { kind: holder.kind, id: parameters.add(holder.id, 'uuid') };
  let time: string | undefined;
  const at = () => (time ??= parameters.add(now, 'timestamptz', 'now'));
  return scopesSql(model, who, { role: leaf.role, scope: leaf.scope }, at);
}

/** Those of some values that can be ids, each once. */
export function knownIds(values: readonly unknown[]): readonly string[] {
  return [...new Set(values)].filter((value): value is string => fits(value, 'uuid'));
}

/** A query of the `id`s of scopes that are known. */
export function scopesIn(ids: readonly string[], parameters: Parameters): string {
  return `select unnest(${parameters.add(ids, 'uuid[]')}) as id`;
}

/** The grants in force of a role, from the principal's row. */
function holdingsSql(role: string, on: string | null, { model, parameters, principal, now }: Scope): string {
  if (principal === undefined) throw leftOver('holds', 'fold the principal');
  const time = parameters.add(now, 'timestamptz', 'now');
  const parts = [
    `h.principal_kind = ${parameters.add(principal.kind, 'text')}`,
    `h.principal_id = ${principal.alias}.id`,
    `h.role = ${parameters.add(role, 'text')}`,
    on === null ? 'h.scope is null' : `h.scope = ${parameters.add(on, 'text')}`,
    `(h.starts_at is null or h.starts_at <= ${time})`,
    `(h.ends_at is null or h.ends_at > ${time})`,
  ];
  return `from ${holdingTable(model)} h where ${parts.join(' and ')}`;
}

function binary(left: Operand, sign: string, right: Operand, scope: Scope): string {
  return pair(left, right, scope)?.join(` ${sign} `) ?? 'false';
}

/** Two operands, the constant one with the type of the other; null where it can't be of that type. */
function pair(left: Operand, right: Operand, scope: Scope): readonly [string, string] | null {
  const type = columnType(left, scope) ?? columnType(right, scope) ?? 'text';
  const base = type.replace(/\[\]$/, '');
  // Asked before either is written: a parameter that the text does not mention is an error.
  if (neverFits(left, base) || neverFits(right, base)) return null;
  return [operandSql(left, base, scope), operandSql(right, base, scope)];
}

function columnType(operand: Operand, scope: Scope): string | null {
  if (operand.from === 'scopes') return 'uuid[]';
  const row = operand.from === 'record' ? scope.record : operand.from === 'principal' ? scope.principal : undefined;
  return row === undefined || !('path' in operand)
    ? null
    : typeOf(resolvePath(scope.model, row.type, operand.path).field);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** What PostgreSQL can't hold as text: a zero character, and half of a surrogate pair. */
const UNWRITABLE = /\0|\p{Surrogate}/u;

/** An operand, where a constant is a parameter of a type that it fits. */
function operandSql(operand: Operand, base: string, scope: Scope): string {
  if (operand.from === 'record' || operand.from === 'principal') return column(operand, scope);
  if (operand.from === 'scopes') return `array(select h.scope_id ${holdingsSql(operand.role, operand.scope, scope)})`;
  if (operand.from !== 'constant') throw leftOver(operand.from, 'fold the environment');
  const { value } = operand;
  if (!Array.isArray(value)) return scope.parameters.add(value, widened([value], base));
  const elements = value.filter((element) => fits(element, base));
  return scope.parameters.add(elements, `${widened(elements, base)}[]`);
}

/** Whether a constant set has an element that no set of the other's type could have. */
function hasStranger(set: Operand, other: Operand, scope: Scope): boolean {
  const base = (columnType(other, scope) ?? 'text').replace(/\[\]$/, '');
  return set.from === 'constant' && Array.isArray(set.value) && !set.value.every((element) => fits(element, base));
}

/** Whether an operand is a constant that no value of the type could equal: then the leaf is false, not an error. */
function neverFits(operand: Operand, base: string): boolean {
  return operand.from === 'constant' && !Array.isArray(operand.value) && !fits(operand.value, base);
}

function fits(value: unknown, base: string): boolean {
  switch (base) {
    case 'uuid':
      return typeof value === 'string' && UUID.test(value);
    case 'integer':
    case 'double precision':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'timestamptz':
      return typeof value === 'string' && isInstant(value);
    case 'date':
      return typeof value === 'string' && isDate(value);
    default:
      return typeof value === 'string' && !UNWRITABLE.test(value);
  }
}

/** An integer column is compared with 1.5, or with what no integer holds, as a number. */
function widened(values: readonly unknown[], base: string): string {
  const small = (value: unknown) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31;
  return base === 'integer' && !values.every(small) ? 'double precision' : base;
}

/** The value at a path, as an SQL expression: a column, or subqueries along the references. */
export function column(operand: Operand & { from: 'record' | 'principal' }, scope: Scope): string {
  const row = operand.from === 'record' ? scope.record : scope.principal;
  if (row === undefined) throw leftOver(operand.from, `fold the ${operand.from}`);
  return pathSql(scope.model, row, operand.path);
}
