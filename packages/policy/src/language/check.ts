import type { Condition, Leaf, Operand, Scalar } from '../tree/condition.js';
import { type Field, isDate, isInstant } from './fields.js';
import { actionsOf, fieldOf, type Model, ModelError, principalTypeOf, resolvePath, splitRole } from './model.js';

/** What values are, for comparing them: two that are alike may be compared. */
interface Sort {
  /** `text`, `number`, `boolean`, `instant`, `date`, `json`, or `id of` a resource type. */
  readonly of: string;
  readonly many: boolean;
}

/** The highest of an integer's bits is its sign. */
const HIGHEST_BITS = 2 ** 31 - 1;

/**
 * Checks a condition about records of a type, as TypeScript does for one that is written in it: what it names exists,
 * and it compares like with like. So a condition that is data, whoever wrote it, means the same to every reader.
 * @throws {ModelError} which says what is wrong, and where.
 */
export function checkCondition(of: Model, type: string, condition: Condition): void {
  switch (condition.op) {
    case 'always':
    case 'never':
      return;
    case 'all':
    case 'any':
      for (const part of condition.of) checkCondition(of, type, part);
      return;
    case 'not':
    case 'named':
      checkCondition(of, type, condition.of);
      return;
    case 'linked': {
      const via = fieldOf(of, condition.type, condition.via);
      const to = targetOf(of, type, condition.at);
      if (via.many || via.to !== to) throw new ModelError(`${condition.type}.${condition.via} does not refer to ${to}`);
      checkCondition(of, condition.type, condition.where);
      return;
    }
    case 'may': {
      const to = targetOf(of, type, condition.path);
      if (!actionsOf(of, to).includes(condition.action)) {
        throw new ModelError(`${to} has no action '${condition.action}'`);
      }
      return;
    }
    default:
      checkLeaf(of, type, condition);
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
  const sort = (operand: Operand) => sortOf(of, type, operand);
  switch (leaf.op) {
    case 'kind':
      principalTypeOf(of, leaf.kind);
      return;
    case 'equal':
      alike(leaf.left, sort(leaf.left), leaf.right, sort(leaf.right), false);
      return;
    case 'less':
    case 'atMost': {
      const found = alike(leaf.left, sort(leaf.left), leaf.right, sort(leaf.right), false);
      if (!['number', 'instant', 'date'].includes(found.of)) throw new ModelError(`${found.of} values have no order`);
      return;
    }
    case 'member': {
      const set = sort(leaf.set);
      const element = sort(leaf.element);
      if (set?.many === false || element?.many) throw new ModelError('a member is one value of a set');
      if (leaf.set.from === 'constant' && !Array.isArray(leaf.set.value)) throw new ModelError('that is not a set');
      alike(leaf.element, element, leaf.set, set && { ...set, many: false }, false);
      return;
    }
    case 'overlap': {
      for (const side of [leaf.left, leaf.right]) {
        if (side.from === 'constant' && !Array.isArray(side.value)) throw new ModelError('that is not a set');
      }
      alike(leaf.left, sort(leaf.left), leaf.right, sort(leaf.right), true);
      return;
    }
    case 'present':
      sort(leaf.value);
      return;
    case 'empty':
      if (sort(leaf.value)?.many === false) throw new ModelError('only a set can be empty');
      return;
    case 'bits': {
      const field = leaf.value.from === 'constant' ? undefined : fieldAt(of, type, leaf.value);
      if (field === undefined || field.kind !== 'integer' || field.many) throw new ModelError('bits are of an integer');
      if (!Number.isInteger(leaf.bits) || leaf.bits < 1 || leaf.bits > HIGHEST_BITS) {
        throw new ModelError(`${leaf.bits} is not a set of bits: they are from 1 to ${HIGHEST_BITS}`);
      }
      return;
    }
    case 'holds': {
      splitRole(of, leaf.scope === null ? leaf.role : `${leaf.scope} ${leaf.role}`);
      if (leaf.at === null) return;
      const at = sort(leaf.at);
      if (leaf.scope === null || at === undefined || at.of !== `id of ${leaf.scope}` || at.many !== leaf.many) {
        throw new ModelError(`'${leaf.role}' is not held on what it is asked for`);
      }
      return;
    }
  }
}

/** Requires that two operands may be compared, and tells their sort. */
function alike(left: Operand, a: Sort | undefined, right: Operand, b: Sort | undefined, many: boolean): Sort {
  const known = a ?? b;
  if (known === undefined) throw new ModelError('two constants are compared');
  if (a && b && a.of !== b.of) throw new ModelError(`a value of ${a.of} is compared with one of ${b.of}`);
  for (const side of [a, b]) {
    if (side && side.many !== many) throw new ModelError(many ? 'one value is not a set' : 'a set is not one value');
  }
  if (known.of === 'json') throw new ModelError('no rule can look into a json field');
  for (const operand of [left, right]) {
    if (operand.from !== 'constant') continue;
    for (const value of Array.isArray(operand.value) ? operand.value : [operand.value]) {
      if (!fitsSort(value as Scalar | null, known.of)) {
        throw new ModelError(`${JSON.stringify(value)} is compared with a value of ${known.of}`);
      }
    }
  }
  return known;
}

function fitsSort(value: Scalar | null, sort: string): boolean {
  if (sort === 'number') return typeof value === 'number' && Number.isFinite(value);
  if (sort === 'boolean') return typeof value === 'boolean';
  if (typeof value !== 'string') return false;
  return sort === 'instant' ? isInstant(value) : sort === 'date' ? isDate(value) : true;
}

function fieldAt(of: Model, type: string, operand: Operand): Field | undefined {
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

/** The sort of an operand; undefined for a constant, which takes that of what it is compared with. */
function sortOf(of: Model, type: string, operand: Operand): Sort | undefined {
  if (operand.from === 'constant') return undefined;
  if (operand.from === 'now') return { of: 'instant', many: false };
  if (operand.from === 'today') return { of: 'date', many: false };
  const field = fieldAt(of, type, operand) as Field;
  return { of: sortOfField(field), many: field.many };
}

function sortOfField(field: Field): string {
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
