import { actionsOf } from '../language/model.js';
import { type Policy, type Rule, rulesAbout } from '../language/rule.js';
import { remember } from '../remember.js';
import {
  type Condition,
  conjunction,
  disjunction,
  type Leaf,
  mapLeaves,
  negation,
  operandsOf,
} from '../tree/condition.js';
import { compile, type Test } from '../tree/evaluate.js';
import type { Environment, Principal, RecordFacts } from '../tree/facts.js';
import { fold } from '../tree/fold.js';
import { generate } from '../tree/generate.js';
import { Slots } from '../tree/slots.js';

/** Fields by name, or all of them. */
export type FieldSet = 'every' | readonly string[];

/** What a rule that allows gives to see or to write. */
export interface Permit {
  readonly rule: string;
  readonly fields: FieldSet;
  /** The view in which the record is shown; null for as it is. */
  readonly view: string | null;
}

export interface Decision {
  readonly allowed: boolean;
  /** The rules that allowed it. */
  readonly permits: readonly Permit[];
  /** The rules that forbade it: one is enough. */
  readonly forbiddenBy: readonly string[];
  /** Fields that a rule forbids, whatever another allows. */
  readonly forbiddenFields: readonly string[];
}

interface CompiledRule {
  readonly rule: Rule;
  readonly permit: Permit;
  readonly test: Test;
}

interface CompiledAction {
  readonly allows: readonly CompiledRule[];
  readonly forbids: readonly CompiledRule[];
  readonly fieldForbids: readonly CompiledRule[];
  readonly test: Test;
  readonly verdict: Condition;
  /** Whether the verdict on a principal and a record stays the same, as long as the attributes of types do. */
  readonly steady: boolean;
}

/** What was found to be possible, under which attributes of types. */
interface Possible {
  readonly types: Environment['types'];
  readonly found: boolean;
}

const possibleActions = new WeakMap<Principal, WeakMap<CompiledAction, Possible>>();
const slotsOf = new WeakMap<Policy, Slots>();
const compiled = new WeakMap<Policy, Map<string, Map<string, CompiledAction>>>();

/** The rules that speak of an action on a type; for `list`, those for `read` as well. */
export function rulesFor(policy: Policy, action: string, type: string): readonly Rule[] {
  return rulesAbout(policy.rules, action, type);
}

/** Allocates nothing once an action is compiled: this is asked with every decision. */
function compiledFor(policy: Policy, action: string, type: string): CompiledAction {
  return compiled.get(policy)?.get(type)?.get(action) ?? compileFirst(policy, action, type);
}

function compileFirst(policy: Policy, action: string, type: string): CompiledAction {
  const types = remember(compiled, policy, () => new Map<string, Map<string, CompiledAction>>());
  const actions = remember(types, type, () => new Map<string, CompiledAction>());
  return remember(actions, action, () => compileAction(policy, action, type));
}

function compileAction(policy: Policy, action: string, type: string): CompiledAction {
  const whole = verdict(policy, action, type);
  const slots = remember(slotsOf, policy, () => new Slots());
  const rules = rulesFor(policy, action, type);
  const ready = (wanted: (rule: Rule) => boolean) =>
    rules.filter(wanted).map((rule) => {
      const permit: Permit = { rule: rule.id, fields: rule.fields ?? 'every', view: rule.view ?? null };
      return { rule, permit, test: compile(rule.when) };
    });
  return {
    allows: ready((rule) => rule.effect === 'allow'),
    forbids: ready((rule) => rule.effect === 'forbid' && !rule.fields),
    fieldForbids: ready((rule) => rule.effect === 'forbid' && rule.fields !== undefined),
    test: generate(whole, slots) ?? compile(whole),
    verdict: whole,
    steady: isSteady(whole),
  };
}

/** Whether a condition does not ask for the time. */
export function isSteady(condition: Condition): boolean {
  let steady = true;
  mapLeaves(condition, (leaf) => {
    steady &&= operandsOf(leaf).every(({ from }) => from !== 'now' && from !== 'today');
    return leaf;
  });
  return steady;
}

/** The condition under which an action is allowed, all rules taken together: some rule allows, and none forbids. */
export function verdict(policy: Policy, action: string, type: string): Condition {
  const rules = rulesFor(policy, action, type);
  const allows = rules.filter((rule) => rule.effect === 'allow').map((rule) => rule.when);
  const forbids = rules.filter((rule) => rule.effect === 'forbid' && !rule.fields).map((rule) => rule.when);
  return conjunction([disjunction(allows), negation(disjunction(forbids))]);
}

/** Whether a principal may do an action on a record: the fast question, which allocates nothing. */
export function allows(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  record: RecordFacts,
  environment: Environment,
): boolean {
  return compiledFor(policy, action, type).test(principal, record, environment);
}

/**
 * The same question about one action on one type, for whoever asks it often: a function of principal, record and
 * environment, without the way to the action's rules.
 */
export function question(policy: Policy, action: string, type: string): Test {
  return compiledFor(policy, action, type).test;
}

/** Decides an action on a record, and says which rules decided. */
export function decide(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  record: RecordFacts,
  environment: Environment,
): Decision {
  const { allows, forbids, fieldForbids } = compiledFor(policy, action, type);
  const holds = ({ test }: CompiledRule) => test(principal, record, environment);
  const permits = allows.filter(holds).map(({ permit }) => permit);
  const forbiddenBy = forbids.filter(holds).map(({ rule }) => rule.id);
  return {
    allowed: permits.length > 0 && forbiddenBy.length === 0,
    permits,
    forbiddenBy,
    forbiddenFields: fieldForbids.filter(holds).flatMap(({ rule }) => rule.fields ?? []),
  };
}

