import { type Condition, linkWhere, mapAtoms, type Operand } from '../tree/condition.js';
import { checkCondition } from './check.js';
import { deepFreeze } from './freeze.js';
import { actionsOf, fieldOf, resolvePath, resourceOf } from './lookup.js';
import { demand, locate } from './mistakes.js';
import type { Limit, Model } from './model.js';
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
  demand(Array.isArray(written), 'the rules of a policy are a list: policy(model, [rules(…), …])');
  const own = written.flatMap((entry) => entry.rules);
  const limits = written.flatMap((entry) => entry.limits);
  const raw = [...own, ...permissionRules(vocabulary)];
  const ids = new Set<string>();
  for (const { id } of [...raw, ...limits]) {
    demand(!ids.has(id), `two rules have the id '${id}'`);
    ids.add(id);
  }
  for (const rule of own) locate(rule.id, () => checkRule(vocabulary, rule));
  for (const limit of limits) locate(limit.id, () => checkLimit(vocabulary, limit));
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
    demand(!asking.includes(step), `rules ask for each other: ${[...asking, step].join(' → ')}`);
    const seen = rulesAbout(all, atom.action, target).map((rule) => {
      const resolved = resolveMay(of, all, target, rule.when, [...asking, step]);
      return { ...rule, when: mapPaths(resolved, (inner) => joinPaths(atom.path, inner)) };
    });
    return verdictOf(sidesOf(seen));
  });
}

function checkRule(of: Model, rule: Rule): void {
  const { type, actions, fields = [], view } = rule;
  checkSentence(rule);
  demand(actions.length > 0, 'it is about no action');
  const known = actionsOf(of, type);
  for (const action of actions) demand(known.includes(action), `${type} has no action '${action}'`);
  for (const field of fields) fieldOf(of, type, field);
  const isThere = view === undefined || Object.hasOwn(resourceOf(of, type).views ?? {}, view);
  demand(isThere, `${type} has no view '${view}'`);
  checkCondition(of, type, rule.when);
}

function checkLimit(of: Model, limit: Limit): void {
  const { of: type, max } = limit;
  checkSentence(limit);
  fieldOf(of, type, limit.per);
  checkCondition(of, type, limit.counting);
  if (typeof max === 'number') return;
  const right: Operand = { from: 'constant', value: 0 };
  checkCondition(of, type, { op: 'atMost', left: max, right });
}

function checkSentence(entry: Pick<Rule, 'says' | 'source'>): void {
  for (const name of ['says', 'source'] as const) {
    const given: unknown = entry[name];
    demand(typeof given === 'string' && given.trim() !== '', `it lacks its sentence or source: '${name}'`);
  }
}
