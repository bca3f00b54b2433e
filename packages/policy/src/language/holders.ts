import { remember } from '../remember.js';
import { holdingKey } from '../tree/facts.js';
import { upwardImplications } from './implications.js';
import { findField } from './lookup.js';
import type { GrantSource, Model } from './model.js';
import { permissionActions, permissionRole, permissionTypes } from './permissions.js';

const known = new WeakMap<Model, Map<string, readonly string[]>>();

/** The roles that principals of a kind can come to hold, as rules name them: granted, permitted, or implied by those. */
export function rolesOfKind(of: Model, kind: string): readonly string[] {
  const kinds = remember(known, of, () => new Map<string, readonly string[]>());
  return remember(kinds, kind, () => findRoles(of, of.principals[kind] ?? null));
}

function findRoles(of: Model, type: string | null): readonly string[] {
  if (type === null) return [];
  const granted = of.grants
    .filter((grant) => holderType(of, grant) === type)
    .flatMap((grant) => grantedRoles(of, grant));
  const roles = new Set([...granted, ...permittedRoles(of, type)]);
  const implied = upwardImplications(of).filter(({ from }) => roles.has(from));
  return [...roles, ...implied.map(({ to }) => to)];
}

function holderType(of: Model, { in: table, holder, members }: GrantSource): string | null | undefined {
  if (members) return findField(of, members.in, members.member)?.to;
  return holder === 'id' ? table : findField(of, table, holder)?.to;
}

function grantedRoles(of: Model, { role, on }: GrantSource): readonly string[] {
  const scope = on?.scope ?? null;
  const known = (of.roles as Readonly<Record<string, readonly string[]>>)[scope ?? 'installation'] ?? [];
  const names = typeof role === 'string' ? [role] : role.is ? Object.values(role.is) : known;
  return names.map((name) => holdingKey(name, scope));
}

function permittedRoles(of: Model, type: string): readonly string[] {
  const { permissions } = of;
  if (permissions?.in !== type) return [];
  return permissionTypes(of)
    .flatMap((each) => permissionActions(of, each).map((action) => permissionRole(action, each)))
    .flatMap((role) => [role, holdingKey(role, permissions.scope)]);
}
