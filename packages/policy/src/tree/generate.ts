import type { Condition, Leaf, Operand, Scalar } from './condition.js';
import { compile, type Test } from './evaluate.js';
import { holdingKey, isLoggedIn } from './facts.js';
import type { Slots } from './slots.js';
import { functionOf } from './source.js';

const NOTHING: ReadonlySet<Scalar> = new Set();

/**
 * Compiles a condition into one JavaScript function, where the platform allows that; null where it does not, as under a
 * strict policy on scripts. Values of rules enter it as bound constants, never as source text, since some rules are data
 * that users wrote. What has no short form in the source is called as the closure that `compile` makes of it.
 */
export function generate(condition: Condition, slots: Slots): Test | null {
  const constants: unknown[] = [];
  const bind = (value: unknown): string => `c[${constants.push(value) - 1}]`;
  const write = (part: Condition): string => {
    switch (part.op) {
      case 'always':
        return 'true';
      case 'never':
        return 'false';
      case 'not':
        return `!${write(part.of)}`;
      case 'named':
        return write(part.of);
      case 'all':
        return `(${part.of.map(write).join('&&')})`;
      case 'any':
        return `(${part.of.map(write).join('||')})`;
      default: {
        const source = part.op === 'linked' || part.op === 'may' ? null : leafSource(part, slots, bind);
        return source ?? `${bind(compile(part))}(p,r,e)`;
      }
    }
  };
  try {
    const answer = write(condition);
    // Read here and not by a call, which would cost as much as the rest.
    const source = `return function(p,r,e){let v=p.bound;if(v.of!==s.current)v=s.bind(p);return ${answer}}`;
    return functionOf<(c: readonly unknown[], s: Slots) => Test>(['c', 's'], source)(constants, slots);
  } catch (error) {
    if (error instanceof EvalError) return null;
    throw error;
  }
}

/** The source of a leaf, or null for a leaf that is left to its closure. */
function leafSource(leaf: Leaf, slots: Slots, bind: (value: unknown) => string): string | null {
  const slot = (question: string, answer: Parameters<Slots['number']>[1]) => `v.s${slots.number(question, answer)}`;
  const value = (operand: Operand): string | null => {
    if (operand.from === 'constant') return bind(operand.value);
    const key = 'path' in operand ? operand.path.join('.') : '';
    // A name that is no plain name is bound like a value.
    if (operand.from === 'record') return `r[${/^[A-Za-z_][\w.]*$/.test(key) ? `"${key}"` : bind(key)}]`;
    if (operand.from !== 'principal') return null;
    const { kind } = operand;
    return slot(`${kind} ${key}`, (p) => (p.kind !== kind ? null : key === 'id' ? p.id : p.attributes[key]));
  };
  const has = (set: string, element: Operand): string | null => {
    const sought = value(element);
    return sought === null ? null : `${set}.has(${sought})`;
  };
  switch (leaf.op) {
    case 'kind':
      return slot(`is ${leaf.kind}`, (p) => p.kind === leaf.kind);
    case 'loggedIn':
      return slot('logged in', isLoggedIn);
    case 'equal': {
      const [left, right] = [value(leaf.left), value(leaf.right)];
      return left === null || right === null ? null : `(${left}!=null&&${left}===${right})`;
    }
    case 'present': {
      const read = value(leaf.value);
      return read === null ? null : `(${read}!=null)`;
    }
    case 'bits': {
      const read = value(leaf.value);
      const bits = bind(leaf.bits);
      return read === null ? null : `(typeof ${read}==="number"&&(${read}&${bits})===${bits})`;
    }
    case 'member': {
      if (leaf.set.from === 'constant' && Array.isArray(leaf.set.value)) {
        return has(bind(new Set(leaf.set.value as readonly Scalar[])), leaf.element);
      }
      if (leaf.set.from !== 'principal') return null;
      const { kind, path } = leaf.set;
      const key = path.join('.');
      return has(
        slot(`set of ${kind} ${key}`, (p) => (p.kind === kind ? (p.sets[key] ?? NOTHING) : NOTHING)),
        leaf.element,
      );
    }
    case 'holds': {
      if (leaf.at === null) {
        const key = holdingKey(leaf.role, leaf.scope);
        return slot(`holds ${key}`, (p) => p.holdings.has(key));
      }
      const at = leaf.many ? null : value(leaf.at);
      if (at === null || leaf.scope === null) return null;
      const { number, bit } = slots.held(leaf.role, leaf.scope);
      return `((v.s${number}.get(${at})&${bit})!==0)`;
    }
    default:
      return null;
  }
}
