import type { Model } from '@ostiary/policy';
import { columnOf, tableOf } from '@ostiary/policy/sql';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import { storedFields, storedTypes } from '../storage/model-tables.js';
import { query } from '../storage/query.js';

/**
 * Sets of references have no foreign key in SQL: here they get what one would do. The records that are referred to are
 * locked against deletion until the transaction ends.
 */
export async function requireReferences(
  transaction: Transaction,
  model: Model,
  type: string,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  for (const [name, field] of storedFields(model, type)) {
    const ids = values[name];
    if (!field.many || field.to === null || !Array.isArray(ids) || ids.length === 0) continue;
    const found = await query(
      transaction,
      `select id from ${tableOf(model, field.to)} where id = any($1::uuid[]) for key share`,
      [ids],
    );
    if (found.length < new Set(ids).size) {
      throw new Problem('reference_not_found', {
        errors: [{ pointer: `/${name}`, message: 'names a record that does not exist' }],
      });
    }
  }
}

/** A record that refers to another, and what is left of it without the other: null where it goes with it. */
export interface Referrer {
  readonly type: string;
  readonly id: string;
  readonly changes: Readonly<Record<string, unknown>> | null;
}

/**
 * What still refers to a record that is to be deleted. What goes with it is returned, to be cleared or deleted; a set
 * of references that does not refuses. Single ones that do not are refused by their foreign keys.
 * @throws Problem `still_referenced`
 */
export async function referrersOf(
  transaction: Transaction,
  model: Model,
  type: string,
  id: string,
): Promise<readonly Referrer[]> {
  const found: Referrer[] = [];
  for (const other of storedTypes(model)) {
    for (const [name, field] of storedFields(model, other)) {
      if (field.to !== type || !(field.many || field.clears || field.cascades)) continue;
      const column = columnOf(name);
      const rows = await query<{ id: string; value: unknown }>(
        transaction,
        field.many
          ? `select id, array_remove(${column}, $1::uuid) as value from ${tableOf(model, other)} where ${column} @> array[$1::uuid] for no key update`
          : `select id, null as value from ${tableOf(model, other)} where ${column} = $1::uuid for no key update`,
        [id],
      );
      if (rows.length > 0 && !field.clears && !field.cascades) {
        throw new Problem('still_referenced', { detail: `A ${other} still refers to it by ${name}.` });
      }
      const changes = (value: unknown) => (field.cascades ? null : { [name]: value });
      found.push(...rows.map((row) => ({ type: other, id: row.id, changes: changes(row.value) })));
    }
  }
  return [...found, ...(await permittedOn(transaction, model, type, id))];
}

/** Principals with permissions that are limited to a scope which is to be deleted: these go with it. */
async function permittedOn(
  transaction: Transaction,
  model: Model,
  type: string,
  id: string,
): Promise<readonly Referrer[]> {
  const source = model.permissions;
  if (source?.scope !== type) return [];
  const column = columnOf(source.field);
  const rows = await query<{ id: string; entries: readonly Readonly<Record<string, unknown>>[] }>(
    transaction,
    `select id, ${column} as entries from ${tableOf(model, source.in)} where ${column} @> $1::jsonb for no key update`,
    [JSON.stringify([{ [source.scopeKey]: id }])],
  );
  return rows.map((row) => {
    const left = row.entries.filter((entry) => entry[source.scopeKey] !== id);
    return { type: source.in, id: row.id, changes: { [source.field]: left } };
  });
}

/** Whether two transactions met, and this one was taken back: serialization_failure, deadlock_detected. */
export function isTransient(error: unknown): boolean {
  return ['40001', '40P01'].includes(String((error as { code?: unknown } | null)?.code));
}

/** What PostgreSQL's refusals mean to the caller: never its own words, which may hold values. */
export function problemOf(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'string' || error instanceof Problem) return error;
  const options = { cause: error };
  if (code === '23505') return new Problem('already_exists', {}, options);
  if (code === '23503') {
    const deleting = String((error as { detail?: unknown }).detail).includes('is still referenced');
    return new Problem(deleting ? 'still_referenced' : 'reference_not_found', {}, options);
  }
  // lock_not_available
  if (code === '55P03')
    return new Problem('unavailable', { detail: 'Others hold this up: try again.', retryAfter: 1 }, options);
  if (isTransient(error)) return new Problem('conflict', { detail: 'Try again.', retryAfter: 1 }, options);
  // Of the limits of PostgreSQL an input meets one: how long a value in an index is.
  if (/^(22|23|54)/.test(code)) return new Problem('invalid_input', {}, options);
  return error;
}
