import { needsFor, type Principal } from '@ostiary/policy';
import { columnOf, filter, Parameters, pageSql, showsField, tableOf } from '@ostiary/policy/sql';
import { environment, refuseFields } from '../access/access.js';
import type { Caller, Context } from '../context.js';
import type { Executor } from '../storage/database.js';
import { prepare } from '../storage/prepared.js';
import { query } from '../storage/query.js';
import { type LoadedRecord, selectList, toRecord } from '../storage/rows.js';
import { problemOf } from './integrity.js';
import { cursorOf, fieldsOf, type ListQuery, MOST, whereOf } from './list-query.js';

/** Which records a list has: those on which the caller may do an action, and that fit more than the caller asks. */
export interface Among {
  readonly action: string;
  readonly where: (parameters: Parameters) => readonly string[];
}

/** Those of a plain list. */
export const LISTED: Among = { action: 'list', where: () => [] };

/**
 * The records on a page of a list, as they are: nothing is masked yet.
 * @throws Refusal where the caller asks to sort or filter by what it may not see
 */
export async function readPage(
  context: Context,
  caller: Caller,
  executor: Executor,
  type: string,
  asked: ListQuery,
  { action, where: further }: Among = LISTED,
): Promise<{ readonly rows: readonly LoadedRecord[]; readonly next: string | null }> {
  const { policy, runtime } = context;
  const principal = principalOf(caller);
  const reach = filter(policy, principal, action, type, environment(runtime));
  const refused = fieldsOf(asked).filter((field) => !showsField(reach, field));
  if (refused.length > 0) throw refuseFields(context, caller, action, type, refused, null);

  // What a caller filters by may be rare or common, and is planned for as it is; all else is planned for once.
  const planned = asked.tests.length === 0;
  const parameters = new Parameters(planned);
  const sort = asked.sort ?? { field: 'id', descending: false };
  const where = [...whereOf(reach, asked, parameters), ...further(parameters)];
  const ids = pageSql(reach, parameters, { sort, limit: sizeOf(asked.limit) + 1, after: asked.after, where });
  const keys = (sort.field === 'id' ? ['id'] : [sort.field, 'id'])
    .map((field) => `t.${columnOf(field)}${sort.descending ? ' desc' : ''}`)
    .join(', ');
  // Record by record: a join would be planned as one with the whole table as long as that is small.
  const record = `select t.* from ${tableOf(policy.model, type)} t where t.id = page.id offset 0`;
  // Of each record, what deciding on it and showing it needs: rules about other actions may ask for much more.
  const needs = needsFor(policy, type, [...new Set([action, 'list'])], principal.kind);
  const text = `select ${selectList(policy, type, needs)} from (${ids}) page cross join lateral (${record}) t order by ${keys}`;
  const found = await query(executor, planned ? prepare(text) : text, parameters.values).catch((error: unknown) => {
    throw problemOf(error);
  });
  const rows = found.slice(0, asked.limit).map((row) => toRecord(policy, type, row, needs));
  const last = rows.at(-1);
  return { rows, next: found.length > asked.limit && last ? cursorOf(asked, last) : null };
}

/** Lists are read in a few sizes, and the rest is left out: each is a statement of its own. */
const SIZES = [10, 25, 50, 100];

function sizeOf(limit: number): number {
  return SIZES.find((size) => size >= limit) ?? MOST;
}

export function principalOf(caller: Caller): Principal {
  if (caller.principal === null) throw new TypeError('the installation itself reads through the store');
  return caller.principal;
}
