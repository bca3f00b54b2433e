import {
  boolean,
  type Fields,
  type GrantSource,
  integer,
  json,
  model,
  type Resources,
  reference,
  references,
  resource,
  type TypeSet,
  text,
} from '@ostiary/policy';
import { IN_FIELDS } from './actions/inputs.js';
import { OUT_FIELDS } from './actions/outcomes.js';
import { bit, DEFAULT_PERMISSION, EVERYTHING, OPERATIONS, type Operation } from './bits.js';
import { entity, groupsOf, owned, rowsOf } from './entity.js';

/** The group whose members may do everything. */
export const ADMINISTRATORS = 'administrators';
/** The group that every new account belongs to. */
export const USERS = 'users';

/** The part of an address that a name of an entity, an action or a connection is. */
const NAME = '^[a-z][a-z0-9]*(_[a-z0-9]+)*$';
const NAME_SAYS = 'small letters, digits and single _';
/** So that no two addresses differ in that alone. */
const NO_CAPITALS = '^\\P{Lu}*$';
const bits = { minimum: 0, maximum: EVERYTHING };

/** The entities that are there from the start. Their names are Daptin's own. */
const builtIn = {
  user_account: rowsOf('user_account', {
    says: 'Somebody with an account. It owns itself.',
    fields: {
      name: text({ minLength: 1, maxLength: 200 }),
      email: text({
        unique: true,
        format: 'email',
        pattern: NO_CAPITALS,
        maxLength: 254,
        says: 'What one logs in with, in small letters.',
      }),
      password: text({ secret: true, minLength: 8, maxLength: 256 }),
      verified_email: text({
        optional: true,
        unique: true,
        format: 'email',
        maxLength: 254,
        says: 'An address that is known to be theirs: by it they are found who sign in elsewhere. Administrators write it.',
      }),
    },
    identifiedBy: 'email',
    actions: ['changePassword'],
  }),
  ...groupsOf('user_account'),
  usergroup: rowsOf(
    'usergroup',
    {
      says: 'Users who share what belongs to it. Its members are in the group of the group itself.',
      fields: {
        name: text({ unique: true, fixed: true, minLength: 1, maxLength: 200 }),
        ...owned,
      },
      identifiedBy: 'name',
    },
    false,
  ),
  ...entity('world', {
    says: 'An entity: what may be done with all of its rows, and what a new one begins with.',
    fields: {
      table_name: text({
        unique: true,
        fixed: true,
        pattern: NAME,
        minLength: 1,
        maxLength: 40,
        says: `Its name, which is its address: ${NAME_SAYS}.`,
      }),
      default_permission: integer({ ...bits, default: DEFAULT_PERMISSION, says: 'The permission of a new row.' }),
      default_group_ids: references('usergroup', { default: [], clears: true, says: 'The groups of a new row.' }),
      schema: json({ optional: true, says: 'Columns and relations of an entity that was declared here.' }),
    },
    identifiedBy: 'table_name',
  }),
  ...entity('action', {
    says: 'Something that can be executed, by its name, on an entity or on a row of it.',
    fields: {
      action_name: text({
        fixed: true,
        pattern: NAME,
        minLength: 1,
        maxLength: 100,
        says: `By which it is executed: ${NAME_SAYS}.`,
      }),
      world_id: reference('world', { fixed: true, cascades: true, says: 'The entity that it is on.' }),
      label: text({ optional: true, maxLength: 200 }),
      instance_optional: boolean({ default: true, says: 'Whether it can do without a row.' }),
      in_fields: json({ optional: true, schema: IN_FIELDS, says: 'What it takes.' }),
      out_fields: json({ optional: true, schema: OUT_FIELDS, says: 'What it does: outcomes, one after the other.' }),
      elevated: boolean({
        default: false,
        says: "Whether outcomes of it may be the installation's own. Administrators alone say so, and change such an action.",
      }),
      enabled: boolean({ default: true }),
    },
    uniqueTogether: [['action_name', 'world_id']],
  }),
  ...entity('oauth_connect', {
    says: 'A provider with whose accounts people may sign in here.',
    fields: {
      name: text({
        unique: true,
        fixed: true,
        pattern: '^[a-z0-9][a-z0-9_-]{0,62}$',
        says: 'A part of its address: small letters, digits, _ and -. google, github, linkedin, dropbox and microsoft need no address of their own.',
      }),
      client_id: text({ minLength: 1, maxLength: 2_000 }),
      client_secret: text({ encrypted: true, optional: true, maxLength: 2_000 }),
      scope: text({ optional: true, maxLength: 2_000, says: 'With commas.' }),
      issuer: text({
        optional: true,
        format: 'uri',
        maxLength: 2_000,
        says: 'Of OpenID Connect; then it needs no more.',
      }),
      auth_url: text({ optional: true, format: 'uri', maxLength: 2_000 }),
      token_url: text({ optional: true, format: 'uri', maxLength: 2_000 }),
      profile_url: text({ optional: true, format: 'uri', maxLength: 2_000 }),
      profile_id_path: text({
        default: 'sub',
        minLength: 1,
        maxLength: 200,
        says: 'Where the profile says who it is.',
      }),
      profile_email_path: text({ default: 'email', minLength: 1, maxLength: 200 }),
      profile_verified_path: text({
        default: 'email_verified',
        minLength: 1,
        maxLength: 200,
        says: 'Where the profile says whether the address is verified.',
      }),
      allow_login: boolean({ default: false, says: 'Whether people sign in with it.' }),
      allow_signup: boolean({ default: false, says: 'Whether who has no account gets one.' }),
    },
    identifiedBy: 'name',
  }),
  Decision: resource({ says: 'Decisions about others, and the reasons for them.', fields: {}, source: 'decision' }),
} as const;

