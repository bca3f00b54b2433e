import { atomsOf, type Condition, type Leaf, type Operand, operandsOf, type Value } from '../tree/condition.js';
import { holdingKey } from '../tree/facts.js';
import { type Field, isDate, isInstant } from './fields.js';
import { actionsOf, leadsTo, principalTypeOf, resolvePath, soundField, splitRole } from './lookup.js';
import { demand } from './mistakes.js';
import type { Model } from './model.js';

/** The highest of an integer's bits is its sign. */
const HIGHEST_BITS = 2 ** 31 - 1;

/**
 * Checks a condition about records of a type, as TypeScript does for one that is written in it: what it names exists,
 * and it compares like with like. So a condition that is data, whoever wrote it, means the same to every reader.
 * @throws {ModelError} which says what is wrong, and where.
 */
export function checkCondition(of: Model, type: string, condition: Condition): void {
  for (const atom of atomsOf(condition)) {
    if (atom.op === 'linked') {
      const to = targetOf(of, type, atom.at);
      soundField(of, atom.type, atom.via, `does not refer to ${to}`, (via) => !via.many && via.to === to);
      checkCondition(of, atom.type, atom.where);
    } else if (atom.op === 'may') {
      const to = targetOf(of, type, atom.path);
      demand(actionsOf(of, to).includes(atom.action), `${to} has no action '${atom.action}'`);
    } else checkLeaf(of, type, atom);
  }
}

/** The type of the record that a path leads to. */
function targetOf(of: Model, type: string, path: readonly string[]): string {
  return leadsTo(of, resolvePath(of, type, path).type, path.at(-1) ?? 'id');
}

/** Which of the two sides of a comparison are sets. */
const SETS: Readonly<Record<string, readonly [boolean, boolean]>> = {
  equal: [false, false],
  less: [false, false],
  atMost: [false, false],
  member: [false, true],
  overlap: [true, true],
  subset: [true, true],
};

function checkLeaf(of: Model, type: string, leaf: Leaf): void {
  switch (leaf.op) {
    case 'kind':
      principalTypeOf(of, leaf.kind);
      return;
    case 'loggedIn':
      return;
    case 'present':
      fieldAt(of, type, leaf.value);
      return;
    case 'empty':
      sortOf(of, type, leaf.value, true);
      return;
    case 'bits': {
      const field = fieldAt(of, type, leaf.value);
      demand(field?.kind === 'integer' && !field.many, 'bits are of an integer');
      checkBits(leaf.bits);
      return;
    }
    case 'holds': {
      splitRole(of, holdingKey(leaf.role, leaf.scope));
      const fits = leaf.at === null || sortOf(of, type, leaf.at, leaf.many) === `id of ${leaf.scope}`;
      demand(fits, `'${leaf.role}' is not held on what it is asked for`);
      return;
    }
    default: {
      const sets = SETS[leaf?.op];
      demand(sets, `${JSON.stringify(leaf)} is not a condition`);
      const sort = checkAlike(of, type, operandsOf(leaf), sets);
      const isOrdered = ['number', 'instant', 'date'].includes(sort);
      demand(isOrdered || (leaf.op !== 'less' && leaf.op !== 'atMost'), `${sort} values have no order`);
    }
  }
}

/** Requires a number whose bits are looked for in another: of an integer that can be stored, and not its sign. */
export function checkBits(bits: number): void {
  const isSet = Number.isInteger(bits) && bits >= 1 && bits <= HIGHEST_BITS;
  demand(isSet, `${bits} is not a set of bits: they are from 1 to ${HIGHEST_BITS}`);
}

/** Requires that operands may be compared, and tells their sort. */
function checkAlike(of: Model, type: string, operands: readonly Operand[], sets: readonly boolean[]): string {
  const [a, b] = operands.map((operand, index) => sortOf(of, type, operand, sets[index] === true));
  const sort = a ?? b;
  demand(sort !== undefined, 'two constants are compared');
  demand(b === undefined || b === sort, `a value of ${sort} is compared with one of ${b}`);
  demand(sort !== 'json', 'no rule can look into a json field');
  for (const operand of operands) {
    for (const value of operand.from === 'constant' ? [operand.value].flat() : []) {
      demand(fitsSort(value, sort), `${JSON.stringify(value)} is compared with a value of ${sort}`);
    }
  }
  return sort;
}

/**
 * What the value, or the elements of the set, of an operand are: `text`, `number`, `boolean`, `instant`, `date`, `json`
 * or `id of` a type; undefined for a constant, which is what it is compared with.
 */
function sortOf(of: Model, type: string, operand: Operand, isSet: boolean): string | undefined {
  const field = fieldAt(of, type, operand);
  const isConstantSet = operand.from === 'constant' && Array.isArray(operand.value);
  const many = field ? field.many : operand.from === 'scopes' || isConstantSet;
  demand(many === isSet, isSet ? 'one value is not a set' : 'a set is not one value');
  if (field) return field.kind === 'reference' ? `id of ${field.to}` : (SORTS[field.kind] ?? field.kind);
  if (operand.from === 'scopes') return `id of ${operand.scope}`;
  return operand.from === 'now' ? 'instant' : operand.from === 'today' ? 'date' : undefined;
}

/** Kinds of field whose values are compared with those of another. */
const SORTS: Readonly<Record<string, string>> = { integer: 'number', choice: 'text' };

function fitsSort(value: Value, sort: string): boolean {
  if (sort === 'number') return typeof value === 'number' && Number.isFinite(value);
  if (sort === 'boolean') return typeof value === 'boolean';
  if (typeof value !== 'string') return false;
  return sort === 'instant' ? isInstant(value) : sort === 'date' ? isDate(value) : true;
}

/** The field behind an operand, if it has one: one that can be read. */
function fieldAt(of: Model, type: string, operand: Operand): Field | undefined {
  const field = fieldBehind(of, type, operand);
  demand(!field?.secret, 'no rule can look at a secret field');
  return field;
}

function fieldBehind(of: Model, type: string, operand: Operand): Field | undefined {
  switch (operand.from) {
    case 'record':
      return resolvePath(of, type, operand.path).field;
    case 'principal': {
      const principal = principalTypeOf(of, operand.kind);
      demand(principal !== null, `a principal of kind '${operand.kind}' has no fields`);
      return resolvePath(of, principal, operand.path).field;
    }
    case 'type': {
      const found = of.typeAttributes?.[operand.field];
      demand(found, `resource types have no attribute '${operand.field}'`);
      return found;
    }
    default:
      return undefined;
  }
}
