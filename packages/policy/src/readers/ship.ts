import { actionsOf } from '../language/lookup.js';
import type { Policy } from '../language/rule.js';
import { remember } from '../remember.js';
import type { Condition } from '../tree/condition.js';
import { compile, type Test } from '../tree/evaluate.js';
import { type Environment, NOBODY, type Principal, type RecordFacts } from '../tree/facts.js';
import { fold, prune } from '../tree/fold.js';
import { verdict } from './decide.js';

/** What one principal may do, as JSON: the rules with the principal put in, so that nobody else's are told. */
export interface Shipment {
  readonly version: 1;
  readonly principal: { readonly kind: string; readonly id: string };
  /** What is left of each verdict, by `type action`; what is never allowed is left out. */
  readonly verdicts: Readonly<Record<string, Condition>>;
}

/** Ships a principal's rights to a browser. The time stays open there: a button appears when its hour comes. */
export function ship(policy: Policy, principal: Principal, types: Environment['types'] = {}): Shipment {
  const verdicts: Record<string, Condition> = {};
  for (const type of Object.keys(policy.model.resources)) {
    for (const action of actionsOf(policy.model, type)) {
      const left = prune(fold(verdict(policy, action, type), { principal, environment: { types } }));
      if (left.op !== 'never') verdicts[`${type} ${action}`] = left;
    }
  }
  return { version: 1, principal: { kind: principal.kind, id: principal.id }, verdicts };
}

/** Asks a shipment: the same answers as `decide` gave where it came from. */
export interface Received {
  /** Whether the action may be done on the record; without a record, whether there may be one. */
  may(action: string, type: string, record?: RecordFacts, now?: string): boolean;
}

/** Receives a shipment, in a browser or anywhere. Evaluates the tree by closures, so a strict policy on scripts is met. */
export function receive(shipment: Shipment): Received {
  const tests = new Map<string, Test>();
  return {
    may(action, type, record, now = '') {
      const key = `${type} ${action}`;
      const left = Object.hasOwn(shipment.verdicts, key) ? shipment.verdicts[key] : undefined;
      if (left === undefined) return false;
      if (record === undefined) return true;
      return remember(tests, key, () => compile(left))(NOBODY, record, { now });
    },
  };
}
