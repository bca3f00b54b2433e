import type { Condition } from '../tree/condition.js';
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