/** The attribute of a type with the groups whose link to it has the group's bit of an operation. */
export const groupSet = <O extends Operation>(operation: O) =>
  `${operation.toLowerCase()}_group_ids` as `${Lowercase<O>}_group_ids`;

const setOf = (operation: Operation): TypeSet => ({
  in: 'world_usergroup',
  type: 'world_id',
  of: 'usergroup_id',
  bits: { field: 'permission', mask: bit('Group', operation), otherwise: 'permission' },
});

const groups = references('usergroup');

const typeAttributes = {
  permission: integer(),
  default_permission: integer(),
  user_account_id: reference('user_account', { optional: true }),
  default_group_ids: groups,
  peek_group_ids: groups,
  read_group_ids: groups,
  create_group_ids: groups,
  update_group_ids: groups,
  delete_group_ids: groups,
  execute_group_ids: groups,
  refer_group_ids: groups,
} as const satisfies Fields;

const membership = { in: 'user_account_usergroup', group: 'usergroup_id', member: 'user_account_id' };
const grants: readonly GrantSource[] = [
  { in: membership.in, holder: membership.member, role: 'member', on: { scope: 'usergroup', field: membership.group } },
  // Who belongs to the group of that name: it is never renamed, nor deleted.
  {
    in: 'usergroup',
    holder: 'id',
    members: membership,
    role: { field: 'name', is: { [ADMINISTRATORS]: 'administrator' } },
  },
];

/** The vocabulary of Daptin, with further entities. */
export function daptinModel<R extends Resources>(declared: R) {
  return model({
    name: 'daptin',
    title: 'Daptin',
    principals: { user: 'user_account', guest: null },
    resources: { ...builtIn, ...declared } as unknown as typeof builtIn,
    roles: { installation: ['administrator'], usergroup: ['member'] },
    grants,
    typeAttributes,
    types: {
      in: 'world',
      type: 'table_name',
      sets: Object.fromEntries(OPERATIONS.map((operation) => [groupSet(operation), setOf(operation)])),
    },
  });
}

export type Daptin = ReturnType<typeof daptinModel>;

/** The entities that are there from the start, by name. */
export const BUILT_IN = ['user_account', 'usergroup', 'world', 'action', 'oauth_connect'] as const;
