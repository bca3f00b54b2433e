import {
  type Field,
  type Fields,
  type Id,
  integer,
  type Relation,
  type Resource,
  reference,
  resource,
} from '@ostiary/policy';
import { EVERYTHING } from './bits.js';

/** Named actions that every entity has, beside those on records: execute an action on a row, and refer to it. */
const ACTIONS = ['execute', 'refer'] as const;
type Actions = typeof ACTIONS;

/** A reference of what is nothing without the record that it names. */
const GOING = { cascades: true, fixed: true } as const;

const bits = { minimum: 0, maximum: EVERYTHING };

/** What every row has: a permission of its own, which is its entity's default at first. */
const permitted = {
  permission: integer({
    ...bits,
    filled: { type: 'default_permission' },
    says: 'What may be done with it, as bits. At first the default permission of its entity.',
  }),
};

/** Whose a row is. */
export const owned = {
  user_account_id: reference('user_account', {
    optional: true,
    filled: 'principal',
    transfers: true,
    clears: true,
    says: 'Its owner: who made it, until it is given to another. A guest is none.',
  }),
};

export interface EntityOptions<F extends Fields, A extends readonly string[] = []> {
  readonly says?: string;
  /** Fields beside its owner and its permission. */
  readonly fields: F;
  /** The text field, unique and required, by which other programs name its rows. */
  readonly identifiedBy?: string;
  /** Its relations to many rows of others, by name. */
  readonly relations?: Readonly<Record<string, Relation>>;
  readonly uniqueTogether?: readonly (readonly (keyof F & string)[])[];
  /** Named actions beside those that every entity has. */
  readonly actions?: A;
}

type Row<F extends Fields, A extends readonly string[] = []> = Resource<
  F & typeof permitted,
  readonly [...Actions, ...A],
  never
>;
type Owned<F extends Fields> = Row<F & typeof owned>;

/** The name of the type that says to which groups the rows of an entity belong. */
export const joinOf = <N extends string>(name: N): `${N}_usergroup` => `${name}_usergroup`;

type Join<N extends string> = {
  readonly [K in `${N}_usergroup`]: Resource<
    { readonly [K in `${N}_id`]: Field<Id<N>, N, false> } & {
      readonly usergroup_id: Field<Id<'usergroup'>, 'usergroup', false>;
      readonly permission: Field<number, null, false>;
    },
    readonly [],
    never
  >;
};

/** The rows of an entity, as a resource type. */
export function rowsOf<const F extends Fields, const A extends readonly string[] = []>(
  name: string,
  { fields, relations, actions, ...more }: EntityOptions<F, A>,
  inGroups = true,
): Row<F, A> {
  const usergroups = { in: joinOf(name), of: `${name}_id`, to: 'usergroup_id' };
  const whole = {
    relations: { ...(inGroups ? { usergroups } : {}), ...relations },
    collection: name,
    actions: [...ACTIONS, ...(actions ?? [])],
    referred: 'refer',
    ...more,
    fields: { ...fields, ...permitted },
  };
  return resource(whole as unknown as Parameters<typeof resource>[0]) as unknown as Row<F, A>;
}

/** To which groups the rows of an entity belong, as a resource type. */
export function groupsOf<const N extends string>(name: N): Join<N> {
  const join = resource({
    says: 'Groups that a row belongs to.',
    collection: joinOf(name),
    fields: {
      [`${name}_id`]: reference(name, GOING),
      usergroup_id: reference('usergroup', GOING),
      permission: integer({
        ...bits,
        optional: true,
        says: "The row's permission for this group alone; where it has none, the row's own decides.",
      }),
    },
    uniqueTogether: [[`${name}_id`, 'usergroup_id']],
  });
  return { [joinOf(name)]: join } as unknown as Join<N>;
}

/** The resource types of an entity: its rows, which have owners, and their groups. */
export function entity<const N extends string, const F extends Fields>(
  name: N,
  options: EntityOptions<F>,
): { readonly [K in N]: Owned<F> } & Join<N> {
  const rows = rowsOf(name, { ...options, fields: { ...options.fields, ...owned } });
  return { [name]: rows, ...groupsOf(name) } as unknown as { readonly [K in N]: Owned<F> } & Join<N>;
}

/** A relation of an entity to many rows of another, or of its own: the name of the type that has a record for each. */
export interface Link {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** The fields of a link that name the row that it is of, and the one that it leads to. */
export function endsOf({ from, to }: Link): { readonly of: string; readonly to: string } {
  return { of: `${from}_id`, to: from === to ? `other_${to}_id` : `${to}_id` };
}

/** A relation to many rows, as a resource type. */
export function linkOf(link: Link): Resource {
  const ends = endsOf(link);
  return resource({
    says: 'A row, and another that it is related to.',
    collection: link.name,
    fields: { [ends.of]: reference(link.from, GOING), [ends.to]: reference(link.to, GOING) },
    uniqueTogether: [[ends.of, ends.to]],
  });
}
