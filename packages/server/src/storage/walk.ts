import { fieldOf, type Policy } from '@ostiary/policy';
import { columnOf, Parameters, tableOf, typeOf } from '@ostiary/policy/sql';
import type { Executor } from './database.js';
import { query } from './query.js';
import { type LoadedRecord, selectList, toColumn, toRecord } from './rows.js';

/** So many records are in memory at once. */
const BATCH = 500;

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * The records with these values in fields of their own, or all of them, however many there are: some at a time, in the order
 * of their ids, each with everything that deciding about it needs. What others write meanwhile may come, or not.
 * @param lock whether each is locked from when it is loaded on
 */
export async function* walkRecords(
  executor: Executor,
  policy: Policy,
  type: string,
  values: Readonly<Record<string, string | null>>,
  lock = false,
): AsyncGenerator<LoadedRecord> {
  const { model } = policy;
  const parameters = new Parameters();
  const where = Object.entries(values).map(([name, value]) =>
    value === null
      ? `t.${columnOf(name)} is null`
      : `t.${columnOf(name)} = ${parameters.add(toColumn(model, type, name, value), typeOf(fieldOf(model, type, name)))}`,
  );
  where.push(`t.id > $${parameters.values.length + 1}::uuid`);
  const text = `select ${selectList(policy, type)} from ${tableOf(model, type)} t where ${where.join(' and ')}
    order by t.id limit ${BATCH}${lock ? ' for no key update of t' : ''}`;
  for (let last: unknown = BEFORE_ALL, more = true; more; ) {
    const rows = await query(executor, text, [...parameters.values, last]);
    for (const row of rows) yield toRecord(policy, type, row);
    more = rows.length === BATCH;
    last = rows.at(-1)?.id;
  }
}
