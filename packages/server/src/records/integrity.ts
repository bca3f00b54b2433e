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

/** A record that refers to another: by which field, and what is left of that field without the other. */
export interface Referrer {
  readonly type: string;
  readonly id: string;
  readonly changes: Readonly<Record<string, unknown>>;
}

/**
 * What still refers to a record that is to be deleted. References that go with it are returned, to be cleared; a set
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
      if (field.to !== type || !(field.many || field.clears)) continue;
      const column = columnOf(name);
      const rows = await query<{ id: string; value: unknown }>(
        transaction,
        field.many
          ? `select id, array_remove(${column}, $1::uuid) as value from ${tableOf(model, other)} where ${column} @> array[$1::uuid] for update`
          : `select id, null as value from ${tableOf(model, other)} where ${column} = $1::uuid for update`,
        [id],
      );
      if (rows.length > 0 && !field.clears) {
        throw new Problem('still_referenced', { detail: `A ${other} still refers to it by ${name}.` });
      }
      found.push(...rows.map((row) => ({ type: other, id: row.id, changes: { [name]: row.value } })));
    }
  }
  return found;
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
