import { findField, fold } from '@ostiary/policy';
import { columnOf, Parameters, pathSql, tableOf, typeOf, write } from '@ostiary/policy/sql';
import { environment } from '../access/access.js';
import type { Context } from '../application/context.js';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import { query } from '../storage/query.js';
import type { LoadedRecord } from '../storage/rows.js';

/**
 * Enforces the limits of a type after a record was written: the lock makes writers of the same scope take turns, so
 * that two of them can't both take the last place.
 */
export async function enforceLimits(
  context: Context,
  transaction: Transaction,
  type: string,
  record: LoadedRecord,
): Promise<void> {
  const { policy } = context;
  const { model } = policy;
  const now = environment(context);
  for (const limit of policy.limits.filter((candidate) => candidate.of === type)) {
    const per = record.values[limit.per];
    const field = findField(model, type, limit.per);
    if (per === null || per === undefined || field === undefined) continue;
    await query(transaction, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, [`${limit.id} ${String(per)}`]);
    const parameters = new Parameters();
    const scope = { model, parameters, record: { type, alias: 't' }, now: now.now };
    const counted = write(fold(limit.counting, { environment: now }), scope);
    const owner = `t.${columnOf(limit.per)} = ${parameters.add(per, typeOf(field))}`;
    const max =
      typeof limit.max === 'number'
        ? String(limit.max)
        : limit.max.from === 'record'
          ? `min(${pathSql(model, { type, alias: 't' }, limit.max.path)})`
          : 'null';
    const [row] = await query<{ over: boolean | null }>(
      transaction,
      `select count(*) > ${max} as over from ${tableOf(model, type)} t where ${owner} and ${counted}`,
      parameters.values,
    );
    if (row?.over) throw new Problem('limit_reached', { detail: limit.says });
  }
}
