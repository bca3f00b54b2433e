import { createHash } from 'node:crypto';
import {
  type Field,
  findField,
  type Model,
  type Policy,
  principalNeeds,
  snakeCase,
  upwardImplications,
} from '@ostiary/policy';
import { columnOf, holdingsView, quote, schemaOf, tableOf, typeOf } from '@ostiary/policy/sql';
import type { Transaction } from './database.js';
import { query } from './query.js';
import { PLATFORM_DDL } from './tables.js';

/** The installation's data does not fit the model, and can't be made to without a person. */
export class SchemaError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SchemaError';
  }
}

/** Raised when the code below makes other tables of the same model. */
const LAYOUT = 1;

/** One migration at a time, whichever process starts first. */
const MIGRATION_LOCK = 7_246_771;

/** Makes the installation's own tables where they are missing. */
export async function createPlatformSchema(transaction: Transaction): Promise<void> {
  const statements = [...PLATFORM_DDL, ...RIGHTS_FUNCTIONS];
  await unlessUpToDate(transaction, 'ostiary', statements, async () => {
    for (const statement of statements) await query(transaction, statement);
  });
}

/**
 * Makes an application's tables from its model: creates what is missing, adds new fields, and refuses to start where
 * a field has changed its type. Data is never dropped.
 * @throws {SchemaError} in words for the person who runs the server.
 */
export async function createApplicationSchema(transaction: Transaction, policy: Policy): Promise<void> {
  const { model } = policy;
  const views = Object.keys(model.resources).filter((type) => model.resources[type]?.source === 'audit');
  const statements = [
    `drop view if exists ${schemaOf(model)}.holding`,
    holdingsView(model),
    ...views.map((type) => auditView(model, type)),
    ...rightsTriggers(policy),
  ];
  await unlessUpToDate(transaction, snakeCase(model.name), [model.resources, statements], async () => {
    await query(transaction, `create schema if not exists ${schemaOf(model)}`);
    const stored = storedTypes(model);
    for (const type of stored) await createTable(transaction, model, type);
    for (const type of stored) await addReferences(transaction, model, type);
    for (const statement of statements) await query(transaction, statement);
  });
}

/**
 * Runs a migration only where the schema was made from something else: statements that change nothing would still lock
 * what other servers are using. What it was made from stands, as a digest, in the schema's comment.
 */
