import { type Condition, disjunction, type Operand } from '../tree/condition.js';
import { type Grant, holdingKey } from '../tree/facts.js';
import { resolvePath, splitRole } from './lookup.js';
import { demand } from './mistakes.js';
import type { Model } from './model.js';

/**
 * Implications between roles run two ways, and each is followed where it is cheap:
 *
 * - *upward* (any role in a project → user of its site) and on one scope (admin → user): from the grants, when a
 *   principal's holdings are resolved, since a principal has few grants;
 * - *downward* (admin of a site → admin of its projects; the whole installation → everywhere): from the record, when a
 *   rule is written, since a record has one path to its scopes.
 *
 * A role that is implied downward implies nothing upward again.
 */

/** The parent references that lead from one scope type to another, or null. */
export function parentPath(of: Model, from: string, to: string): readonly string[] | null {
  const paths: (readonly string[])[] = [[]];
  const seen = new Set([from]);
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    const type = path.length === 0 ? from : resolvePath(of, from, path).field.to;
    if (type === to && path.length > 0) return path;
    for (const [name, field] of Object.entries(of.resources[type ?? '']?.fields ?? {})) {
      if (field.parent && field.to !== null && !seen.has(field.to)) {
        seen.add(field.to);
        paths.push([...path, name]);
      }
    }
  }
  return null;
}

/** How a role implies another: on the same scope, or along references from one scope to the other. */
export interface Direction {
  readonly way: 'same' | 'down' | 'up';
  readonly path: readonly string[];
}

/** Along which references a role implies another. */
export function direction(of: Model, from: string, to: string): Direction {
  const [source, target] = [splitRole(of, from).scope, splitRole(of, to).scope];
  if (source === target) return { way: 'same', path: [] };
  if (source === null) return { way: 'down', path: [] };
  demand(target !== null, `'${from}' can't imply '${to}', which holds everywhere`);
  const down = parentPath(of, target, source);
  if (down) return { way: 'down', path: down };
  const up = parentPath(of, source, target);
  demand(up, `'${from}' implies '${to}', but no parent reference joins ${source} and ${target}`);
  return { way: 'up', path: up };
}

/** The condition that a principal holds a role, with every role that implies it downward. */
export function expandRole(of: Model, name: string, at: Operand | null, many: boolean): Condition {
  const found: Condition[] = [];
  const visit = (role: string, where: Operand | null, direct: boolean, seen: readonly string[]): void => {
    if (direct) found.push({ op: 'holds', ...splitRole(of, role), at: where, many });
    for (const [stronger, implied] of Object.entries(of.implications)) {
      if (!implied.includes(role) || seen.includes(stronger)) continue;
      const { way, path } = direction(of, stronger, role);
      // What is implied upward, or on one scope, is among the grants already; but not what implies that downward.
      if (way === 'up') continue;
      const isDown = way === 'down';
      const anywhere = where === null || (isDown && path.length === 0);
      demand(anywhere || !isDown || !many, `'${name}' on several scopes at once can't be implied by '${stronger}'`);
      const next = anywhere ? null : isDown ? extended(where, path) : where;
      visit(stronger, next, isDown, [...seen, stronger]);
    }
  };
  visit(name, at, true, [name]);
  return disjunction(found);
}

function extended(operand: Operand, path: readonly string[]): Operand {
  const isField = operand.from === 'record' || operand.from === 'principal';
  demand(isField, 'a role that others imply must be asked for on a field');
  const own = operand.path.at(-1) === 'id' ? operand.path.slice(0, -1) : operand.path;
  return { ...operand, path: [...own, ...path] };
}

/**
 * Closes grants under implication upward and on the same scope.
 * @param follow the id that a reference path leads to from a scope, or null: ['siteId'] from project 7.
 */
export function closeGrants(
  of: Model,
  grants: readonly Grant[],
  follow: (scope: string, id: string, path: readonly string[]) => string | null,
): readonly Grant[] {
  const closed = new Map<string, Grant>();
  const queue = [...grants];
  for (let grant = queue.shift(); grant !== undefined; grant = queue.shift()) {
    const key = JSON.stringify([grant.role, grant.scope, grant.id]);
    if (closed.has(key)) continue;
    closed.set(key, grant);
    const name = holdingKey(grant.role, grant.scope);
    for (const implied of of.implications[name] ?? []) {
      const { way, path } = direction(of, name, implied);
      const target = splitRole(of, implied);
      if (way === 'same') queue.push({ ...target, id: grant.id });
      if (way === 'up' && grant.scope !== null && grant.id !== null) {
        const id = follow(grant.scope, grant.id, path);
        if (id !== null) queue.push({ ...target, id });
      }
    }
  }
  return [...closed.values()];
}

/** Every implication that is followed from the grants, closed: from a role, along a path, to a role. */
export function upwardImplications(
  of: Model,
): readonly { readonly from: string; readonly path: readonly string[]; readonly to: string }[] {
  const found: { from: string; path: readonly string[]; to: string }[] = [];
  const visit = (from: string, at: string, path: readonly string[], seen: readonly string[]): void => {
    for (const implied of of.implications[at] ?? []) {
      if (seen.includes(implied)) continue;
      const run = direction(of, at, implied);
      if (run.way === 'down') continue;
      const next = [...path, ...run.path];
      found.push({ from, path: next, to: implied });
      visit(from, implied, next, [...seen, implied]);
    }
  };
  for (const name of Object.keys(of.implications)) visit(name, name, [], [name]);
  return found;
}
