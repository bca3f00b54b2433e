import { AUDIT_DDL, AUDIT_TABLE_NAMES, AUDIT_TRIGGERS } from './audit-tables.js';
import type { Executor, Transaction } from './database.js';
import { SchemaError } from './model-tables.js';
import { query } from './query.js';

/** Tables of the trail that are gone, and triggers on those that are there which are gone or disabled. */
export interface MissingGuards {
  readonly tables: readonly string[];
  readonly triggers: readonly (readonly [table: string, trigger: string])[];
}

/** What somebody took from the trail's tables, who may change them. */
export async function missingGuards(executor: Executor): Promise<MissingGuards> {
  const tables = await query<{ name: string }>(
    executor,
    `select name from unnest($1::text[]) name where to_regclass('ostiary.' || name) is null`,
    [[...AUDIT_TABLE_NAMES]],
  );
  const gone = new Set(tables.map(({ name }) => name));
  const expected = AUDIT_TRIGGERS.filter(([table]) => !gone.has(table));
  const triggers = await query<{ table: string; trigger: string }>(
    executor,
    `select e.t as table, e.name as trigger from unnest($1::text[], $2::text[]) e(t, name)
     where not exists (
       select from pg_trigger g where g.tgrelid = to_regclass('ostiary.' || e.t) and g.tgname = e.name and g.tgenabled in ('O', 'A')
     )`,
    [expected.map(([table]) => table), expected.map(([, trigger]) => trigger)],
  );
  return { tables: [...gone], triggers: triggers.map(({ table, trigger }) => [table, trigger] as const) };
}

/**
 * Puts back the triggers that are gone or disabled. A table that is gone is not made anew: an empty one would look as if
 * nothing had ever been in it.
 * @throws SchemaError
 */
export async function putBackGuards(transaction: Transaction): Promise<MissingGuards['triggers']> {
  const { tables, triggers } = await missingGuards(transaction);
  if (tables.length > 0) {
    const names = tables.map((name) => `ostiary.${name}`).join(', ');
    throw new SchemaError(
      `The audit trail is not whole: ${names} was here, and is gone. Restore a backup into another database.`,
    );
  }
  if (triggers.length === 0) return triggers;
  for (const statement of AUDIT_DDL.filter((each) => /^create or replace (trigger|function)/.test(each))) {
    await query(transaction, statement);
  }
  for (const [table, trigger] of triggers) {
    await query(transaction, `alter table ostiary.${table} enable trigger ${trigger}`);
  }
  return triggers;
}
