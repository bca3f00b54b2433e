import { type Effect, type Effects, Problem, type Seed } from '@ostiary/server';
import { definitionOf } from './actions/definition.js';
import { faultsOf } from './actions/faults.js';
import { joinOf } from './entity.js';
import { ADMINISTRATORS } from './model.js';

/** An action makes sense; there is always an administrator; a new row belongs to the default groups of its entity. */
export const effects: Effects = {
  action: { created: requireSense, updated: requireSense },
  user_account_usergroup: {
    deleted: async ({ record, system }) => {
      // Whoever asked next would be made one. The group is locked, so that of two who leave at once one stays.
      const group = await system.load('usergroup', String(record.values.usergroup_id));
      if (group?.values.name !== ADMINISTRATORS) return;
      const members = await system.find('user_account_usergroup', { usergroup_id: group.id });
      if (members.length > 1) return;
      throw new Problem('conflict', { detail: 'The last administrator stays one: make another one first.' });
    },
  },
  '*': {
    created: async ({ context, type, record, system }) => {
      const groups = context.types.current[type]?.default_group_ids;
      if (!Array.isArray(groups) || !Object.hasOwn(context.policy.model.resources, joinOf(type))) return;
      for (const usergroup_id of groups) {
        await system.create(joinOf(type), { [`${type}_id`]: record.id, usergroup_id });
      }
    },
  },
};

/** Refuses an action that makes no sense when it is written, and not when somebody runs it. */
async function requireSense({ context, record, system }: Effect): Promise<void> {
  const world = await system.load('world', String(record.values.world_id));
  const definition = definitionOf(String(world?.values.table_name ?? ''), record.values);
  const errors = faultsOf(context, definition);
  if (errors.length > 0) throw new Problem('invalid_input', { errors });
}

/** Makes somebody an administrator: a member of that group. */
export async function makeAdministrator(system: Pick<Seed, 'create' | 'find'>, user_account_id: string): Promise<void> {
  const [group] = await system.find('usergroup', { name: ADMINISTRATORS });
  if (group === undefined) throw new TypeError(`there is no group '${ADMINISTRATORS}'`);
  await system.create('user_account_usergroup', { user_account_id, usergroup_id: group.id });
}
