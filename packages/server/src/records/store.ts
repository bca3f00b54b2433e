import type { Policy } from '@ostiary/policy';
import { columnOf, Parameters, tableOf } from '@ostiary/policy/sql';
import type { Authorized } from '../application/authorized.js';
import type { Runtime } from '../runtime.js';
import type { Transaction } from '../storage/database.js';
import { storedFields } from '../storage/model-tables.js';
import { query } from '../storage/query.js';
import { toColumn } from '../storage/rows.js';

/** Values of encrypted fields, as their columns hold them. */
export type Sealed = Readonly<Record<string, string | null>>;

/** Writes a new record, as it was decided on. */
export async function insertRecord<T extends string>(
  transaction: Transaction,
  policy: Policy,
  handle: Authorized<T, 'create'>,
  sealed: Sealed = {},
): Promise<void> {
  const { model } = policy;
  const { type, record } = handle;
  const parameters = new Parameters();
  const values = { ...record.values, ...sealed };
  const stored = [...storedFields(model, type).map(([name]) => name), ...Object.keys(sealed)];
  const names = ['id', 'createdAt', 'updatedAt', ...stored];
  const cells = names.map((name) => `$${parameters.values.push(toColumn(model, type, name, values[name]))}`);
  await query(
    transaction,
    `insert into ${tableOf(model, type)} (${names.map(columnOf).join(', ')}) values (${cells.join(', ')})`,
    parameters.values,
  );
}

/** Changes fields of a record, and raises its version. */
export async function updateRecord<T extends string>(
  transaction: Transaction,
  policy: Policy,
  runtime: Runtime,
  handle: Authorized<T, string>,
  changes: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { model } = policy;
  const { type, record } = handle;
  const values: unknown[] = [record.id, runtime.now()];
  const sets = Object.entries(changes).map(
    ([name, value]) => `${columnOf(name)} = $${values.push(toColumn(model, type, name, value))}`,
  );
  await query(
    transaction,
    `update ${tableOf(model, type)} set ${['updated_at = $2', 'version = version + 1', ...sets].join(', ')} where id = $1`,
    values,
  );
}

/** Deletes a record. */
export async function deleteRecord<T extends string>(
  transaction: Transaction,
  policy: Policy,
  handle: Authorized<T, 'delete'>,
): Promise<void> {
  await query(transaction, `delete from ${tableOf(policy.model, handle.type)} where id = $1`, [handle.record.id]);
}
