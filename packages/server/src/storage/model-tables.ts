import { type Field, type Model, snakeCase } from '@ostiary/policy';
import { columnOf, quote, tableOf, typeOf } from '@ostiary/policy/sql';
import type { Transaction } from './database.js';
import { nameOf } from './names.js';
import { query } from './query.js';

/** The installation's data does not fit the model, and can't be made to without a person. */
export class SchemaError extends Error {
  /** @param field the one that does not fit, and its type, where it is one */
  constructor(
    message: string,
    readonly field: { readonly type: string; readonly name: string } | null = null,
  ) {
    super(message);
    this.name = 'SchemaError';
  }
}

function misfit(type: string, name: string, what: string): never {
  throw new SchemaError(`${type}.${name} ${what}`, { type, name });
}

/** Resource types that have a table of their own. */
export function storedTypes(model: Model): readonly string[] {
  return Object.keys(model.resources).filter((type) => model.resources[type]?.source === undefined);
}

/** Whether the records of a type are rows: of its own table, or of the audit trail. */
export function hasRows(model: Model, type: string): boolean {
  const { source } = model.resources[type] ?? {};
  return source === undefined || source === 'audit';
}

/** The fields of a type that are columns. */
export function storedFields(model: Model, type: string): readonly (readonly [string, Field])[] {
  return Object.entries(model.resources[type]?.fields ?? {}).filter(([, field]) => !field.secret);
}

/** The fields of a type that are columns of encrypted text: no statement that loads records names them. */
export function encryptedFields(model: Model, type: string): readonly (readonly [string, Field])[] {
  return Object.entries(model.resources[type]?.fields ?? {}).filter(([, field]) => field.encrypted);
}

/** What every table of a resource type has. */
export const BUILT_IN_COLUMNS = [
  ['id', 'uuid primary key'],
  ['created_at', 'timestamptz(3) not null'],
  ['updated_at', 'timestamptz(3) not null'],
  ['version', 'integer not null default 1'],
] as const;

/** PostgreSQL has these in every table (its manual, 5.6 'System Columns'). */
const SYSTEM_COLUMNS = ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'];
/** A row fits a page of 8 kB, with at least 18 bytes for each long value (its manual, appendix K 'Limits'). */
const MOST_COLUMNS = 400;

/** What PostgreSQL itself would refuse, now or when the first record is written. @throws SchemaError */
async function requireTable(transaction: Transaction, model: Model, type: string): Promise<void> {
  const fields = Object.entries(model.resources[type]?.fields ?? {});
  if (fields.length > MOST_COLUMNS) throw new SchemaError(`${type} has more than ${MOST_COLUMNS} fields`);
  const [taken] = fields.filter(([name]) => SYSTEM_COLUMNS.includes(snakeCase(name)));
  if (taken) misfit(type, taken[0], 'is a column that every table has: take another name');
  const others = await query(
    transaction,
    `select from pg_class where oid = to_regclass($1) and relkind not in ('r', 'p')`,
    [tableOf(model, type)],
  );
  if (others.length > 0)
    throw new SchemaError(`${type} can't be the name of a table, since something else in the database has it`);
}

/** Makes the table of a resource type, or brings it to what the model says now, without its indexes. */
export async function createTable(transaction: Transaction, model: Model, type: string): Promise<void> {
  await requireTable(transaction, model, type);
  const table = tableOf(model, type);
  const own = BUILT_IN_COLUMNS.map(([name, definition]) => `${name} ${definition}`).join(', ');
  await query(transaction, `create table if not exists ${table} (${own})`);
  const rows = await query<Column>(
    transaction,
    `select a.attname as name, format_type(a.atttypid, null) as type, a.attnotnull as required
       from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped`,
    [table],
  );
  const present = new Map(rows.map((row) => [row.name, row]));
  const exists = async (where: string) =>
    (await query(transaction, `select 1 from ${table} where ${where} limit 1`)).length > 0;
  const filled = await exists('true');
  for (const [name, field] of [...storedFields(model, type), ...encryptedFields(model, type)]) {
    const column = columnOf(name);
    const wanted = typeOf(field);
    const found = present.get(snakeCase(name));
    present.delete(snakeCase(name));
    if (found === undefined) {
      if (filled && !field.optional && field.default === undefined) {
        misfit(
          type,
          name,
          'is new and required, but there are records without it: make it optional or give it a default',
        );
      }
      await query(transaction, `alter table ${table} add column ${column} ${columnDefinition(field, wanted)}`);
    } else if (found.type !== canonical(wanted)) {
      const other = `is stored as ${found.type}, but the model says ${wanted}`;
      misfit(type, name, `${other}: add a new field, or migrate the column by hand`);
    } else if (found.required && field.optional) {
      await query(transaction, `alter table ${table} alter column ${column} drop not null`);
    } else if (!found.required && !field.optional) {
      if (await exists(`${column} is null`)) {
        misfit(type, name, 'is required now, but there are records without it: leave it optional');
      }
      await query(transaction, `alter table ${table} alter column ${column} set not null`);
    }
    if (field.unique && (await exists(`${column} is not null group by ${column} having count(*) > 1`))) {
      misfit(type, name, 'is unique now, but there are records that have the same');
    }
  }
  // What the model has no longer keeps its data, and is not asked of new records.
  for (const { name, required } of present.values()) {
    if (!required || BUILT_IN_COLUMNS.some(([builtIn]) => builtIn === name)) continue;
    await query(transaction, `alter table ${table} alter column ${quote(name)} drop not null`);
  }
}

type Column = { readonly name: string; readonly type: string; readonly required: boolean };

function canonical(type: string): string {
  return type.replace('timestamptz', 'timestamp with time zone');
}

function columnDefinition(field: Field, type: string): string {
  const precise = type.replace('timestamptz', 'timestamptz(3)');
  const value = field.default;
  const required = field.optional ? '' : ' not null';
  if (value === undefined) return `${precise}${required}`;
  const many = Array.isArray(value) && field.kind !== 'json';
  const written = many ? `{${value.map((part) => JSON.stringify(part)).join(',')}}` : asText(field, value);
  return `${precise}${required} default '${written.replaceAll("'", "''")}'`;
}

function asText(field: Field, value: unknown): string {
  return field.kind === 'json' ? JSON.stringify(value) : String(value);
}

/** Adds the foreign keys of a table, once all tables are there. */
export async function addReferences(transaction: Transaction, model: Model, type: string): Promise<void> {
  for (const [name, field] of storedFields(model, type)) {
    if (field.to === null || field.many || model.resources[field.to]?.source !== undefined) continue;
    const constraint = nameOf(snakeCase(type), snakeCase(name), 'fkey');
    const table = tableOf(model, type);
    const exists = await query(
      transaction,
      `select 1 from pg_constraint where conrelid = $1::regclass and conname = $2`,
      [table, constraint],
    );
    if (exists.length > 0) continue;
    await query(
      transaction,
      `alter table ${table} add constraint ${quote(constraint)} foreign key (${columnOf(name)})
         references ${tableOf(model, field.to)} (id) deferrable initially immediate`,
    );
  }
}
