import { findField, type Leaf, type Model } from '@ostiary/policy';
import { columnOf, type Filter, type Parameters, scopeOf, write } from '@ostiary/policy/sql';
import { readId } from '../input/ids.js';
import { type FilterOperator, filterable } from '../input/schemas.js';
import { Problem } from '../problems.js';
import type { LoadedRecord } from '../storage/rows.js';

/** One test of a field that the caller wants the list's records to pass. */
export interface FieldTest {
  /** What the caller calls it. */
  readonly parameter: string;
  readonly field: string;
  readonly operator: FilterOperator | 'is';
  readonly value: string;
}

export interface Sort {
  readonly field: string;
  readonly descending: boolean;
}

export interface ListQuery {
  readonly limit: number;
  readonly sort: Sort | null;
  /** By what those are sorted that are the same by `sort`; after these, by their ids. Not with `after`. */
  readonly then?: readonly Sort[];
  readonly after: Cursor | null;
  /** How many records to leave out: these are read too, so it takes the longer the more there are. Not with `after`. */
  readonly offset?: number;
  readonly view: string | null;
  readonly tests: readonly FieldTest[];
}

/** Where a page ended: the sorted value and the id of its last record. */
interface Cursor {
  readonly sort: string;
  readonly value: string | number | boolean | null;
  readonly id: string;
}

const DEFAULT_LIMIT = 50;
/** No page has more records. */
export const MOST = 200;

