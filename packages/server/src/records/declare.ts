import { ModelError, type Policy } from '@ostiary/policy';
import type { Application } from '../application/application.js';
import type { Context } from '../application/context.js';
import { ApplicationError } from '../authoring/error.js';
import { DeclarationError } from '../declared/error.js';
import { loadDeclarations, withPolicy } from '../declared/load.js';
import { type Declaration, declaredPolicy, declaredTypes } from '../declared/policy.js';
import { Problem } from '../problems.js';
import { LiveTypes } from '../rights/type-attributes.js';
import type { Transaction } from '../storage/database.js';
import { encryptedFields, SchemaError, storedTypes } from '../storage/model-tables.js';
import { query } from '../storage/query.js';
import { createApplicationSchema, lockMigrations } from '../storage/schema.js';

/** So long a declaration waits for those who use the tables that it changes; they wait for it meanwhile. */
const LOCK_MILLISECONDS = 2_000;

/**
 * Whether a write of a record declares types, or takes that back.
 * @param fields those that are changed; null where the record is new, or deleted
 */
function declares({ application: { declared } }: Context, type: string, fields: readonly string[] | null): boolean {
  if (declared?.in !== type) return false;
  return fields === null || fields.some((field) => declared.by.includes(field));
}

/** Before a declaration is written: one after the other, so that each is checked with those before it. */
export async function beginDeclaring(
  context: Context,
  transaction: Transaction,
  type: string,
  fields: readonly string[] | null = null,
): Promise<void> {
  if (!declares(context, type, fields)) return;
  await query(transaction, `set local lock_timeout = ${LOCK_MILLISECONDS}`);
  await lockMigrations(transaction);
}

/**
 * After a declaration was written: makes the tables of what is declared now, in the same transaction. What is declared no
 * longer keeps its table and its records. What was left out before, since it does not fit, holds nobody up.
 * @param id of the record
 * @param fields those that were changed; null where the record is new, or deleted
 * @returns the application as it is for the rest of the transaction: nobody else sees it before that is committed
 * @throws Problem `invalid_input` where it can't be declared, with the place; `too_many_types`
 */
export async function declare(
  context: Context,
  transaction: Transaction,
  type: string,
  id: string,
  fields: readonly string[] | null = null,
): Promise<Context> {
  const { application } = context;
  if (!declares(context, type, fields)) return context;
  const { rows, key } = await loadDeclarations(transaction, application);
  const misfits = new Set([...context.misfits].filter((other) => other !== id));
  try {
    const policy = declaredPolicy(
      application,
      rows.filter((row) => !misfits.has(String(row.id))),
    );
    requireRoom(context, policy);
    requireKeys(context, policy);
    await createApplicationSchema(transaction, policy, application.declared?.in);
    const next = withPolicy(context, { policy, misfits }, key);
    // What is written next in this transaction begins as its type says. The attributes are its own: it may be rolled back.
    const types = new LiveTypes(next.policy);
    await types.upTo(transaction, null);
    return { ...next, types };
  } catch (error) {
    throw asProblem(
      error,
      application,
      rows.find((row) => row.id === id),
    );
  }
}

/** A mistake in what is declared, to whoever wrote one of the records: the place is told in their own alone. */
function asProblem(error: unknown, application: Application, row: Declaration | undefined): unknown {
  const isAuthors = [DeclarationError, ModelError, ApplicationError, SchemaError].some((kind) => error instanceof kind);
  if (!isAuthors) return error;
  const { message } = error as Error;
  const pointer = row === undefined ? null : placeOf(error, application, row);
  const where = pointer === null ? {} : { errors: [{ pointer, message }] };
  return new Problem('invalid_input', { detail: message, ...where }, { cause: error });
}

function placeOf(error: unknown, { declared }: Application, row: Declaration): string | null {
  if (error instanceof DeclarationError) return error.id === row.id ? error.place : null;
  if (!(error instanceof SchemaError) || error.field === null) return null;
  return declared?.at?.(row, error.field.type, error.field.name) ?? null;
}

/** So many types may be declared where the application does not say. */
const MOST_TYPES = 200;

/** Where there are more already, as many may stay. */
function requireRoom({ application, policy: before }: Context, policy: Policy): void {
  const most = application.declared?.most ?? MOST_TYPES;
  const count = declaredTypes(application, policy).length;
  if (count <= most || count <= declaredTypes(application, before).length) return;
  throw new Problem('too_many_types', {
    detail: `There may be ${most} types that are declared, and this makes ${count}.`,
  });
}

/** What encrypts fields is read when the server starts, where it finds that some are encrypted. */
function requireKeys({ fieldKeys }: Context, { model }: Policy): void {
  if (fieldKeys !== null) return;
  const type = storedTypes(model).find((each) => encryptedFields(model, each).length > 0);
  if (type !== undefined)
    throw new ApplicationError(`'${type}' has encrypted fields, for which there are no keys here.`);
}
