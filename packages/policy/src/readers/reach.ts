import { findField } from '../language/model.js';
import { remember } from '../remember.js';
import { heldScopes, knownIds, type Parameters, scopesIn } from '../sql/write.js';
import { type Condition, conjunction, type Operand } from '../tree/condition.js';
import { holdingKey } from '../tree/facts.js';
import { type Branch, conditionsOf, type Filter, scopeOf } from './filter.js';

/** A condition as scopes that a field of the record names, and the rest of it: records are read scope by scope. */
export interface Reach {
  /** A reference to the scope; `id` where the record is one itself. */
  readonly field: string;
  /** How many scopes there are. */
  readonly count: number;
  /** A query of their `id`s. */
  readonly scopes: (of: Filter, parameters: Parameters) => string;
  readonly rest: Condition;
}

/** A branch as it is written: its condition, and the scopes that it can be read by. */
export interface Part {
  readonly condition: Condition;
  readonly reach: Reach | null;
}

const known = new WeakMap<readonly Branch[], readonly Part[]>();

/** The branches of a filter as they are written; worked out once for all of its pages. */
export function partsOf(of: Filter): readonly Part[] {
  return remember(known, of.branches, () =>
    conditionsOf(of).map((condition) => ({ condition, reach: reachOf(of, condition) })),
  );
}

/** The scopes within which a condition can be true; null where it names one record or none by a reference of its own. */
function reachOf(of: Filter, condition: Condition): Reach | null {
  const parts = condition.op === 'all' ? condition.of : [condition];
  const found = parts.flatMap((part) => scopesOf(of, part) ?? []);
  const [first] = found;
  // A single scope, as of what is one's own, is an index's place already.
  if (first === undefined || parts.some((part) => isOneScope(of, part))) return null;
  return { ...first, rest: conjunction(parts.filter((part) => part !== first.rest)) };
}

function isOneScope(of: Filter, part: Condition): boolean {
  return part.op === 'equal' && [part.left, part.right].some((operand) => referenceIn(of, operand) !== null);
}

/** The field of an operand that is a reference of the record itself, or its id. */
function referenceIn({ policy, type }: Filter, operand: Operand | null): string | null {
  if (operand?.from !== 'record' || operand.path.length !== 1) return null;
  const [name = ''] = operand.path;
  const field = findField(policy.model, type, name);
  return field && field.to !== null && !field.many ? name : null;
}

/** A part of a condition as scopes, with that part as the rest. */
function scopesOf(of: Filter, part: Condition): Reach | null {
  if (part.op === 'holds') {
    const field = referenceIn(of, part.at);
    if (field === null) return null;
    const count = of.principal.holdings.get(holdingKey(part.role, part.scope))?.size ?? 0;
    return {
      field,
      count,
      rest: part,
      scopes: (filter, parameters) => heldScopes(part, scopeOf(filter, parameters, 't')),
    };
  }
  if (part.op !== 'member' || part.set.from !== 'constant' || !Array.isArray(part.set.value)) return null;
  const field = referenceIn(of, part.element);
  if (field === null || field === 'id') return null;
  const ids = knownIds(part.set.value);
  return { field, count: ids.length, rest: part, scopes: (_, parameters) => scopesIn(ids, parameters) };
}
