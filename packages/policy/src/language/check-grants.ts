import type { Field } from './fields.js';
import { resourceOf, soundField, splitRole } from './lookup.js';
import { demand } from './mistakes.js';
import type { GrantSource, Model, PermissionSource } from './model.js';

/**
 * Checks a source of grants: its fields name who holds which role on what, and when.
 * @throws {ModelError}
 */
export function checkGrant(of: Model, grant: GrantSource): void {
  const { in: table, members, on, role } = grant;
  const isPrincipal = ({ many, to }: Field) => !many && to !== null && Object.values(of.principals).includes(to);
  const isOne =
    (...kinds: readonly string[]) =>
    ({ many, kind }: Field) =>
      !many && kinds.includes(kind);

  if (members === undefined) {
    soundField(of, table, grant.holder, "is not one principal, nor a group with 'members'", isPrincipal);
  } else {
    const { to: group } = soundField(of, table, grant.holder, 'is not a group', ({ to }) => to !== null);
    soundField(
      of,
      members.in,
      members.group,
      `does not refer to one ${group}`,
      ({ many, to }) => !many && to === group,
    );
    soundField(of, members.in, members.member, 'is not one principal', isPrincipal);
  }
  if (on) checkScope(of, table, on.field, on.scope);
  const isRole = (name: string) => splitRole(of, on ? `${on.scope} ${name}` : name);
  if (typeof role === 'string') isRole(role);
  else {
    soundField(of, table, role.field, 'is not a text or a choice', isOne('text', 'choice'));
    for (const name of Object.values(role.is ?? {})) isRole(name);
  }
  for (const name of [grant.from, grant.until]) {
    if (name) soundField(of, table, name, 'is not an instant or a date', isOne('instant', 'date'));
  }
  for (const name of [...(grant.when ?? []), ...(grant.unless ?? [])]) {
    soundField(of, table, name, 'is not a boolean', isOne('boolean'));
  }
}

/**
 * Checks where permissions given at run time are kept, and what they can be limited to.
 * @throws {ModelError}
 */
export function checkPermissions(of: Model, { in: table, field, scope, at }: PermissionSource): void {
  const isKind = Object.values(of.principals).includes(table);
  demand(isKind, `'${table}' is not the resource type of a kind of principal`);
  soundField(of, table, field, 'is not json', ({ kind }) => kind === 'json');
  resourceOf(of, scope);
  for (const [type, name] of Object.entries(at)) checkScope(of, type, name as string, scope);
}

function checkScope(of: Model, type: string, name: string, scope: string): void {
  soundField(of, type, name, `does not refer to ${scope}`, ({ to }) => to === scope);
}
