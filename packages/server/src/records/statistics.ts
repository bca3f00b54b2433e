import { fieldOf, type Model } from '@ostiary/policy';
import {
  columnOf,
  conditionsOf,
  type Filter,
  filter,
  filterSql,
  Parameters,
  showsField,
  tableOf,
} from '@ostiary/policy/sql';
import { actor, environment, refuseFields, requirePossible } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import { query } from '../storage/query.js';
import { problemOf } from './integrity.js';
import { fieldsOf, filtersOf, type ListQuery, whereOf } from './list-query.js';
import { principalOf } from './page.js';

/** How long the parts of time are that instants and dates are counted by; in UTC. */
export const PERIODS = ['day', 'month', 'year'] as const;
export type Period = (typeof PERIODS)[number];

export interface Counting {
  /** The field whose values are counted for. */
  readonly by: string;
  /** For instants and dates alone. */
  readonly per: Period | null;
  /** Which records are counted: the filters of a list. */
  readonly asked: ListQuery;
}

/** So many values have a count of their own; what has more is refused, since half a statistic would mislead. */
const MOST_COUNTS = 1_000;

export interface Statistics {
  readonly by: string;
  readonly per: Period | null;
  readonly total: number;
  /** In the order of their values; one that no record has is left out, and null stands for records without any. */
  readonly counts: readonly { readonly value: string | boolean | null; readonly count: number }[];
}

/**
 * How many records there are for each value of a field: of those on which the caller may do `statistics`, and which a
 * list would show. Counting what no list shows would tell, filter by filter, what it holds.
 * @throws Refusal where a field is named that the caller may not read; Problem `invalid_input` for too many values
 */
export async function countRecords(
  context: Context,
  caller: Caller,
  type: string,
  { by, per, asked }: Counting,
): Promise<Statistics> {
  const { database, policy } = context;
  const principal = principalOf(caller);
  for (const action of ['statistics', 'list']) requirePossible(context, caller, action, type);
  const [counted, listed] = ['statistics', 'list'].map((action) =>
    filter(policy, principal, action, type, environment(context)),
  ) as [Filter, Filter];
  const fields = [...new Set([by, ...fieldsOf(asked)])];
  const refused = fields.filter((field) => !showsField(counted, field) || !showsField(listed, field));
  if (refused.length > 0) throw refuseFields(context, caller, 'statistics', type, refused, null);
  context.decisions.count('statistics', 'allowed');

  const parameters = new Parameters();
  const reach = isSame(counted, listed) ? [counted] : [counted, listed];
  const where = [...reach.map((of) => filterSql(of, parameters, 't')), ...whereOf(counted, asked, parameters)];
  const rows = await query<{ value: string | boolean | null; count: string }>(
    database.db,
    `select ${keySql(policy.model, type, by, per)} as value, count(*) as count from ${tableOf(policy.model, type)} t
       where ${where.join(' and ')} group by 1 order by 1 limit ${MOST_COUNTS + 1}`,
    parameters.values,
  ).catch((error: unknown) => {
    throw problemOf(error);
  });
  if (rows.length > MOST_COUNTS) {
    const message = `has more than ${MOST_COUNTS} values here: ask for fewer records, or a longer period`;
    throw new Problem('invalid_input', { errors: [{ pointer: '/by', message }] });
  }
  const counts = rows.map(({ value, count }) => ({ value, count: Number(count) }));
  await auditIfSensitive(context, caller, type, { by, per, asked });
  return { by, per, total: counts.reduce((sum, { count }) => sum + count, 0), counts };
}

/** Whether two actions reach the same records by the same conditions: then they are asked once. */
function isSame(a: Filter, b: Filter): boolean {
  return JSON.stringify(conditionsOf(a)) === JSON.stringify(conditionsOf(b));
}

const FORMATS: Readonly<Record<Period, string>> = { day: 'YYYY-MM-DD', month: 'YYYY-MM', year: 'YYYY' };

/** The value that a record is counted under. */
function keySql(model: Model, type: string, by: string, per: Period | null): string {
  const column = `t.${columnOf(by)}`;
  if (per === null) return column;
  const inUtc = fieldOf(model, type, by).kind === 'instant' ? `${column} at time zone 'UTC'` : column;
  return `to_char(${inUtc}, '${FORMATS[per]}')`;
}

async function auditIfSensitive(
  { database, policy, runtime }: Context,
  caller: Caller,
  type: string,
  { by, per, asked }: Counting,
): Promise<void> {
  if (!policy.model.resources[type]?.sensitive) return;
  await writeAudit(database.db, runtime, {
    application: policy.model.name,
    event: 'record.counted',
    outcome: 'allowed',
    ...actor(caller),
    action: 'statistics',
    resourceType: type,
    detail: { by, per, filters: filtersOf(asked) },
  });
}
