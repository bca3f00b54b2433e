import { type Caller, type CommandHands, type Context, Problem } from '@ostiary/server';
import { joinOf } from '../entity.js';
import { ADMINISTRATORS } from '../model.js';
import { requireId } from './data.js';

/**
 * Makes the caller an administrator, while there is none. Of several who ask at once one is first: the group stays locked
 * until that is done.
 * @throws Problem `not_authenticated`, `conflict`
 */
export async function becomeAdministrator({ principal }: Caller, { system }: CommandHands): Promise<void> {
  if (principal?.kind !== 'user') throw new Problem('not_authenticated', { detail: 'Sign in first.' });
  const [group] = await system.find('usergroup', { name: ADMINISTRATORS });
  if (group === undefined) throw new TypeError(`there is no group '${ADMINISTRATORS}'`);
  const members = await system.find('user_account_usergroup', { usergroup_id: group.id });
  if (members.length > 0) throw new Problem('conflict', { detail: 'There is an administrator already: ask them.' });
  await system.create('user_account_usergroup', { user_account_id: principal.id, usergroup_id: group.id });
}

/**
 * Adds the rows of an entity that are there to its default groups, as new ones are: nothing is taken away. Whoever asks has
 * to be allowed to update the entity.
 * @throws Refusal, Problem
 */
export async function resync({ policy: { model } }: Context, hands: CommandHands, worldId: unknown): Promise<void> {
  const { record } = await hands.authorize('update', 'world', requireId(worldId, 'world_id'));
  const entity = String(record.values.table_name);
  const join = joinOf(entity);
  if (!Object.hasOwn(model.resources, entity) || !Object.hasOwn(model.resources, join)) {
    throw new Problem('conflict', { detail: `Rows of ${entity} belong to no groups.` });
  }
  const own = `${entity}_id`;
  const members = new Map<string, Set<unknown>>();
  for (const group of record.values.default_group_ids as readonly string[]) {
    const ids = new Set<unknown>();
    for await (const { values } of hands.walk(join, { usergroup_id: group })) ids.add(values[own]);
    members.set(group, ids);
  }
  for await (const { id } of hands.walk(entity, {})) {
    for (const [usergroup_id, ids] of members) {
      if (!ids.has(id)) await hands.system.create(join, { [own]: id, usergroup_id });
    }
  }
}
