import { holdingKey } from '../tree/facts.js';
import type { Field } from './fields.js';
import { demand } from './mistakes.js';
import { type Fields, type Model, type Resource, STANDARD_ACTIONS } from './model.js';

/** Fields that every record has, whatever its type. */
export const BUILT_IN_FIELDS = {
  id: { kind: 'reference', many: false, to: null },
  createdAt: { kind: 'instant', many: false, to: null },
  updatedAt: { kind: 'instant', many: false, to: null },
} as const satisfies Fields;

/** The field of a resource type, built-in ones included. Throws where there is none. */
export function fieldOf(of: Model, type: string, name: string): Field {
  const field = findField(of, type, name);
  demand(field !== undefined, `${type} has no field '${name}'`);
  return field;
}

/**
 * The field of a resource type, where it has to be of a sort.
 * @param wanted says which: 'is not a boolean', where it is not `sound`
 */
export function soundField(
  of: Model,
  type: string,
  name: string,
  wanted: string,
  sound: (field: Field) => unknown,
): Field {
  const field = fieldOf(of, type, name);
  demand(sound(field), `${type}.${name} ${wanted}`);
  return field;
}

export function findField(of: Model, type: string, name: string): Field | undefined {
  if (name === 'id') return { ...BUILT_IN_FIELDS.id, to: type };
  if (Object.hasOwn(BUILT_IN_FIELDS, name)) return BUILT_IN_FIELDS[name as keyof typeof BUILT_IN_FIELDS];
  const fields = resourceOf(of, type).fields;
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

export function resourceOf(of: Model, type: string): Resource {
  const found = Object.hasOwn(of.resources, type) ? of.resources[type] : undefined;
  demand(found !== undefined, `there is no resource type '${type}'`);
  return found;
}

/** Every action that a resource type knows. */
export function actionsOf(of: Model, type: string): readonly string[] {
  const { source, actions } = resourceOf(of, type);
  // What is no table of its own is only looked at.
  return source === undefined ? [...STANDARD_ACTIONS, ...actions] : ['list', 'read'];
}

/** The last field of a path, and the type that each step leads to. */
export function resolvePath(
  of: Model,
  type: string,
  path: readonly string[],
): { readonly field: Field; readonly type: string } {
  let at = type;
  for (const step of path.slice(0, -1)) at = leadsTo(of, at, step);
  return { field: fieldOf(of, at, path.at(-1) ?? 'id'), type: at };
}

/** The type of the one record that a field refers to. */
export function leadsTo(of: Model, type: string, name: string): string {
  return soundField(of, type, name, 'does not lead to another record', ({ to, many }) => to !== null && !many)
    .to as string;
}

/** The resource type whose records are the principals of a kind; null where they have none. */
export function principalTypeOf(of: Model, kind: string): string | null {
  const type = Object.hasOwn(of.principals, kind) ? of.principals[kind] : undefined;
  demand(type !== undefined, `there is no kind of principal '${kind}'`);
  return type;
}

/** The roles of a model by the names that rules know them by: `Site admin`, and `superadmin`, which has no scope. */
export function rolesOf(of: Model): readonly (readonly [name: string, role: Role])[] {
  return Object.entries(of.roles as Readonly<Record<string, readonly string[]>>).flatMap(([on, roles]) => {
    const scope = on === 'installation' ? null : on;
    return roles.map((role) => [holdingKey(role, scope), { role, scope }] as const);
  });
}

/** A role, and the type of scope on which it is held; null for the whole installation. */
export interface Role {
  readonly role: string;
  readonly scope: string | null;
}

/** What the name of a role stands for. */
export function splitRole(of: Model, name: string): Role {
  const [, found] = rolesOf(of).find(([known]) => known === name) ?? [];
  demand(found, `there is no role '${name}'`);
  return found;
}
