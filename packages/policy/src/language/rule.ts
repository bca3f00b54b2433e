import { type Condition, conjunction, disjunction, negation } from '../tree/condition.js';
import type { Limit, Model } from './model.js';

/** One sentence of the rulebook. */
export interface Rule {
  /** Unique in the policy: `Session/manager-reads`. Stable: the audit trail names it. */
  readonly id: string;
  readonly effect: 'allow' | 'forbid';
  readonly type: string;
  readonly actions: readonly string[];
  /** The rule as a sentence. */
  readonly says: string;
  /** Where the rule comes from. */
  readonly source: string;
  readonly when: Condition;
  /** An allow shows or accepts these fields only; a forbid forbids these fields only. Every field where left out. */
  readonly fields?: readonly string[];
  /** The view in which an allow shows the record; as it is where left out. */
  readonly view?: string;
}

/** A model with its rules: immutable, serialisable data, which every reader reads. */
export interface Policy {
  readonly model: Model;
  readonly rules: readonly Rule[];
  readonly limits: readonly Limit[];
}

/** The rules of one resource type, as `rules` made them. */
export interface ResourceRules {
  readonly type: string;
  readonly rules: readonly Rule[];
  readonly limits: readonly Limit[];
}

/** The rules that speak of an action on a type: what may be read may also be listed, and some may only be listed. */
export function rulesAbout(rules: readonly Rule[], action: string, type: string): readonly Rule[] {
  const spoken = action === 'list' ? ['list', 'read'] : [action];
  return rules.filter((rule) => rule.type === type && rule.actions.some((known) => spoken.includes(known)));
}

/** Rules by what they do: allow, forbid altogether, or take some fields away. */
export interface Sides<R> {
  readonly allows: readonly R[];
  readonly forbids: readonly R[];
  readonly fieldForbids: readonly R[];
}

export function sidesOf<R extends Pick<Rule, 'effect' | 'fields'>>(rules: readonly R[]): Sides<R> {
  const forbids = rules.filter((rule) => rule.effect === 'forbid');
  return {
    allows: rules.filter((rule) => rule.effect === 'allow'),
    forbids: forbids.filter((rule) => !rule.fields),
    fieldForbids: forbids.filter((rule) => rule.fields),
  };
}

/** What rules say, all taken together: some rule allows, and none forbids. */
export function verdictOf({ allows, forbids }: Sides<Pick<Rule, 'when'>>): Condition {
  const some = (rules: readonly Pick<Rule, 'when'>[]) => disjunction(rules.map((rule) => rule.when));
  return conjunction([some(allows), negation(some(forbids))]);
}
