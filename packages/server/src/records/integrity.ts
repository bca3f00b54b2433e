import type { Model } from '@ostiary/policy';
import { columnOf, tableOf } from '@ostiary/policy/sql';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import { query } from '../storage/query.js';
import { storedFields, storedTypes } from '../storage/schema.js';

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

/** Refuses the deletion of a record that a set of references still names. */
export async function requireUnreferenced(
  transaction: Transaction,
  model: Model,
  type: string,
  id: string,
): Promise<void> {
  for (const other of storedTypes(model)) {
    for (const [name, field] of storedFields(model, other)) {
      if (!field.many || field.to !== type) continue;
      const found = await query(
        transaction,
        `select 1 from ${tableOf(model, other)} where ${columnOf(name)} @> array[$1::uuid] limit 1`,
        [id],
      );
      if (found.length > 0)
        throw new Problem('still_referenced', { detail: `A ${other} still refers to it by ${name}.` });
    }
  }
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
  if (code === '40001' || code === '40P01')
    return new Problem('conflict', { detail: 'Try again.', retryAfter: 1 }, options);
  if (code.startsWith('22') || code.startsWith('23')) return new Problem('invalid_input', {}, options);
  return error;
}
