import { atomsOf, type Condition, type Leaf, type Operand, type Value } from '../tree/condition.js';
import { type Field, isDate, isInstant } from './fields.js';
import { actionsOf, fieldOf, type Model, ModelError, principalTypeOf, resolvePath, splitRole } from './model.js';

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
      const via = fieldOf(of, atom.type, atom.via);
      const to = targetOf(of, type, atom.at);
      if (via.many || via.to !== to) throw new ModelError(`${atom.type}.${atom.via} does not refer to ${to}`);
      checkCondition(of, atom.type, atom.where);
    } else if (atom.op === 'may') {
      const to = targetOf(of, type, atom.path);
      if (!actionsOf(of, to).includes(atom.action)) throw new ModelError(`${to} has no action '${atom.action}'`);
    } else checkLeaf(of, type, atom);
  }
}

/** The type of the record that a path leads to. */
function targetOf(of: Model, type: string, path: readonly string[]): string {
  const { field } = resolvePath(of, type, path);
  if (field.to === null || field.many)
    throw new ModelError(`${type}.${path.join('.')} does not lead to another record`);
  return field.to;
}

function checkLeaf(of: Model, type: string, leaf: Leaf): void {
  const alike = (left: Operand, leftIsSet: boolean, right: Operand, rightIsSet: boolean) =>
    sameSort(oneSort(of, type, left, leftIsSet), left, oneSort(of, type, right, rightIsSet), right);
  switch (leaf.op) {
    case 'kind':
      principalTypeOf(of, leaf.kind);
      return;
    case 'loggedIn':
      return;
    case 'equal':
      alike(leaf.left, false, leaf.right, false);
      return;
    case 'less':
    case 'atMost': {
      const sort = alike(leaf.left, false, leaf.right, false);
      if (!['number', 'instant', 'date'].includes(sort)) throw new ModelError(`${sort} values have no order`);
      return;
    }
    case 'member':
      alike(leaf.element, false, leaf.set, true);
      return;
    case 'overlap':
    case 'subset':
      alike(leaf.left, true, leaf.right, true);
      return;
    case 'present':
      fieldAt(of, type, leaf.value);
      return;
    case 'empty':
      oneSort(of, type, leaf.value, true);
      return;
    case 'bits': {
      const field = fieldAt(of, type, leaf.value);
      if (field?.kind !== 'integer' || field.many) throw new ModelError('bits are of an integer');
      if (!Number.isInteger(leaf.bits) || leaf.bits < 1 || leaf.bits > HIGHEST_BITS) {
        throw new ModelError(`${leaf.bits} is not a set of bits: they are from 1 to ${HIGHEST_BITS}`);
      }
      return;
    }
    case 'holds': {
      splitRole(of, leaf.scope === null ? leaf.role : `${leaf.scope} ${leaf.role}`);
      if (leaf.at !== null && oneSort(of, type, leaf.at, leaf.many) !== `id of ${leaf.scope}`) {
        throw new ModelError(`'${leaf.role}' is not held on what it is asked for`);
      }
      return;
    }
    default:
      throw new ModelError(`${typeof leaf === 'object' ? JSON.stringify(leaf) : typeof leaf} is not a condition`);
  }
}

/** Requires that two operands may be compared, and tells their sort. */
function sameSort(a: string | undefined, left: Operand, b: string | undefined, right: Operand): string {
  const sort = a ?? b;
  if (sort === undefined) throw new ModelError('two constants are compared');
  if (a && b && a !== b) throw new ModelError(`a value of ${a} is compared with one of ${b}`);
  if (sort === 'json') throw new ModelError('no rule can look into a json field');
  for (const operand of [left, right]) {
    if (operand.from !== 'constant') continue;
    for (const value of [operand.value].flat()) {
      if (!fitsSort(value, sort)) throw new ModelError(`${JSON.stringify(value)} is compared with a value of ${sort}`);
    }
  }
  return sort;
}

/**
 * What the value, or the elements of the set, of an operand are: `text`, `number`, `boolean`, `instant`, `date`, `json`
 * or `id of` a type; undefined for a constant, which is what it is compared with.
 */
function oneSort(of: Model, type: string, operand: Operand, isSet: boolean): string | undefined {
  const field = fieldAt(of, type, operand);
  const many = field
    ? field.many
    : operand.from === 'scopes' || (operand.from === 'constant' && Array.isArray(operand.value));
  if (many !== isSet) throw new ModelError(isSet ? 'one value is not a set' : 'a set is not one value');
  if (field) return sortOf(field);
  if (operand.from === 'scopes') return `id of ${operand.scope}`;
  return operand.from === 'now' ? 'instant' : operand.from === 'today' ? 'date' : undefined;
}

function fitsSort(value: Value, sort: string): boolean {
  if (sort === 'number') return typeof value === 'number' && Number.isFinite(value);
  if (sort === 'boolean') return typeof value === 'boolean';
  if (typeof value !== 'string') return false;
  return sort === 'instant' ? isInstant(value) : sort === 'date' ? isDate(value) : true;
}

/** The field behind an operand, if it has one: one that can be read. */
function fieldAt(of: Model, type: string, operand: Operand): Field | undefined {
  const field = fieldBehind(of, type, operand);
  if (field?.secret) throw new ModelError('no rule can look at a secret field');
  return field;
}

function fieldBehind(of: Model, type: string, operand: Operand): Field | undefined {
  switch (operand.from) {
    case 'record':
      return resolvePath(of, type, operand.path).field;
    case 'principal': {
      const principal = principalTypeOf(of, operand.kind);
      if (principal === null) throw new ModelError(`a principal of kind '${operand.kind}' has no fields`);
      return resolvePath(of, principal, operand.path).field;
    }
    case 'type': {
      const found = of.typeAttributes?.[operand.field];
      if (found === undefined) throw new ModelError(`resource types have no attribute '${operand.field}'`);
      return found;
    }
    default:
      return undefined;
  }
}

function sortOf(field: Field): string {
  switch (field.kind) {
    case 'integer':
      return 'number';
    case 'choice':
      return 'text';
    case 'reference':
      return `id of ${field.to}`;
    default:
      return field.kind;
  }
}
