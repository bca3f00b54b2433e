import { type Condition, conjunction, disjunction, NEVER, type Operand } from '../tree/condition.js';
import { actionsOf, findField } from './lookup.js';
import type { Model, PermissionSource } from './model.js';
import type { Rule } from './rule.js';

/** The actions that can be permitted at run time: who may read may list. */
export function permissionActions(of: Model, type: string): readonly string[] {
  return actionsOf(of, type).filter((action) => action !== 'list');
}

/** The resource types that can be permitted at run time. */
export function permissionTypes(of: Model): readonly string[] {
  return of.permissions?.resources ?? Object.keys(of.resources);
}

/** The name of the role that a run-time permission gives. */
export function permissionRole(action: string, type: string): string {
  return `may ${action} ${type}`;
}

function permissionId(action: string, type: string): string {
  return `${type}/permission-${action}`;
}

export function permissionRules(of: Model): Rule[] {
  const source = of.permissions;
  if (source === undefined) return [];
  return permissionTypes(of).flatMap((type) =>
    permissionActions(of, type).map((action): Rule => {
      const role = permissionRole(action, type);
      const everywhere: Condition = { op: 'holds', role, scope: null, at: null, many: false };
      return {
        id: permissionId(action, type),
        effect: 'allow',
        type,
        actions: [action],
        says: `Who was given the permission '${action} ${type}' may do so.`,
        source: 'permissions given at run time',
        when: disjunction([everywhere, withinScope(of, source, type, action, role)]),
      };
    }),
  );
}

/**
 * A permission for one scope reaches what belongs to it. What belongs to several scopes is read by whoever may read in
 * one of them, but written only by who may in all: a permission for one does not put a record into another.
 */
function withinScope(of: Model, source: PermissionSource, type: string, action: string, role: string): Condition {
  const field = source.at[type];
  if (field === undefined) return NEVER;
  const at: Operand = { from: 'record', path: [field] };
  const many = findField(of, type, field)?.many ?? false;
  const some: Condition = { op: 'holds', role, scope: source.scope, at, many };
  if (!many || action === 'read') return some;
  return conjunction([some, { op: 'subset', left: at, right: { from: 'scopes', role, scope: source.scope } }]);
}
