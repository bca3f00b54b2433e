/**
 * Permissions are bits: seven operations for each of three audiences, the lowest for guests, then for the owner ("User"),
 * then for groups. What guests may do, everybody may. Source of the values: docs.dapt.in, "Access".
 */

export const OPERATIONS = ['Peek', 'Read', 'Create', 'Update', 'Delete', 'Execute', 'Refer'] as const;
export type Operation = (typeof OPERATIONS)[number];

export const AUDIENCES = ['Guest', 'User', 'Group'] as const;
export type Audience = (typeof AUDIENCES)[number];

/** A bit's name: `GuestPeek`. */
export type BitName = `${Audience}${Operation}`;

/** The bit of an audience and an operation. */
export function bit(audience: Audience, operation: Operation): number {
  return 1 << (AUDIENCES.indexOf(audience) * OPERATIONS.length + OPERATIONS.indexOf(operation));
}

/** Every bit by its name, from the lowest to the highest. */
export const BITS = Object.fromEntries(
  AUDIENCES.flatMap((audience) =>
    OPERATIONS.map((operation) => [`${audience}${operation}`, bit(audience, operation)] as const),
  ),
) as Readonly<Record<BitName, number>>;

/** A permission of these bits. */
export function permission(...names: readonly BitName[]): number {
  return names.reduce((bits, name) => bits | BITS[name], 0);
}

/** The bits of a permission by their names, from the lowest to the highest. */
export function bitNames(value: number): readonly BitName[] {
  return (Object.keys(BITS) as BitName[]).filter((name) => (value & BITS[name]) !== 0);
}

const crud = (audience: Audience): number =>
  OPERATIONS.filter((operation) => operation !== 'Execute').reduce((bits, each) => bits | bit(audience, each), 0);

/** Everything but Execute, for an audience. */
export const GUEST_CRUD = crud('Guest');
export const USER_CRUD = crud('User');
export const GROUP_CRUD = crud('Group');

/** Everything, for everybody. */
export const EVERYTHING = 2 ** 21 - 1;

/** Guests peek and execute; the owner and the groups do everything: 2097057. */
export const DEFAULT_PERMISSION =
  permission('GuestPeek', 'GuestExecute', 'UserExecute', 'GroupExecute') | USER_CRUD | GROUP_CRUD;
