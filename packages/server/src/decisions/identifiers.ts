import { columnOf, filter, type Parameters, showsField, tableOf } from '@ostiary/policy/sql';
import { environment } from '../access/access.js';
import type { Asker, Context } from '../context.js';
import { query } from '../storage/query.js';

/** A record as it is told of: by its name, or else by its id. */
export interface Identified {
  readonly id: string;
  readonly name: string | null;
  readonly [column: string]: unknown;
}

/** The ids that a query finds, in their order, with the names that their type is identified by. */
export async function identified(
  context: Context,
  asker: Asker,
  type: string,
  ids: string,
  parameters: Parameters,
): Promise<readonly Identified[]> {
  const { model } = context.policy;
  const field = identifierFor(context, asker, type);
  const name = field === null ? 'null' : `t.${columnOf(field)}`;
  return query<Identified>(
    context.database.db,
    `select found.id, ${name} as name from (${ids}) found join ${tableOf(model, type)} t on t.id = found.id order by found.id`,
    parameters.values,
  );
}

/** The field that names a type's records, unless it is one that a principal who asks may not see of them all. */
function identifierFor({ policy, runtime }: Context, asker: Asker, type: string): string | null {
  const field = policy.model.resources[type]?.identifiedBy;
  if (field === undefined) return null;
  if ('service' in asker || asker.principal === null) return field;
  const readable = filter(policy, asker.principal, 'read', type, environment(runtime));
  return readable.branches.length > 0 && showsField(readable, field) ? field : null;
}
