import type { Seed } from '@ostiary/server';
import { BUILT_IN_ACTIONS } from './actions/built-in.js';
import { BITS, DEFAULT_PERMISSION, GROUP_CRUD, permission, USER_CRUD } from './bits.js';
import { ADMINISTRATORS, USERS } from './model.js';

/** What an owner may do with what is theirs: everything. */
const OWNER = USER_CRUD | permission('UserExecute');
/** What the members of a group may do with it. */
const SEEN_BY_MEMBERS = permission('GroupPeek', 'GroupRead');

/** Everything that concerns rows that are there, for whom their own bits let do it; and nothing new. */
const EXISTING = GROUP_CRUD & ~permission('GroupCreate');
/** Everybody may look and execute, as far as the rows let them; nobody writes. */
const LOOKED_AT = permission('GuestPeek', 'GuestRead', 'GuestExecute');

/** An action that its owner and its groups execute, and no guest: 2085120. */
const CLOSED_ACTION = permission('UserRead', 'UserExecute', 'GroupExecute') | GROUP_CRUD;
/** An action that everybody executes: 561441. */
const OPEN_ACTION = permission('GuestPeek', 'GuestExecute', 'UserRead', 'UserExecute', 'GroupRead', 'GroupExecute');

interface Begins {
  /** Of the entity: what may be done with all of its rows. */
  readonly permission: number;
  /** Of a new row of it. */
  readonly default_permission: number;
  /** Whether users have the group's bits of the entity. */
  readonly forUsers: boolean;
  /** Whether a new row belongs to the group of users. */
  readonly rowsForUsers: boolean;
}

/**
 * With which permissions the entities begin that are there from the start, where the default would give away what it must
 * not: accounts, and what rights are made of.
 */
export const BEGINS: Readonly<Record<string, Begins>> = {
  // Users read and write rows of their own alone. To sign in, a guest has to peek (docs.dapt.in, Access flow).
  user_account: {
    permission: permission('GuestPeek', 'GuestExecute', 'GroupExecute') | OWNER | EXISTING,
    default_permission: permission('GuestPeek', 'GuestExecute') | OWNER,
    forUsers: true,
    rowsForUsers: true,
  },
  // Users make groups of their own, and members look at them.
  usergroup: {
    permission: OWNER | GROUP_CRUD | permission('GroupExecute'),
    default_permission: OWNER | SEEN_BY_MEMBERS,
    forUsers: true,
    rowsForUsers: false,
  },
  // A row of it is an entity: who could write one would give rights. New ones are open to users.
  world: {
    permission: LOOKED_AT,
    default_permission: DEFAULT_PERMISSION,
    forUsers: false,
    rowsForUsers: true,
  },
  // What others execute: administrators alone write them, unless they open that.
  action: {
    permission: LOOKED_AT,
    default_permission: CLOSED_ACTION,
    forUsers: false,
    rowsForUsers: false,
  },
  // Secrets of the installation.
  oauth_connect: { permission: 0, default_permission: OWNER, forUsers: false, rowsForUsers: false },
};

/** Actions that everybody executes from the start. Nobody registers before an administrator says so. */
const OPEN_ACTIONS: readonly string[] = ['signin', 'become_an_administrator'];

/** The groups, entities and actions that Daptin begins with. They have no owner. */
export async function initial(seed: Seed): Promise<void> {
  await seed.create('usergroup', { name: ADMINISTRATORS, permission: SEEN_BY_MEMBERS });
  const users = await seed.create('usergroup', { name: USERS, permission: SEEN_BY_MEMBERS });
  for (const [table_name, { forUsers, rowsForUsers, ...permissions }] of Object.entries(BEGINS)) {
    const default_group_ids = rowsForUsers ? [users] : [];
    const world_id: string = await seed.create('world', { table_name, ...permissions, default_group_ids });
    if (forUsers) await seed.create('world_usergroup', { world_id, usergroup_id: users });
    for (const { entity, ...action } of BUILT_IN_ACTIONS.filter((each) => each.entity === table_name)) {
      const permission = OPEN_ACTIONS.includes(action.action_name) ? OPEN_ACTION : CLOSED_ACTION;
      await seed.create('action', { ...action, world_id, permission });
    }
  }
}

/** Lets everybody register: who makes an account by the action has to be allowed to make one (docs.dapt.in, Access flow). */
export async function openSignup(seed: Seed): Promise<void> {
  const [world] = await seed.find('world', { table_name: 'user_account' });
  const [action] = await seed.find('action', { action_name: 'signup' });
  if (world === undefined || action === undefined) throw new TypeError('there is no action to sign up with');
  const permission = (BEGINS.user_account?.permission ?? 0) | BITS.GuestCreate;
  await seed.update('world', world.id, { permission });
  await seed.update('action', action.id, { permission: OPEN_ACTION });
}
