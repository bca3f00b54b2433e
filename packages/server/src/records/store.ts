import { columnOf, Parameters, type Policy, tableOf } from '@ostiary/policy';
import type { Authorized } from '../access/access.js';
import type { Runtime } from '../runtime.js';
import type { Executor, Transaction } from '../storage/database.js';
import { query } from '../storage/query.js';
import { storedFields } from '../storage/schema.js';
import { type LoadedRecord, proposal, selectList, toColumn, toRecord } from './rows.js';

/** Loads one record with everything that deciding about it needs; locked, so that it stays as it was decided on. */
export async function loadRecord(
  executor: Executor,
  policy: Policy,
  type: string,
  id: string,
  lock = false,
): Promise<LoadedRecord | null> {
  const text = `select ${selectList(policy, type)} from ${tableOf(policy.model, type)} t where t.id = $1::uuid${lock ? ' for update of t' : ''}`;
  const [row] = await query(executor, text, [id]);
  return row === undefined ? null : toRecord(policy, type, row);
}

/** A record as it would be: decided about before it is written, so that a refused write touches nothing. */
export async function proposeRecord(
  executor: Executor,
  policy: Policy,
  type: string,
  values: Readonly<Record<string, unknown>>,
): Promise<LoadedRecord> {
  const parameters = new Parameters();
  const from = proposal(policy, type, values, parameters);
  const [row] = await query(executor, `select ${selectList(policy, type)} from ${from} t`, parameters.values);
  if (row === undefined) throw new TypeError('a row of constants always comes back');
  return toRecord(policy, type, row);
}

/** Writes a new record, as it was decided on. */
export async function insertRecord<T extends string>(
  transaction: Transaction,
  policy: Policy,
  handle: Authorized<T, 'create'>,
): Promise<void> {
  const { model } = policy;
  const { type, record } = handle;
  const parameters = new Parameters();
  const names = ['id', 'createdAt', 'updatedAt', ...storedFields(model, type).map(([name]) => name)];
  const cells = names.map((name) => `$${parameters.values.push(toColumn(model, type, name, record.values[name]))}`);
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
