import { filter, filterSql, type Parameters, showsField } from '@ostiary/policy/sql';
import { environment, refuseFields, requirePossible } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { ONLINE, onlineSql } from '../presence/index.js';
import { fieldsOf, type ListQuery } from './list-query.js';
import { principalOf } from './page.js';
import { type ListPage, pageOf } from './read.js';

/** The kinds of principal whose records are of a type, and that may be online. */
export function onlineKinds(
  { application, policy }: Pick<Context, 'application' | 'policy'>,
  type: string,
): readonly string[] {
  return Object.keys(application.presence ?? {}).filter((kind) => policy.model.principals[kind] === type);
}

/**
 * The records of principals that are online, of those on which the caller may do `online`, a page at a time: as far as the
 * caller may read them, and of others the id alone. Whoever filters or sorts by a field asks about those only that they read.
 */
export async function listOnline(context: Context, caller: Caller, type: string, asked: ListQuery): Promise<ListPage> {
  requirePossible(context, caller, ONLINE, type);
  context.decisions.count(ONLINE, 'allowed');
  const { policy } = context;
  const { name } = policy.model;
  const readable = filter(policy, principalOf(caller), 'list', type, environment(context));
  const fields = fieldsOf(asked);
  const hidden = fields.filter((field) => !showsField(readable, field));
  if (hidden.length > 0) throw refuseFields(context, caller, ONLINE, type, hidden, null);
  return pageOf(context, caller, type, asked, {
    action: ONLINE,
    shows: 'read',
    where: (parameters: Parameters) => {
      const kinds = parameters.add(onlineKinds(context, type), 'text[]');
      const online = `t.id in (${onlineSql(parameters.add(name, 'text'), kinds)})`;
      return fields.length === 0 ? [online] : [online, filterSql(readable, parameters, 't')];
    },
  });
}
