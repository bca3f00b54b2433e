import type { Field } from '../language/fields.js';
import { findField } from '../language/lookup.js';
import type { Model } from '../language/model.js';
import { remember } from '../remember.js';
import { isHeldDirectly } from '../sql/grants.js';
import { columnOf, tableOf } from '../sql/names.js';
import { heldScopes, knownIds, type Parameters, scopesIn } from '../sql/write.js';
import { type Condition, conjunction, type Operand } from '../tree/condition.js';
import { holdingKey } from '../tree/facts.js';
import { type Branch, conditionsOf, type Filter, scopeOf } from './filter.js';

/** A condition as scopes that a field of the record names, and the rest of it: records are read scope by scope. */
export interface Reach {
  /** A reference to the scope, or to a record that leads there; `id` where the record is a scope itself. */
  readonly field: string;
  /** How many scopes there are; more than a few where how many records lead there is not known. */
  readonly count: number;
  /** Whether each is a record that is there, and an index has them in order. */
  readonly direct: boolean;
  /** A query of their `id`s. */
  readonly scopes: (of: Filter, parameters: Parameters) => string;
  /** Whether these are known: then none comes twice. */
  readonly known: boolean;
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
function referenceIn(of: Filter, operand: Operand | null): string | null {
  const path = pathIn(of, operand);
  return path?.length === 1 ? (path[0] ?? null) : null;
}

/** The path of an operand that leads from the record along single references to another, or is its id. */
function pathIn({ policy: { model }, type }: Filter, operand: Operand | null): readonly string[] | null {
  if (operand?.from !== 'record') return null;
  let at: string | null = type;
  for (const step of operand.path) {
    const field: Field | undefined = at === null ? undefined : findField(model, at, step);
    if (field === undefined || field.many) return null;
    at = field.to;
  }
  return at === null ? null : operand.path;
}

/** A part of a condition as scopes, with that part as the rest. */
function scopesOf(of: Filter, part: Condition): Reach | null {
  if (part.op === 'holds') {
    const { role, scope } = part;
    const count = of.principal.holdings.get(holdingKey(role, scope))?.size ?? 0;
    const reach = reachBy(of, part, part.at, count, (filter, parameters) =>
      heldScopes(part, scopeOf(filter, parameters, 't')),
    );
    return reach && { ...reach, direct: isHeldDirectly(of.policy.model, of.principal.kind, role, scope) };
  }
  if (part.op !== 'member' || part.set.from !== 'constant' || !Array.isArray(part.set.value)) return null;
  if (referenceIn(of, part.element) === 'id') return null;
  const ids = knownIds(part.set.value);
  return reachBy(of, part, part.element, ids.length, (_, parameters) => scopesIn(ids, parameters));
}

/** What an operand reaches that names one of so many scopes, or a record from which a path leads to one. */
function reachBy(
  of: Filter,
  part: Condition,
  operand: Operand | null,
  scopes: number,
  write: Reach['scopes'],
): Reach | null {
  const path = pathIn(of, operand);
  const [field] = path ?? [];
  if (path === null || field === undefined) return null;
  return {
    field,
    count: path.length === 1 ? scopes : Math.max(scopes, of.mostScopes + 1),
    direct: false,
    known: part.op === 'member',
    rest: part,
    scopes: (filter, parameters) => leadingTo(of.policy.model, of.type, path, write(filter, parameters)),
  };
}

/** A query of the `id`s of the records that a path's first reference names, where the rest of it leads to scopes. */
function leadingTo(model: Model, type: string, [step, ...rest]: readonly string[], scopes: string): string {
  const [next] = rest;
  const target = findField(model, type, step ?? '')?.to;
  if (next === undefined || target == null) return scopes;
  return `select r.id from ${tableOf(model, target)} r where r.${columnOf(next)} in (${leadingTo(model, target, rest, scopes)})`;
}
