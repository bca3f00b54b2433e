import { createHash } from 'node:crypto';
import { type Policy, snakeCase } from '@ostiary/policy';
import { holdingsView, quote, schemaOf } from '@ostiary/policy/sql';
import { type MissingGuards, putBackGuards } from './audit-guards.js';
import { auditView } from './audit-view.js';
import type { Transaction } from './database.js';
import { createIndexes } from './model-indexes.js';
import { addReferences, createTable, storedTypes } from './model-tables.js';
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
 * a field has changed its type. Data is never dropped.
 * @throws {SchemaError} in words for the person who runs the server.
 */
export async function createApplicationSchema(transaction: Transaction, policy: Policy): Promise<void> {
  const { model } = policy;
  const views = Object.keys(model.resources).filter((type) => model.resources[type]?.source === 'audit');
  const statements = [
    `drop view if exists ${schemaOf(model)}.holding`,
    holdingsView(model),
    ...views.flatMap((type) => auditView(model, type)),
    ...rightsTriggers(policy),
  ];
  await unlessUpToDate(transaction, snakeCase(model.name), [model.resources, model.grants, statements], async () => {
    await query(transaction, `create schema if not exists ${schemaOf(model)}`);
    const stored = storedTypes(model);
    for (const type of stored) await createTable(transaction, model, type);
    for (const type of stored) await createIndexes(transaction, model, type);
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
