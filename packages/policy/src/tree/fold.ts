import {
  ALWAYS,
  type Condition,
  disjunction,
  type Leaf,
  linkWhere,
  mapAtoms,
  mapLeaves,
  mapOperands,
  NEVER,
  type Operand,
  operandsOf,
  type Value,
} from './condition.js';
import { amongScopes, compile, reader } from './evaluate.js';
import {
  type Environment,
  holdingKey,
  isLoggedIn,
  linkKey,
  NOBODY,
  type Principal,
  type RecordFacts,
} from './facts.js';

/** The sides of a decision that are known. What is not given stays in the tree. */
export interface Known {
  readonly principal?: Principal;
  /** Of a principal that is not known otherwise, the kind, and what else of it is; without `roles`, those stay open. */
  readonly persona?: Pick<Persona, 'kind'> & Partial<Persona>;
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
  /** False for who comes with a static token; left out, true, to the matrix. */
  readonly loggedIn?: boolean;
}

/** The kinds of people that a matrix has a column for, by name. */
export type Personas = Readonly<Record<string, Persona>>;

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

const decided = (holds: boolean): Condition => (holds ? ALWAYS : NEVER);

function foldLeaf(leaf: Leaf, known: Known): Condition {
  const { principal, persona } = known;
  if (leaf.op === 'kind') {
    const kind = principal?.kind ?? persona?.kind;
    return kind === undefined ? leaf : decided(kind === leaf.kind);
  }
  if (leaf.op === 'loggedIn') {
    const loggedIn = principal ? isLoggedIn(principal) : persona?.loggedIn;
    return loggedIn === undefined ? leaf : decided(loggedIn);
  }
  const placed = mapOperands(leaf, (operand) => place(operand, known));
  if (placed.op === 'holds') return foldHolds(placed, known);
  const operands = operandsOf(placed);
  // Whatever else is open: a value that is missing makes it false.
  if (operands.some((operand) => operand.from === 'constant' && operand.value === null)) return NEVER;
  if (operands.some(({ from }) => from !== 'constant')) return placed;
  return decided(compile(placed)(NOBODY, NO_RECORD, NO_ENVIRONMENT));
}

function foldHolds(leaf: Leaf & { op: 'holds' }, known: Known): Condition {
  const { principal, persona, staysOpen } = known;
  const { role, scope, at } = leaf;
  const key = holdingKey(role, scope);
  if (principal === undefined) {
    if (persona?.roles === undefined) return leaf;
    return persona.roles.includes(key) ? (at === null ? ALWAYS : leaf) : NEVER;
  }
  const scopes = principal.holdings.get(key);
  // A role that is held nowhere is a matter of the principal alone, whatever the record.
  if (scopes === undefined || (at !== null && scopes.size === 0)) return NEVER;
  if (at === null) return ALWAYS;
  if (at.from === 'constant') return decided(compile(leaf)(principal, NO_RECORD, NO_ENVIRONMENT));
  if (staysOpen?.(leaf, scopes.size)) return leaf;
  return mapOperands(amongScopes(leaf, at), (operand) => place(operand, known));
}

/** An operand's value in its place, if that is known. */
function place(operand: Operand, known: Known): Operand {
  if (operand.from === 'constant') return operand;
  if (isKnown(operand, known)) {
    const { principal = NOBODY, record = NO_RECORD, environment = NO_ENVIRONMENT } = known;
    return constant(reader(operand)(principal, record, environment as Environment));
  }
  const path = 'path' in operand ? operand.path.join('.') : '';
  const values = operand.from === 'record' ? known.assumed : operand.from === 'principal' && known.persona?.attributes;
  return values && Object.hasOwn(values, path) ? constant(values[path]) : operand;
}

function isKnown(operand: Operand, { principal, persona, record, environment }: Known): boolean {
  switch (operand.from) {
    case 'constant':
      return true;
    case 'record':
      return record !== undefined;
    case 'principal':
      // Whoever is of another kind has nothing of it.
      return principal !== undefined || (persona !== undefined && persona.kind !== operand.kind);
    case 'scopes':
      return principal !== undefined;
    case 'type':
      return environment !== undefined;
    case 'now':
    case 'today':
      return environment?.now !== undefined;
  }
}

function constant(value: Value | undefined): Operand {
  return { from: 'constant', value: value ?? null };
}

/** Decides the leaves that no record could fulfil: nothing is in an empty set, and nothing equals a missing value. */
export function prune(condition: Condition): Condition {
  return mapLeaves(condition, (leaf) => (hopeless(leaf) ? NEVER : leaf));
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
