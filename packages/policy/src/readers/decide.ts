import { actionsOf } from '../language/lookup.js';
import { type Policy, type Rule, rulesAbout, type Sides, sidesOf, verdictOf } from '../language/rule.js';
import { remember } from '../remember.js';
import { type Condition, leavesOf, operandsOf } from '../tree/condition.js';
import { compile, type Test } from '../tree/evaluate.js';
import type { Environment, Principal, RecordFacts } from '../tree/facts.js';
import { fold, prune } from '../tree/fold.js';
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

interface CompiledRule extends Rule {
  readonly test: Test;
}

interface CompiledAction extends Sides<CompiledRule> {
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
  const sides = sidesOf(rulesAbout(policy.rules, action, type).map((rule) => ({ ...rule, test: compile(rule.when) })));
  const whole = verdictOf(sides);
  const slots = remember(slotsOf, policy, () => new Slots());
  return { ...sides, test: generate(whole, slots) ?? compile(whole), verdict: whole, steady: isSteady(whole) };
}

/** Whether a condition does not ask for the time. */
export function isSteady(condition: Condition): boolean {
  return !leavesOf(condition)
    .flatMap(operandsOf)
    .some(({ from }) => from === 'now' || from === 'today');
}

/** The condition under which an action is allowed, all rules taken together: some rule allows, and none forbids. */
export function verdict(policy: Policy, action: string, type: string): Condition {
  return verdictOf(sidesOf(rulesAbout(policy.rules, action, type)));
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
  return decisionOf({
    allows: allows.filter(holds),
    forbids: forbids.filter(holds),
    fieldForbids: fieldForbids.filter(holds),
  });
}

/** The decision where these are the rules that hold. */
export function decisionOf({ allows, forbids, fieldForbids }: Sides<Rule>): Decision {
  return {
    allowed: allows.length > 0 && forbids.length === 0,
    permits: allows.map(({ id, fields, view }) => ({ rule: id, fields: fields ?? 'every', view: view ?? null })),
    forbiddenBy: forbids.map(({ id }) => id),
    forbiddenFields: fieldForbids.flatMap(({ fields = [] }) => fields),
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
  const { verdict } = compiledFor(policy, action, type);
  return prune(fold(verdict, { principal, environment })).op === 'always';
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
