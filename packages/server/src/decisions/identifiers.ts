import { columnOf, filter, filterSql, type Parameters, showsField, tableOf } from '@ostiary/policy/sql';
import { environment } from '../access/access.js';
import type { Asker, Context } from '../application/context.js';
import { query } from '../storage/query.js';
import { type Among, idsOf } from './leads.js';

/** A record as it is told of: by its name, or else by its id. */
export interface Identified {
  readonly id: string;
  readonly name: string | null;
  readonly [column: string]: unknown;
}

/**
 * The ids that a query finds, in their order, with the names that their type is identified by: as far as who asks may
 * see them, and as they lead back to the same record in a question.
 */
export async function identified(
  context: Context,
  asker: Asker,
  among: Among & { readonly type: string },
  ids: string,
  parameters: Parameters,
): Promise<readonly Identified[]> {
  const { model } = context.policy;
  const table = `${tableOf(model, among.type)} t`;
  const name = nameFor(context, asker, among.type, parameters);
  const rows = await query<Identified>(
    context.database.db,
    `select found.id, ${name} as name from (${ids}) found join ${table} on t.id = found.id order by found.id`,
    parameters.values,
  );
  const led = await idsOf(
    context,
    among,
    rows.flatMap(({ name }) => name ?? []),
  );
  return rows.map(({ id, name }) => ({ id, name: name !== null && led.get(name) === id ? name : null }));
}

/** The name of a record `t`, where a principal who asks may see that field of it. */
function nameFor(context: Context, asker: Asker, type: string, parameters: Parameters): string {
  const { policy } = context;
  const field = policy.model.resources[type]?.identifiedBy;
  if (field === undefined) return 'null';
  const name = `t.${columnOf(field)}`;
  if ('service' in asker || asker.principal === null) return name;
  const readable = filter(policy, asker.principal, 'read', type, environment(context));
  const branches = readable.branches.filter((branch) => showsField({ ...readable, branches: [branch] }, field));
  return `case when ${filterSql({ ...readable, branches }, parameters, 't')} then ${name} end`;
}
