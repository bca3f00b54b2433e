import type { Condition, Leaf, Operand, Value } from '../tree/condition.js';
import { ALWAYS, conjunction, disjunction, NEVER, nameCondition, negation } from '../tree/condition.js';
import type { CalendarDate, Id, Instant, Json } from './fields.js';

/** The operand behind an expression. A symbol, so that it can't collide with a field's name. */
export const OPERAND = Symbol('operand');
declare const TYPE: unique symbol;

/** A value in a rule: of a field, of the principal, the time. */
export interface Expression<out V> {
  readonly [OPERAND]: Operand;
  readonly [TYPE]?: V;
}

/** What may be written in place of an expression of `V`. */
export type Literal<V> =
  V extends Id<string>
    ? string
    : V extends Instant | CalendarDate
      ? string
      : V extends Json
        ? never
        : V extends readonly (infer E)[]
          ? readonly Literal<E>[]
          : V;

type Single = string | number | boolean | Instant | CalendarDate | Id<string>;
type Comparable = number | Instant | CalendarDate;
type ElementOf<S> = S extends readonly (infer E)[] ? E : never;

/** The operand of an expression or a literal. */
export function operandOf(value: unknown): Operand {
  if (typeof value === 'object' && value !== null && OPERAND in value) return (value as Expression<unknown>)[OPERAND];
  return { from: 'constant', value: value as Value };
}

/** Both are there and are the same. Sets are compared by `within` and `overlap`. */
export function equal<V extends Single>(
  left: Expression<V>,
  right: Expression<NoInfer<V>> | NoInfer<Literal<V>>,
): Leaf {
  return { op: 'equal', left: operandOf(left), right: operandOf(right) };
}

/** The first is there, and smaller or earlier than the second. */
export function less<V extends Comparable>(left: Expression<V> | Literal<V>, right: Expression<V> | Literal<V>): Leaf {
  return { op: 'less', left: operandOf(left), right: operandOf(right) };
}

/** The first is there, and smaller than, earlier than or the same as the second. */
export function atMost<V extends Comparable>(
  left: Expression<V> | Literal<V>,
  right: Expression<V> | Literal<V>,
): Leaf {
  return { op: 'atMost', left: operandOf(left), right: operandOf(right) };
}

/** The element is one of the set: `within(it.groupId, me.user.groupIds)`. */
export function within<V>(
  element: Expression<V> | NoInfer<Literal<V>>,
  set: Expression<readonly NoInfer<V>[]> | readonly NoInfer<Literal<V>>[],
): Leaf {
  return { op: 'member', element: operandOf(element), set: operandOf(set) };
}

/** The two sets have an element in common. */
export function overlap<S extends readonly unknown[]>(
  left: Expression<S>,
  right: Expression<readonly ElementOf<S>[]> | readonly Literal<ElementOf<S>>[],
): Leaf {
  return { op: 'overlap', left: operandOf(left), right: operandOf(right) };
}

/** Every element of the first set is in the second. */
export function subset<S extends readonly unknown[]>(
  left: Expression<S>,
  right: Expression<readonly ElementOf<S>[]> | readonly Literal<ElementOf<S>>[],
): Leaf {
  return { op: 'subset', left: operandOf(left), right: operandOf(right) };
}

/** There is a value. */
export function present(value: Expression<unknown>): Leaf {
  return { op: 'present', value: operandOf(value) };
}

/** There is a set, and it has no element. */
export function empty(value: Expression<readonly unknown[]>): Leaf {
  return { op: 'empty', value: operandOf(value) };
}

/** Every bit of `wanted` is set in the value, which is an `integer`. */
export function bits(value: Expression<number>, wanted: number): Leaf {
  return { op: 'bits', value: operandOf(value), bits: wanted };
}

/** The time window is open: `from` has come, or is not set; `until` has not, or is not set. */
export function during(window: {
  readonly from?: Expression<Instant>;
  readonly until?: Expression<Instant>;
}): Condition {
  const parts: Condition[] = [];
  if (window.from) parts.push(any(not(present(window.from)), atMost(window.from, now)));
  if (window.until) parts.push(any(not(present(window.until)), less(now, window.until)));
  return all(...parts);
}

/** The time of the request. */
export const now: Expression<Instant> = { [OPERAND]: { from: 'now' } };

/** The date of the request, in UTC: `atMost(today, grant.lastDay)` includes the last day. */
export const today: Expression<CalendarDate> = { [OPERAND]: { from: 'today' } };

/** The principal came with a password or another's sign-on: with a static token, it has only what needs no more. */
export const loggedIn: Condition = { op: 'loggedIn' };

export const always: Condition = ALWAYS;
export const never: Condition = NEVER;
export const all = (...conditions: readonly Condition[]): Condition => conjunction(conditions);
export const any = (...conditions: readonly Condition[]): Condition => disjunction(conditions);
export const not = (condition: Condition): Condition => negation(condition);
/** A condition under a name, for explanations: `named('you are a manager', …)`. */
export const named = (says: string, condition: Condition): Condition => nameCondition(says, condition);
