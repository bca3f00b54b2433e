import { type Condition, linkWhere, mapAtoms, type Operand } from '../tree/condition.js';
import { checkCondition } from './check.js';
import { deepFreeze } from './define.js';
import { actionsOf, findField, type Limit, type Model, ModelError, resolvePath, resourceOf } from './model.js';
import { joinPaths, mapPaths } from './paths.js';
import { permissionRules } from './permissions.js';
import { type Policy, type ResourceRules, type Rule, rulesAbout, sidesOf, verdictOf } from './rule.js';
import type { Shape } from './rules.js';

/**
 * Makes a policy: checks the rules against the model, replaces every 'may' by the rules it stands for, and adds what
 * run-time permissions allow.
 * @throws {ModelError} where two rules share an id, compare unlike things, or name what does not exist.
 */
export function policy(of: Shape, written: readonly ResourceRules[]): Policy {
  const vocabulary = of as unknown as Model;
  if (!Array.isArray(written)) throw new ModelError('the rules of a policy are a list: policy(model, [rules(…), …])');
  const own = written.flatMap((entry) => entry.rules);
  const limits = written.flatMap((entry) => entry.limits);
  const raw = [...own, ...permissionRules(vocabulary)];
  const ids = new Set<string>();
  for (const { id } of [...raw, ...limits]) {
    if (ids.has(id)) throw new ModelError(`two rules have the id '${id}'`);
    ids.add(id);
  }
  for (const rule of own) checkRule(vocabulary, rule);
  for (const limit of limits) checkLimit(vocabulary, limit);
  const made = raw.map((rule) => ({ ...rule, when: resolveMay(vocabulary, raw, rule.type, rule.when, [rule.id]) }));
  return deepFreeze({ model: vocabulary, rules: made, limits });
}

/** Puts the rules that 'may' stands for in its place, seen from the record that asks. */
function resolveMay(
  of: Model,
  all: readonly Rule[],
  type: string,
  condition: Condition,
  asking: readonly string[],
): Condition {
  return mapAtoms(condition, (atom) => {
    if (atom.op === 'linked') return linkWhere(atom, resolveMay(of, all, atom.type, atom.where, asking));
    if (atom.op !== 'may') return atom;
    const target = resolvePath(of, type, atom.path).field.to as string;
    const step = `${atom.action} ${target} at ${atom.path.join('.')}`;
    if (asking.includes(step)) throw new ModelError(`rules ask for each other: ${[...asking, step].join(' → ')}`);
    const seen = rulesAbout(all, atom.action, target).map((rule) => {
      const resolved = resolveMay(of, all, target, rule.when, [...asking, step]);
      return { ...rule, when: mapPaths(resolved, (inner) => joinPaths(atom.path, inner)) };
    });
    return verdictOf(sidesOf(seen));
  });
}

function checkRule(of: Model, rule: Rule): void {
  checkSentence(rule);
  const known = actionsOf(of, rule.type);
  if (rule.actions.length === 0) throw new ModelError(`${rule.id} is about no action`);
  for (const action of rule.actions) {
    if (!known.includes(action)) throw new ModelError(`${rule.id}: ${rule.type} has no action '${action}'`);
  }
  for (const field of rule.fields ?? []) {
    if (!findField(of, rule.type, field)) throw new ModelError(`${rule.id}: ${rule.type} has no field '${field}'`);
  }
  const views = resourceOf(of, rule.type).views ?? {};
  if (rule.view !== undefined && !Object.hasOwn(views, rule.view)) {
    throw new ModelError(`${rule.id}: ${rule.type} has no view '${rule.view}'`);
  }
  within(rule.id, () => checkCondition(of, rule.type, rule.when));
}

function checkLimit(of: Model, limit: Limit): void {
  checkSentence(limit);
  if (!findField(of, limit.of, limit.per)) throw new ModelError(`${limit.id}: ${limit.of} has no field '${limit.per}'`);
  within(limit.id, () => {
    checkCondition(of, limit.of, limit.counting);
    if (typeof limit.max === 'number') return;
    const right: Operand = { from: 'constant', value: 0 };
    checkCondition(of, limit.of, { op: 'atMost', left: limit.max, right });
  });
}

function checkSentence(entry: { readonly id: string; readonly says: string; readonly source: string }): void {
  for (const name of ['says', 'source'] as const) {
    const given: unknown = entry[name];
    if (typeof given !== 'string' || given.trim() === '') {
      throw new ModelError(`${entry.id} lacks its sentence or source: '${name}'`);
    }
  }
}

/** Says whose condition is wrong. */
function within(id: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw error instanceof ModelError ? new ModelError(`${id}: ${error.message}`) : error;
  }
}
