/**
 * A rule's condition: an immutable tree of plain data, without functions, so that it can be stored, shipped to a
 * browser, read as SQL, and shown in words. Every reader gives a leaf the same meaning:
 *
 * - a leaf is total: a value that is missing makes it false, never unknown; `not` acts on that;
 * - instants and dates are ISO 8601 in UTC, in one fixed width, so that they compare as text.
 */

export type Scalar = string | number | boolean;
export type Value = Scalar | readonly Scalar[] | null;

/** Where a value comes from. */
export type Operand =
  /** A field of the record, through its references: `['projectId', 'siteId']`. */
  | { readonly from: 'record'; readonly path: readonly string[] }
  /** A field of the principal's own record, through its references; null for a principal of another kind. */
  | { readonly from: 'principal'; readonly kind: string; readonly path: readonly string[] }
  /** An attribute that the installation keeps for a resource type, such as its permission bits. */
  | { readonly from: 'type'; readonly type: string; readonly field: string }
  /** The scopes of a type on which the principal holds a role. */
  | { readonly from: 'scopes'; readonly role: string; readonly scope: string }
  /** The time of the request. */
  | { readonly from: 'now' }
  /** Its date, in UTC. */
  | { readonly from: 'today' }
  | { readonly from: 'constant'; readonly value: Value };

export type Leaf =
  | { readonly op: 'kind'; readonly kind: string }
  /** The principal came with a password or another's sign-on, and not with a static token. */
  | { readonly op: 'loggedIn' }
  | { readonly op: 'equal' | 'less' | 'atMost'; readonly left: Operand; readonly right: Operand }
  /** The element is one of the set. */
  | { readonly op: 'member'; readonly element: Operand; readonly set: Operand }
  /** The two sets have an element in common. */
  | { readonly op: 'overlap'; readonly left: Operand; readonly right: Operand }
  /** Every element of the first set is in the second. */
  | { readonly op: 'subset'; readonly left: Operand; readonly right: Operand }
  | { readonly op: 'present'; readonly value: Operand }
  /** The set is there, and has no element. */
  | { readonly op: 'empty'; readonly value: Operand }
  /** Every bit of `bits` is set in the value. */
  | { readonly op: 'bits'; readonly value: Operand; readonly bits: number }
  /**
   * The principal holds the role: on the scope, or on one of the scopes, that `at` names; with a null `at` on any
   * scope of that type at all; with a null `scope` in the whole installation. `many`: `at` is a set of scopes.
   */
  | {
      readonly op: 'holds';
      readonly role: string;
      readonly scope: string | null;
      readonly at: Operand | null;
      readonly many: boolean;
    };

export type Condition =
  | Leaf
  | { readonly op: 'always' }
  | { readonly op: 'never' }
  | { readonly op: 'all'; readonly of: readonly Condition[] }
  | { readonly op: 'any'; readonly of: readonly Condition[] }
  | { readonly op: 'not'; readonly of: Condition }
  /**
   * A record of `type` refers by its field `via` to the record at the path `at` (`['id']`: this one), and fulfils
   * `where`, in which 'record' is the referring one.
   */
  | {
      readonly op: 'linked';
      readonly type: string;
      readonly via: string;
      readonly at: readonly string[];
      readonly where: Condition;
    }
  /** The principal may do the action on the record that `path` refers to. Replaced by those rules when a policy is made. */
  | { readonly op: 'may'; readonly action: string; readonly path: readonly string[] }
  /** A condition that has a name of its own, for explanations. */
  | { readonly op: 'named'; readonly says: string; readonly of: Condition };

export const ALWAYS: Condition = Object.freeze({ op: 'always' });
export const NEVER: Condition = Object.freeze({ op: 'never' });

/** Conjunction, simplified: `never` wins, `always` drops out, nested ones are flattened, repeated ones kept once. */
export const conjunction = (conditions: readonly Condition[]): Condition => joined('all', conditions);

/** Disjunction, simplified: `always` wins, `never` drops out, nested ones are flattened, repeated ones kept once. */
export const disjunction = (conditions: readonly Condition[]): Condition => joined('any', conditions);

function joined(op: 'all' | 'any', conditions: readonly Condition[]): Condition {
  const [neutral, absorbing] = op === 'all' ? [ALWAYS, NEVER] : [NEVER, ALWAYS];
  const parts: Condition[] = [];
  for (const condition of conditions) {
    if (condition.op === absorbing.op) return absorbing;
    if (condition.op === neutral.op) continue;
    for (const part of condition.op === op ? condition.of : [condition]) {
      if (!parts.some((other) => alike(other, part))) parts.push(part);
    }
  }
  const [first = neutral] = parts;
  return parts.length > 1 ? { op, of: parts } : first;
}

