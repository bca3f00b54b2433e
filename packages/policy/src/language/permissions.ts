import { type Condition, disjunction } from '../tree/condition.js';
import { actionsOf, findField, type Model } from './model.js';
import type { Rule } from './rule.js';

/** The actions that can be permitted at run time: who may read may list. */
export function permissionActions(of: Model, type: string): readonly string[] {
  return actionsOf(of, type).filter((action) => action !== 'list');
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
  return Object.keys(of.resources).flatMap((type) =>
    permissionActions(of, type).map((action): Rule => {
      const role = permissionRole(action, type);
      const field = source.at[type];
      const everywhere: Condition = { op: 'holds', role, scope: null, at: null, many: false };
      const there: Condition[] =
        field === undefined
          ? []
          : [
              {
                op: 'holds',
                role,
                scope: source.scope,
                at: { from: 'record', path: [field] },
                many: findField(of, type, field)?.many ?? false,
              },
            ];
      return {
        id: permissionId(action, type),
        effect: 'allow',
        type,
        actions: [action],
        says: `Who was given the permission '${action} ${type}' may do so.`,
        source: 'permissions given at run time',
        when: disjunction([everywhere, ...there]),
      };
    }),
  );
}