/** Reads a list's query, whose shape the route's schema has checked. */
export function parseListQuery(model: Model, type: string, raw: Readonly<Record<string, string>>): ListQuery {
  const { limit, sort, cursor, view, ...rest } = raw;
  const tests = Object.entries(rest).map(([key, value]): FieldTest => {
    const [, field = '', operator] = /^([^[]+)(?:\[(\w+)\])?$/.exec(key) ?? [];
    return readTest(model, type, key, field, operator, value);
  });
  return {
    limit: limit === undefined ? DEFAULT_LIMIT : readLimit('limit', limit),
    sort: sort === undefined ? null : readSort(model, type, sort),
    after: cursor === undefined ? null : readCursor(cursor, sort ?? ''),
    view: view ?? null,
    tests,
  };
}

/**
 * How many records a page may have, as it is asked for.
 * @throws Problem `invalid_input`
 */
export function readLimit(parameter: string, text: string): number {
  const limit = Number(text);
  if (!(limit <= MOST)) throw invalid(parameter, `is at most ${MOST}`);
  return limit;
}

/**
 * One key of an order, as it is asked for: a field, with a minus in front descending.
 * @throws Problem `invalid_input`
 */
export function readSort(model: Model, type: string, text: string): Sort {
  const order = { field: text.replace(/^-/, ''), descending: text.startsWith('-') };
  const sortable = findField(model, type, order.field);
  if (!sortable || sortable.many || sortable.secret || sortable.kind === 'json') {
    throw invalid('sort', `${type} can't be sorted by '${order.field}'`);
  }
  return order;
}

/**
 * One test, as it is asked for. Whether the field has the operator is for the route's schema to say.
 * @throws Problem `invalid_input`
 */
export function readTest(
  model: Model,
  type: string,
  parameter: string,
  field: string,
  operator: string | undefined,
  value: string,
): FieldTest {
  const allowed = filterable(model, type).some(({ name }) => name === field);
  if (!allowed) throw invalid(parameter, `${type} can't be filtered by '${parameter}'`);
  return { parameter, field, operator: (operator ?? 'is') as FieldTest['operator'], value };
}

/** What a query asks for, as it was written: for the audit trail. */
export function filtersOf({ tests }: ListQuery): Readonly<Record<string, string>> {
  return Object.fromEntries(
    tests.map(({ field, operator, value }) => [operator === 'is' ? field : `${field}[${operator}]`, value]),
  );
}

/** The fields that a query looks at: each must be readable, or its results would tell what it holds. */
export function fieldsOf(query: ListQuery): readonly string[] {
  const { tests, sort, then = [] } = query;
  const fields = [...tests, ...(sort ? [sort] : []), ...then].map(({ field }) => field);
  return fields.filter((field) => field !== 'id');
}

/** The caller's tests as SQL over the alias `t`. */
export function whereOf(of: Filter, query: ListQuery, parameters: Parameters): readonly string[] {
  const { model } = of.policy;
  const scope = scopeOf(of, parameters, 't');
  return query.tests.map((test) =>
    test.operator === 'contains' ? containsSql(test, parameters) : write(toLeaf(model, of.type, test), scope),
  );
}

/** Whether a text has another in it, in whichever case. */
function containsSql(test: FieldTest, parameters: Parameters): string {
  const part = parameters.add(readValue(test, 'text', test.value), 'text');
  return `strpos(lower(t.${columnOf(test.field)}), lower(${part})) > 0`;
}

function toLeaf(model: Model, type: string, test: FieldTest): Leaf | { op: 'not'; of: Leaf } {
  const field = findField(model, type, test.field);
  const record = { from: 'record', path: [test.field] } as const;
  const constant = (value: string | number | boolean | readonly string[]) => ({ from: 'constant', value }) as const;
  const one = (text: string) => constant(readValue(test, field?.kind ?? 'text', text));
  switch (test.operator as Exclude<FieldTest['operator'], 'contains'>) {
    case 'is':
      return field?.many
        ? { op: 'member', element: one(test.value), set: record }
        : { op: 'equal', left: record, right: one(test.value) };
    case 'in': {
      const values = test.value.split(',').map((text) => readValue(test, field?.kind ?? 'text', text));
      return { op: 'member', element: record, set: constant(values as readonly string[]) };
    }
    case 'lt':
      return { op: 'less', left: record, right: one(test.value) };
    case 'le':
      return { op: 'atMost', left: record, right: one(test.value) };
    case 'gt':
      return { op: 'less', left: one(test.value), right: record };
    case 'ge':
      return { op: 'atMost', left: one(test.value), right: record };
    case 'null': {
      const present: Leaf = { op: 'present', value: record };
      return readValue(test, 'boolean', test.value) === true ? { op: 'not', of: present } : present;
    }
  }
}

/** Text from the query as a value of a field's kind. */
function readValue(test: FieldTest, kind: string, text: string): string | number | boolean {
  const wrong = (wanted: string) => invalid(test.parameter, `'${text.slice(0, 50)}' is not ${wanted}`);
  switch (kind) {
    case 'integer':
    case 'number': {
      const value = Number(text);
      if (text.trim() === '' || !Number.isFinite(value)) throw wrong('a number');
      return value;
    }
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw wrong('true or false');
      return text === 'true';
    case 'instant':
    case 'date': {
      const date = new Date(text);
      if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(date.getTime())) throw wrong('a date');
      return kind === 'date' ? date.toISOString().slice(0, 10) : date.toISOString();
    }
    case 'reference': {
      const id = readId(text);
      if (id === null) throw wrong('an id');
      return id;
    }
    default:
      if (text.includes('\u0000')) throw wrong('text without NUL');
      return text;
  }
}

/** The cursor of a record: opaque to the caller, who may only give it back. */
export function cursorOf(query: ListQuery, record: LoadedRecord): string {
  const sort = query.sort ? `${query.sort.descending ? '-' : ''}${query.sort.field}` : '';
  const value = query.sort ? (record.values[query.sort.field] ?? null) : null;
  return Buffer.from(JSON.stringify([sort, value, record.id])).toString('base64url');
}

/**
 * Where a page ended, as `cursorOf` wrote it.
 * @param sort the order as it is asked for: that of the page before
 * @throws Problem `invalid_cursor`
 */
export function readCursor(text: string, sort: string): Cursor {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!Array.isArray(parts) || parts.length !== 3) throw new TypeError('not a cursor');
    const [made, value, id] = parts as [unknown, unknown, unknown];
    const plain = value === null || ['string', 'number', 'boolean'].includes(typeof value);
    if (made !== sort || typeof id !== 'string' || readId(id) === null || !plain) throw new TypeError('not a cursor');
    return { sort, value: value as Cursor['value'], id };
  } catch (cause) {
    throw new Problem('invalid_cursor', {}, { cause });
  }
}

function invalid(name: string, message: string): Problem {
  return new Problem('invalid_input', { part: 'parameter', errors: [{ pointer: `/${name}`, message }] });
}