async function unlessUpToDate(
  transaction: Transaction,
  schema: string,
  madeFrom: unknown,
  migrate: () => Promise<void>,
): Promise<void> {
  const digest = createHash('sha256')
    .update(JSON.stringify([LAYOUT, madeFrom]))
    .digest('hex');
  await query(transaction, `select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  const [found] = await query<{ comment: string | null }>(
    transaction,
    `select obj_description(to_regnamespace($1)::oid, 'pg_namespace') as comment`,
    [quote(schema)],
  );
  if (found?.comment === digest) return;
  await migrate();
  await query(transaction, `comment on schema ${quote(schema)} is '${digest}'`);
}

/** Resource types that have a table of their own. */
export function storedTypes(model: Model): readonly string[] {
  return Object.keys(model.resources).filter((type) => model.resources[type]?.source === undefined);
}

/** The fields of a type that are columns. */
export function storedFields(model: Model, type: string): readonly (readonly [string, Field])[] {
  return Object.entries(model.resources[type]?.fields ?? {}).filter(([, field]) => !field.secret);
}

async function createTable(transaction: Transaction, model: Model, type: string): Promise<void> {
  const table = tableOf(model, type);
  await query(
    transaction,
    `create table if not exists ${table} (
       id uuid primary key,
       created_at timestamptz(3) not null,
       updated_at timestamptz(3) not null,
       version integer not null default 1
     )`,
  );
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
  for (const [name, field] of storedFields(model, type)) {
    const column = columnOf(name);
    const wanted = typeOf(field);
    const found = present.get(snakeCase(name));
    present.delete(snakeCase(name));
    if (found === undefined) {
      if (filled && !field.optional && field.default === undefined) {
        throw new SchemaError(
          `${type}.${name} is new and required, but there are records without it: make it optional or give it a default`,
        );
      }
      await query(transaction, `alter table ${table} add column ${column} ${columnDefinition(field, wanted)}`);
    } else if (found.type !== canonical(wanted)) {
      throw new SchemaError(
        `${type}.${name} is stored as ${found.type}, but the model says ${wanted}: add a new field, or migrate the column by hand`,
      );
    } else if (found.required && field.optional) {
      await query(transaction, `alter table ${table} alter column ${column} drop not null`);
    } else if (!found.required && !field.optional) {
      if (await exists(`${column} is null`)) {
        throw new SchemaError(`${type}.${name} is required now, but there are records without it: leave it optional`);
      }
      await query(transaction, `alter table ${table} alter column ${column} set not null`);
    }
    if (field.unique && (await exists(`${column} is not null group by ${column} having count(*) > 1`))) {
      throw new SchemaError(`${type}.${name} is unique now, but there are records that have the same`);
    }
    for (const statement of indexes(model, type, name, field)) await query(transaction, statement);
  }
  // What the model has no longer keeps its data, and is not asked of new records.
  for (const { name, required } of present.values()) {
    if (!required || ['id', 'created_at', 'updated_at', 'version'].includes(name)) continue;
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

function indexes(model: Model, type: string, name: string, field: Field): readonly string[] {
  const table = tableOf(model, type);
  const label = (kind: string) => quote(`${snakeCase(type)}_${snakeCase(name)}_${kind}`.slice(0, 63));
  const column = columnOf(name);
  if (field.unique) return [`create unique index if not exists ${label('unique')} on ${table} (${column})`];
  if (field.many) return [`create index if not exists ${label('set')} on ${table} using gin (${column})`];
  // With the id behind it, so that a page of one scope is read in order from the index.
  if (field.to !== null) return [`create index if not exists ${label('id')} on ${table} (${column}, id)`];
  return [];
}

async function addReferences(transaction: Transaction, model: Model, type: string): Promise<void> {
  for (const [name, field] of storedFields(model, type)) {
    if (field.to === null || field.many || model.resources[field.to]?.source !== undefined) continue;
    const constraint = quote(`${snakeCase(type)}_${snakeCase(name)}_fkey`.slice(0, 63));
    const table = tableOf(model, type);
    const exists = await query(
      transaction,
      `select 1 from pg_constraint where conrelid = $1::regclass and conname = $2`,
      [table, constraint.slice(1, -1)],
    );
    if (exists.length > 0) continue;
    await query(
      transaction,
      `alter table ${table} add constraint ${constraint} foreign key (${columnOf(name)})
         references ${tableOf(model, field.to)} (id) deferrable initially immediate`,
    );
  }
}

/** The application's part of the audit trail, under the fields that its model gives it. */
function auditView(model: Model, type: string): string {
  const columns: Readonly<Record<string, string>> = {
    at: 'at',
    event: 'event',
    outcome: 'outcome',
    principalKind: 'principal_kind',
    principalId: 'principal_id',
    login: 'login',
    action: 'action',
    resourceType: 'resource_type',
    recordId: 'record_id',
    decisionId: 'decision_id',
    rules: 'rules',
    requestId: 'request_id',
    detail: 'detail',
  };
  const fields = Object.keys(model.resources[type]?.fields ?? {}).map((name) => {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (column === undefined) throw new SchemaError(`${type}.${name}: the audit trail has no such column`);
    return `${column} as ${columnOf(name)}`;
  });
  const select = ['id', 'at as created_at', 'at as updated_at', '1 as version', ...fields].join(', ');
  return `create or replace view ${tableOf(model, type)} as
    select ${select} from ostiary.audit where application = '${model.name.replaceAll("'", "''")}'`;
}

/**
 * Rights have a version: of one principal, and of all of an application. Whatever transaction changes rights raises
 * it, so that the next request on any node knows that what it remembers is stale.
 */
const RIGHTS_FUNCTIONS: readonly string[] = [
  `create or replace function ostiary.raise_principal_rights() returns trigger language plpgsql as $$
   declare
     holder text := TG_ARGV[2];
     ids uuid[] := '{}';
   begin
     if TG_OP <> 'INSERT' then ids := ids || (to_jsonb(old) ->> holder)::uuid; end if;
     if TG_OP <> 'DELETE' then ids := ids || (to_jsonb(new) ->> holder)::uuid; end if;
     update ostiary.account set rights_version = rights_version + 1
       where application = TG_ARGV[0] and kind = TG_ARGV[1] and principal_id = any(ids);
     return null;
   end $$`,
  `create or replace function ostiary.raise_application_rights() returns trigger language plpgsql as $$
   begin
     update ostiary.application set rights_version = rights_version + 1 where name = TG_ARGV[0];
     return null;
   end $$`,
];

function rightsTriggers(policy: Policy): readonly string[] {
  const { model } = policy;
  const statements: string[] = [];
  const ofPrincipals = (table: string, kind: string, column: string): void => {
    const name = quote(`rights_of_${kind}_${snakeCase(column)}`.slice(0, 63));
    statements.push(
      `create or replace trigger ${name} after insert or update or delete on ${tableOf(model, table)}
       for each row execute function ostiary.raise_principal_rights('${model.name}', '${kind}', '${snakeCase(column)}')`,
    );
  };
  const ofAll = (table: string): void => {
    if (model.resources[table]?.source !== undefined) return;
    statements.push(
      `create or replace trigger rights_of_all after insert or update or delete on ${tableOf(model, table)}
       for each statement execute function ostiary.raise_application_rights('${model.name}')`,
    );
  };
  const kinds = Object.entries(model.principals).flatMap(([kind, type]) =>
    type === null ? [] : [[kind, type] as const],
  );
  for (const [kind, type] of kinds) {
    ofPrincipals(type, kind, 'id');
    for (const path of principalNeeds(policy, kind).paths) {
      let at: string | null = type;
      for (const step of path.slice(0, -1)) {
        at = at === null ? null : (findField(model, at, step)?.to ?? null);
        if (at !== null) ofAll(at);
      }
    }
  }
  for (const source of model.grants) {
    if (source.members) {
      const member = findField(model, source.members.in, source.members.member);
      for (const [kind] of kinds.filter(([, type]) => type === member?.to)) {
        ofPrincipals(source.members.in, kind, source.members.member);
      }
      ofAll(source.in);
    } else if (source.holder !== 'id') {
      const holder = findField(model, source.in, source.holder);
      for (const [kind] of kinds.filter(([, type]) => type === holder?.to))
        ofPrincipals(source.in, kind, source.holder);
    }
  }
  for (const implication of upwardImplications(model)) {
    let at: string | null = implication.path.length === 0 ? null : (implication.from.split(' ')[0] ?? null);
    for (const step of implication.path) {
      if (at === null) break;
      ofAll(at);
      at = findField(model, at, step)?.to ?? null;
    }
  }
  return [...new Set(statements)];
}
