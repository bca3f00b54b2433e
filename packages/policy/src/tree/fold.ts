import {
  ALWAYS,
  type Condition,
  disjunction,
  type Leaf,
  linkWhere,
  mapAtoms,
  mapOperands,
  NEVER,
  type Operand,
  operandsOf,
  type Value,
} from './condition.js';
import { compile } from './evaluate.js';
import {
  type Environment,
  holdingKey,
  isLoggedIn,
  linkKey,
  type Principal,
  principal as prepare,
  type RecordFacts,
} from './facts.js';

/** The sides of a decision that are known. What is not given stays in the tree. */
export interface Known {
  readonly principal?: Principal;
  /** The kind of a principal that is not known otherwise. */
  readonly kind?: string;
  /** Whether a principal that is not known otherwise is logged in. */
  readonly loggedIn?: boolean;
  /** Of a principal whose record is not known, the kind; and what is known of it nevertheless. */
  readonly persona?: Persona;
  readonly record?: RecordFacts;
  /** Of a record that is not known, fields whose values are. */
  readonly assumed?: Readonly<Record<string, Value>>;
  /** Whether a role that the principal holds on so many scopes stays in the tree; left out, none does. */
  readonly staysOpen?: (leaf: Leaf & { op: 'holds' }, scopes: number) => boolean;
  /** Left out, or without a time: those stay open. */
  readonly environment?: Partial<Environment>;
}

/**
 * A kind of principal rather than one: some attributes are given, and which roles are held, but not where. The roles
 * are named as rules name them, `Site admin`.
 */
export interface Persona {
  readonly kind: string;
  readonly attributes: Readonly<Record<string, Value>>;
  readonly roles: readonly string[];
  /** False for who comes with a static token; left out, true. */
  readonly loggedIn?: boolean;
}

const NO_PRINCIPAL = prepare({ kind: '', id: '', attributes: {}, grants: [] });
const NO_RECORD: RecordFacts = {};
const NO_ENVIRONMENT: Environment = { now: '' };

/**
 * Partial evaluation: puts in what is known and simplifies, leaving a tree over what is not. With both sides known
 * the result is `always` or `never`, and the same as the compiled condition's.
 */
export function fold(condition: Condition, known: Known): Condition {
  return mapAtoms(condition, (atom) => {
    if (atom.op === 'may') return atom;
    if (atom.op !== 'linked') return foldLeaf(atom, known);
    // What is assumed is of the record itself, not of those that refer to it.
    if (known.record === undefined) return linkWhere(atom, fold(atom.where, { ...known, assumed: {} }));
    const rows = known.record[linkKey(atom)];
    if (!Array.isArray(rows)) return NEVER;
    return disjunction((rows as readonly RecordFacts[]).map((record) => fold(atom.where, { ...known, record })));
  });
}

function foldLeaf(leaf: Leaf, known: Known): Condition {
  const kind = known.principal?.kind ?? known.persona?.kind ?? known.kind;
  if (leaf.op === 'kind') return kind === undefined ? leaf : kind === leaf.kind ? ALWAYS : NEVER;
  if (leaf.op === 'loggedIn') return foldLoggedIn(leaf, known);

  const placed = mapOperands(leaf, (operand) => place(operand, known, kind));
  const open = operandsOf(placed).some((operand) => operand.from !== 'constant');

  if (placed.op === 'holds') return foldHolds(placed, known, open);
  // Whatever else is open: a value that is missing makes it false.
  if (operandsOf(placed).some((operand) => operand.from === 'constant' && operand.value === null)) return NEVER;
  if (open) return placed;
  return compile(placed)(NO_PRINCIPAL, NO_RECORD, NO_ENVIRONMENT) ? ALWAYS : NEVER;
}

function foldLoggedIn(leaf: Leaf, { principal, persona, loggedIn }: Known): Condition {
  const who = principal ?? persona ?? (loggedIn === undefined ? undefined : { loggedIn });
  return who === undefined ? leaf : isLoggedIn(who) ? ALWAYS : NEVER;
}

function foldHolds(leaf: Leaf & { op: 'holds' }, known: Known, open: boolean): Condition {
  if (known.persona !== undefined) {
    const held = known.persona.roles.includes(holdingKey(leaf.role, leaf.scope));
    if (!held) return NEVER;
    return leaf.at === null ? ALWAYS : leaf;
  }
  if (known.principal === undefined) return leaf;
  const scopes = known.principal.holdings.get(holdingKey(leaf.role, leaf.scope));
  // A role that is held nowhere is a matter of the principal alone, whatever the record.
  if (scopes === undefined || (leaf.at !== null && scopes.size === 0)) return NEVER;
  if (leaf.at === null) return ALWAYS;
  if (!open) return compile(leaf)(known.principal, NO_RECORD, NO_ENVIRONMENT) ? ALWAYS : NEVER;
  if (scopes !== undefined && known.staysOpen?.(leaf, scopes.size)) return leaf;
  const held: Operand = { from: 'constant', value: [...(scopes ?? [])] };
  return leaf.many ? { op: 'overlap', left: leaf.at, right: held } : { op: 'member', element: leaf.at, set: held };
}

function place(operand: Operand, known: Known, kind: string | undefined): Operand {
  switch (operand.from) {
    case 'constant':
      return operand;
    case 'scopes': {
      const key = holdingKey(operand.role, operand.scope);
      return known.principal === undefined ? operand : constant([...(known.principal.holdings.get(key) ?? [])]);
    }
    case 'now':
      return known.environment?.now === undefined ? operand : constant(known.environment.now || null);
    case 'today':
      return known.environment?.now === undefined ? operand : constant(known.environment.now.slice(0, 10) || null);
    case 'type':
      return known.environment === undefined
        ? operand
        : constant(known.environment.types?.[operand.type]?.[operand.field]);
    case 'record': {
      const key = operand.path.join('.');
      if (known.record !== undefined) return constant(known.record[key] as Value | undefined);
      return known.assumed && Object.hasOwn(known.assumed, key) ? constant(known.assumed[key]) : operand;
    }
    case 'principal': {
      if (kind !== undefined && kind !== operand.kind) return constant(null);
      const key = operand.path.join('.');
      if (known.principal !== undefined) {
        return constant(key === 'id' ? known.principal.id : known.principal.attributes[key]);
      }
      const attributes = known.persona?.attributes;
      return attributes !== undefined && Object.hasOwn(attributes, key) ? constant(attributes[key]) : operand;
    }
  }
}

function constant(value: Value | undefined): Operand {
  return { from: 'constant', value: value ?? null };
}
