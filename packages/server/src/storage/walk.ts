import type { Policy } from '@ostiary/policy';
import { Parameters, tableOf } from '@ostiary/policy/sql';
import type { Executor } from './database.js';
import { having } from './load.js';
import { query } from './query.js';
import { type LoadedRecord, selectList, toRecord } from './rows.js';

/** So many records are in memory at once. */
const BATCH = 500;

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/**
 * The records with these values in fields of their own, or all of them, however many there are: some at a time, in the order
 * of their ids, each with everything that deciding about it needs. What others write meanwhile may come, or not. It goes no
 * further than the last that was there when it began: so it ends, whatever is added to what it walks through.
 * @param lock whether each is locked from when it is loaded on
 */
export async function* walkRecords(
  executor: Executor,
  policy: Policy,
  type: string,
  values: Readonly<Record<string, string | null>>,
  lock = false,
): AsyncGenerator<LoadedRecord> {
  const parameters = new Parameters();
  const where = having(policy, type, values, parameters);
  const among = (...more: readonly string[]) =>
    `from ${tableOf(policy.model, type)} t where ${[...where, ...more].join(' and ') || 'true'}`;
  const [end] = await query(executor, `select t.id ${among()} order by t.id desc limit 1`, parameters.values);
  if (end === undefined) return;

  const next = parameters.values.length + 1;
  const part = among(`t.id > $${next}::uuid`, `t.id <= $${next + 1}::uuid`);
  const text = `select ${selectList(policy, type)} ${part} order by t.id limit ${BATCH}${lock ? ' for no key update of t' : ''}`;
  for (let last: unknown = BEFORE_ALL, more = true; more; ) {
    const rows = await query(executor, text, [...parameters.values, last, end.id]);
    for (const row of rows) yield toRecord(policy, type, row);
    more = rows.length === BATCH;
    last = rows.at(-1)?.id;
  }
}
