import { type Condition, type Leaf, leftOver, type Operand, type Scalar, type Value } from './condition.js';
import { type Environment, holdingKey, isLoggedIn, linkKey, type Principal, type RecordFacts } from './facts.js';

/** A condition made ready to run: allocates nothing when it does. */
export type Test = (principal: Principal, record: RecordFacts, environment: Environment) => boolean;
type Read = (principal: Principal, record: RecordFacts, environment: Environment) => Value | undefined;

/** Compiles a condition once into closures, to be run for any principal and record. */
export function compile(condition: Condition): Test {
  switch (condition.op) {
    case 'always':
      return () => true;
    case 'never':
      return () => false;
    case 'not': {
      const test = compile(condition.of);
      return (p, r, e) => !test(p, r, e);
    }
    case 'named':
      return compile(condition.of);
    case 'all':
    case 'any': {
      const tests = condition.of.map(compile);
      const decisive = condition.op === 'any';
      return (p, r, e) => {
        for (const test of tests) if (test(p, r, e) === decisive) return decisive;
        return !decisive;
      };
    }
    case 'linked': {
      const key = linkKey(condition);
      const test = compile(condition.where);
      return (p, r, e) => {
        const rows = r[key];
        if (!Array.isArray(rows)) return false;
        for (const row of rows as readonly RecordFacts[]) if (test(p, row, e)) return true;
        return false;
      };
    }
    case 'may':
      throw leftOver('may', 'make a policy of the rules');
    default:
      return compileLeaf(condition);
  }
}

function compileLeaf(leaf: Leaf): Test {
  switch (leaf.op) {
    case 'kind':
      return (p) => p.kind === leaf.kind;
    case 'loggedIn':
      return isLoggedIn;
    case 'equal': {
      const [left, right] = [reader(leaf.left), reader(leaf.right)];
      return (p, r, e) => {
        const value = left(p, r, e);
        return value != null && value === right(p, r, e);
      };
    }
    case 'less':
      return compared(leaf.left, leaf.right, (a, b) => a < b);
    case 'atMost':
      return compared(leaf.left, leaf.right, (a, b) => a <= b);
    case 'present': {
      const value = reader(leaf.value);
      return (p, r, e) => value(p, r, e) != null;
    }
    case 'empty': {
      const value = reader(leaf.value);
      return (p, r, e) => {
        const set = value(p, r, e);
        return Array.isArray(set) && set.length === 0;
      };
    }
    case 'bits': {
      const value = reader(leaf.value);
      const { bits } = leaf;
      return (p, r, e) => {
        const held = value(p, r, e);
        return typeof held === 'number' && (held & bits) === bits;
      };
    }
    case 'member': {
      const element = reader(leaf.element);
      const has = lookUp(leaf.set);
      return (p, r, e) => {
        const value = element(p, r, e);
        return value != null && has(value as Scalar, p, r, e);
      };
    }
    case 'overlap': {
      // The side that can be looked up in a hashed set is the one that is not walked.
      const isHashed = leaf.right.from !== 'record' && leaf.right.from !== 'type';
      const [walked, hashed] = isHashed ? [leaf.left, leaf.right] : [leaf.right, leaf.left];
      const elements = reader(walked);
      const has = lookUp(hashed);
      return (p, r, e) => {
        const values = elements(p, r, e);
        if (!Array.isArray(values)) return false;
        for (const value of values as readonly Scalar[]) if (has(value, p, r, e)) return true;
        return false;
      };
    }
    case 'subset': {
      const elements = reader(leaf.left);
      const isSet = reader(leaf.right);
      const has = lookUp(leaf.right);
      return (p, r, e) => {
        const values = elements(p, r, e);
        if (!Array.isArray(values) || !Array.isArray(isSet(p, r, e))) return false;
        for (const value of values as readonly Scalar[]) if (!has(value, p, r, e)) return false;
        return true;
      };
    }
    case 'holds': {
      const key = holdingKey(leaf.role, leaf.scope);
      return leaf.at === null ? (p) => p.holdings.has(key) : compileLeaf(amongScopes(leaf, leaf.at));
    }
  }
}

/** That a role is held on a scope says that the scope is one of those on which it is held. */
export function amongScopes({ role, scope, many }: Leaf & { op: 'holds' }, at: Operand): Leaf {
  const held: Operand = { from: 'scopes', role, scope: scope ?? '' };
  return many ? { op: 'overlap', left: at, right: held } : { op: 'member', element: at, set: held };
}

function compared(left: Operand, right: Operand, compare: (a: Scalar, b: Scalar) => boolean): Test {
  const [readLeft, readRight] = [reader(left), reader(right)];
  return (p, r, e) => {
    const a = readLeft(p, r, e);
    const b = readRight(p, r, e);
    return a != null && b != null && typeof a === typeof b && compare(a as Scalar, b as Scalar);
  };
}

/** How to ask whether a set has an element: hashed for what belongs to the principal, by walking for what is short. */
function lookUp(set: Operand): (element: Scalar, p: Principal, r: RecordFacts, e: Environment) => boolean {
  if (set.from === 'principal') {
    const key = set.path.join('.');
    return (element, p) => p.kind === set.kind && p.sets[key]?.has(element) === true;
  }
  if (set.from === 'scopes') {
    const key = holdingKey(set.role, set.scope);
    return (element, p) => p.holdings.get(key)?.has(element as string) === true;
  }
  if (set.from === 'constant' && Array.isArray(set.value)) {
    const elements = new Set(set.value as readonly Scalar[]);
    return (element) => elements.has(element);
  }
  const values = reader(set);
  return (element, p, r, e) => {
    const held = values(p, r, e);
    return Array.isArray(held) && held.includes(element);
  };
}

/** How to read an operand's value. */
export function reader(operand: Operand): Read {
  switch (operand.from) {
    case 'constant':
      return () => operand.value;
    case 'scopes': {
      const key = holdingKey(operand.role, operand.scope);
      return (p) => [...(p.holdings.get(key) ?? [])];
    }
    case 'now':
      // A time that is not known is missing, like any other value.
      return (_p, _r, e) => e.now || null;
    case 'today':
      return (_p, _r, e) => e.now.slice(0, 10) || null;
    case 'type':
      return (_p, _r, e) => e.types?.[operand.type]?.[operand.field];
    case 'record': {
      const key = operand.path.join('.');
      return (_p, r) => r[key] as Value | undefined;
    }
    case 'principal': {
      const key = operand.path.join('.');
      const { kind } = operand;
      if (key === 'id') return (p) => (p.kind === kind ? p.id : null);
      return (p) => (p.kind === kind ? p.attributes[key] : null);
    }
  }
}
