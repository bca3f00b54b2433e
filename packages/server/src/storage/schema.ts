import { createHash } from 'node:crypto';
import { type Model, type Policy, snakeCase } from '@ostiary/policy';
import { holdingsView, quote, schemaOf } from '@ostiary/policy/sql';
import { type MissingGuards, putBackGuards } from './audit-guards.js';
import { auditView } from './audit-view.js';
import type { Transaction } from './database.js';
import { createIndexes } from './model-indexes.js';
import { addReferences, createTable, storedFields, storedTypes } from './model-tables.js';
import { query } from './query.js';
import { RIGHTS_FUNCTIONS, rightsTriggers } from './rights-triggers.js';
import { PLATFORM_DDL } from './tables.js';

/** Raised when the code below makes other tables of the same model. */
const LAYOUT = 3;

/** One migration at a time, whichever process starts first. */
const MIGRATION_LOCK = 7_246_771;

/**
 * Makes the installation's own tables where they are missing, and puts back what guards the audit trail, unless told to
 * leave it as it is.
 * @returns the triggers that it put back
 * @throws SchemaError where a table of the trail is gone
 */
export async function createPlatformSchema(
  transaction: Transaction,
  putBack = true,
): Promise<MissingGuards['triggers']> {
  const statements = [...PLATFORM_DDL, ...RIGHTS_FUNCTIONS];
  await unlessUpToDate(transaction, 'ostiary', statements, async () => {
    for (const statement of statements) await query(transaction, statement);
  });
  return putBack ? putBackGuards(transaction) : [];
}

/**
 * Makes an application's tables from its model: creates what is missing, adds new fields, and refuses to start where
 * a field has changed its type. Data is never dropped. A table or view that was made from the same is not touched, so
 * that others may go on using it.
 * @param declarations the type whose records declare types, where there is one
 * @throws {SchemaError} in words for the person who runs the server.
 */
export async function createApplicationSchema(
  transaction: Transaction,
  policy: Policy,
  declarations?: string,
): Promise<void> {
  const { model } = policy;
  const schema = snakeCase(model.name);
  const triggers = rightsTriggers(policy, declarations);
  const tables = storedTypes(model).map((type): Part => {
    const targets = storedFields(model, type).map(([, { to }]) => to !== null && model.resources[to]?.source);
    const madeFrom = [model.resources[type], targets, model.grants, triggers.get(type)];
    return { type, name: snakeCase(type), digest: digestOf(madeFrom), statements: triggers.get(type) ?? [] };
  });
  const views = viewsOf(model).map(([name, statements]): Part => {
    return { type: null, name, digest: digestOf(statements), statements };
  });
  await unlessUpToDate(transaction, schema, [...tables, ...views], async () => {
    await query(transaction, `create schema if not exists ${schemaOf(model)}`);
    const found = await commentsIn(transaction, schema);
    const changed = [...tables, ...views].filter(({ name, digest }) => found.get(name) !== digest);
    const types = changed.flatMap(({ type }) => (type === null ? [] : [type]));
    for (const type of types) await createTable(transaction, model, type);
    for (const type of types) await createIndexes(transaction, model, type);
    for (const type of types) await addReferences(transaction, model, type);
    for (const { type, name, digest, statements } of changed) {
      for (const statement of statements) await query(transaction, statement);
      const kind = type === null ? 'view' : 'table';
      await query(transaction, `comment on ${kind} ${schemaOf(model)}.${quote(name)} is '${digest}'`);
    }
  });
}

/** A table or a view of an application, with a digest of what it is made from: it stands in its comment. */
interface Part {
  /** Whose table it is; null for a view. */
  readonly type: string | null;
  readonly name: string;
  readonly digest: string;
  readonly statements: readonly string[];
}

function viewsOf(model: Model): readonly (readonly [name: string, statements: readonly string[]])[] {
  const audits = Object.keys(model.resources).filter((type) => model.resources[type]?.source === 'audit');
  return [
    ['holding', [`drop view if exists ${schemaOf(model)}.holding`, holdingsView(model)]],
    ...audits.map((type) => [snakeCase(type), auditView(model, type)] as const),
  ];
}

async function commentsIn(transaction: Transaction, schema: string): Promise<ReadonlyMap<string, string | null>> {
  const rows = await query<{ name: string; comment: string | null }>(
    transaction,
    `select relname as name, obj_description(oid, 'pg_class') as comment from pg_class
      where relnamespace = to_regnamespace($1) and relkind in ('r', 'v')`,
    [quote(schema)],
  );
  return new Map(rows.map(({ name, comment }) => [name, comment]));
}

function digestOf(madeFrom: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([LAYOUT, madeFrom]))
    .digest('hex');
}

/** Lets one process at a time make or change tables: until the transaction ends. */
export async function lockMigrations(transaction: Transaction): Promise<void> {
  await query(transaction, `select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  // Waiting for that, PostgreSQL doesn't hear of what others made, and would make it again; waiting for a table, it does.
  await query(transaction, 'lock table pg_catalog.pg_namespace in access share mode');
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
  const digest = digestOf(madeFrom);
  const isUpToDate = async () => {
    const [found] = await query<{ comment: string | null }>(
      transaction,
      `select obj_description(to_regnamespace($1)::oid, 'pg_namespace') as comment`,
      [quote(schema)],
    );
    return found?.comment === digest;
  };
  // Asked before the lock too: most find nothing to do, and need not wait for one who migrates.
  if (await isUpToDate()) return;
  await lockMigrations(transaction);
  if (await isUpToDate()) return;
  await migrate();
  await query(transaction, `comment on schema ${quote(schema)} is '${digest}'`);
}