/** Whether two trees say the same. Most differ soon: to write both down takes much longer. */
function alike(one: unknown, other: unknown): boolean {
  if (Object(one) !== one || Object(other) !== other) return one === other;
  const [mine, its] = [one, other] as [Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>];
  const names = Object.keys(mine);
  return names.length === Object.keys(its).length && names.every((name) => alike(mine[name], its[name]));
}

/** Negation, simplified. */
export function negation(condition: Condition): Condition {
  if (condition.op === 'always') return NEVER;
  if (condition.op === 'never') return ALWAYS;
  return condition.op === 'not' ? condition.of : { op: 'not', of: condition };
}

/** Where each leaf keeps its operands. */
const OPERANDS: Readonly<Record<Leaf['op'], readonly string[]>> = {
  kind: [],
  loggedIn: [],
  equal: ['left', 'right'],
  less: ['left', 'right'],
  atMost: ['left', 'right'],
  member: ['element', 'set'],
  overlap: ['left', 'right'],
  subset: ['left', 'right'],
  present: ['value'],
  empty: ['value'],
  bits: ['value'],
  holds: ['at'],
};

type Places = Readonly<Record<string, Operand | null>>;

/** The operands of a leaf. */
export function operandsOf(leaf: Leaf): readonly Operand[] {
  const places = leaf as unknown as Places;
  return OPERANDS[leaf.op].flatMap((place) => places[place] ?? []);
}

/** The same leaf with each operand replaced by what `change` makes of it. */
export function mapOperands(leaf: Leaf, change: (operand: Operand) => Operand): Leaf {
  const places: Record<string, Operand | null> = { ...(leaf as unknown as Places) };
  for (const place of OPERANDS[leaf.op]) places[place] &&= change(places[place]);
  return places as unknown as Leaf;
}

/** What a condition says below its connectives. */
export type Atom = Leaf | Extract<Condition, { op: 'linked' | 'may' }>;

/** The same condition with each atom replaced by what `change` makes of it, and simplified. */
export function mapAtoms(condition: Condition, change: (atom: Atom) => Condition): Condition {
  switch (condition.op) {
    case 'always':
    case 'never':
      return condition;
    case 'all':
    case 'any':
      return joined(
        condition.op,
        condition.of.map((part) => mapAtoms(part, change)),
      );
    case 'not':
      return negation(mapAtoms(condition.of, change));
    case 'named':
      return nameCondition(condition.says, mapAtoms(condition.of, change));
    default:
      return change(condition);
  }
}

/** An error where a reader meets what should have been replaced before. */
export function leftOver(what: string, first: string): TypeError {
  return new TypeError(`'${what}' is left over: ${first} first`);
}

/** The atoms of a condition; not those of linked records. */
export function atomsOf(condition: Condition): readonly Atom[] {
  switch (condition.op) {
    case 'always':
    case 'never':
      return [];
    case 'all':
    case 'any':
      return condition.of.flatMap(atomsOf);
    case 'not':
    case 'named':
      return atomsOf(condition.of);
    default:
      return [condition];
  }
}

/** The leaves of a condition, those of linked records too. */
export function leavesOf(condition: Condition): readonly Leaf[] {
  return atomsOf(condition).flatMap((atom) =>
    atom.op === 'linked' ? leavesOf(atom.where) : atom.op === 'may' ? [] : [atom],
  );
}

/** The same condition with each leaf replaced, those of linked records too. */
export function mapLeaves(condition: Condition, change: (leaf: Leaf) => Condition): Condition {
  return mapAtoms(condition, (atom) => {
    if (atom.op === 'may') return atom;
    return atom.op === 'linked' ? linkWhere(atom, mapLeaves(atom.where, change)) : change(atom);
  });
}

/** A link with another condition: there is none to a record that can't be. */
export function linkWhere(link: Extract<Condition, { op: 'linked' }>, where: Condition): Condition {
  return where.op === 'never' ? NEVER : { ...link, where };
}

/** A condition under a name of its own; what is decided needs none. */
export function nameCondition(says: string, of: Condition): Condition {
  return of.op === 'always' || of.op === 'never' ? of : { op: 'named', says, of };
}