/**
 * Whether there could be a record on which the principal may do the action: the question before any record is loaded.
 * What depends on a record counts as possible, what depends on the principal alone is decided. Kept with the principal
 * and the attributes of types, unless the rules ask for the time.
 */
export function possible(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  environment: Environment,
): boolean {
  const asked = compiledFor(policy, action, type);
  const { types } = environment;
  const kept = remember(possibleActions, principal, () => new WeakMap<CompiledAction, Possible>());
  const known = asked.steady ? kept.get(asked) : undefined;
  if (known !== undefined && known.types === types) return known.found;
  const found = fold(asked.verdict, { principal, environment }).op !== 'never';
  if (asked.steady) kept.set(asked, { types, found });
  return found;
}

/** Whether the principal may do the action on every record there could be: then nothing is revealed by a 404. */
export function universal(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  environment: Environment,
): boolean {
  return residual(policy, principal, action, type, environment).op === 'always';
}

/** The actions that a principal may do on a record. */
export function searchActions(
  policy: Policy,
  principal: Principal,
  type: string,
  record: RecordFacts,
  environment: Environment,
): readonly string[] {
  return actionsOf(policy.model, type).filter((action) => allows(policy, principal, action, type, record, environment));
}

/** How a field is shown, `shown` or through a transform; undefined where it isn't. */
export type Visibility = Readonly<Record<string, string | undefined>>;

/**
 * How each field of a record is shown under a decision: the most revealing of what the permits give.
 * @param view the view that was asked for; null asks for the most that the decision gives.
 * @returns null where the decision does not give that view.
 */
export function visibility(policy: Policy, decision: Decision, type: string, view: string | null): Visibility | null {
  const { fields, views = {} } = policy.model.resources[type] ?? { fields: {}, views: {} };
  const order = Object.keys(views);
  const asIs = decision.permits.filter((permit) => permit.view === null);
  const given = new Set(decision.permits.map((permit) => permit.view));
  if (view !== null && !(order.includes(view) && (given.has(view) || asIs.length > 0))) return null;

  const shown: Record<string, string | undefined> = {};
  const hidden = new Set(decision.forbiddenFields);
  for (const [name, field] of Object.entries(fields)) {
    if (field.secret || hidden.has(name)) continue;
    if (view === null && asIs.some((permit) => covers(permit.fields, name))) {
      shown[name] = 'shown';
      continue;
    }
    const candidates = view === null ? order.filter((candidate) => given.has(candidate)) : [view];
    for (const candidate of candidates) {
      const showing = (views as Record<string, Record<string, string>>)[candidate]?.[name];
      const permitted = decision.permits.some(
        (permit) => (permit.view === candidate || permit.view === null) && covers(permit.fields, name),
      );
      if (permitted && showing !== undefined && showing !== 'hidden') {
        shown[name] = showing;
        break;
      }
    }
  }
  return shown;
}

/** The fields that a decision lets the principal write. */
export function writable(policy: Policy, decision: Decision, type: string): readonly string[] {
  const hidden = new Set(decision.forbiddenFields);
  return Object.keys(policy.model.resources[type]?.fields ?? {}).filter(
    (name) => !hidden.has(name) && decision.permits.some((permit) => covers(permit.fields, name)),
  );
}

/** The fields that the principal may write with an action on some record that there could be. */
export function writableSomewhere(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  environment: Environment,
): readonly string[] {
  if (!possible(policy, principal, action, type, environment)) return [];
  const left = ({ when }: Rule) => prune(fold(when, { principal, environment })).op;
  const rules = rulesFor(policy, action, type);
  const permits = rules.filter((rule) => rule.effect === 'allow' && left(rule) !== 'never');
  const never = rules.filter((rule) => rule.effect === 'forbid' && rule.fields && left(rule) === 'always');
  return Object.keys(policy.model.resources[type]?.fields ?? {}).filter(
    (name) =>
      permits.some(({ fields }) => covers(fields ?? 'every', name)) &&
      !never.some(({ fields }) => fields?.includes(name)),
  );
}

export function covers(fields: FieldSet, name: string): boolean {
  return fields === 'every' || fields.includes(name);
}

/**
 * What is left of an action's verdict for a principal when no record is known, in a form where sets that are empty
 * and values that are missing have done their work.
 */
function residual(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  environment: Environment,
): Condition {
  return prune(fold(verdict(policy, action, type), { principal, environment }));
}

/** Decides the leaves that no record could fulfil: nothing is in an empty set, and nothing equals a missing value. */
export function prune(condition: Condition): Condition {
  return mapLeaves(condition, (leaf) => (hopeless(leaf) ? { op: 'never' } : leaf));
}

function hopeless(leaf: Leaf): boolean {
  if (leaf.op === 'holds') return false;
  return operandsOf(leaf).some(
    (operand) =>
      operand.from === 'constant' &&
      (operand.value === null ||
        ((leaf.op === 'member' || leaf.op === 'overlap') &&
          Array.isArray(operand.value) &&
          operand.value.length === 0)),
  );
}
