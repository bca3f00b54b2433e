import { remember } from '../remember.js';
import { type Bound, holdingKey, type Principal, type Slot } from './facts.js';
import { functionOf } from './source.js';

/** Bits of a small integer, which needs no allocation. */
const BITS = 30;

/** In steps, so that there are few shapes of what is bound, and the code that reads it stays fast. */
const FEWEST = 16;

/**
 * What the conditions of one policy ask of a principal, resolved once and then read by number. A principal keeps the
 * answers for the policy that asked last in `bound`.
 */
export class Slots {
  readonly #numbers = new Map<string, number>();
  readonly #asked: ((principal: Principal) => Slot)[] = [];
  readonly #roles = new Map<string, string[]>();
  #layout: Layout | null = null;
  #size = 0;
  /** Another whenever there is more to answer. */
  current: object = {};

  /** The number under which an answer will be found; the same question has the same number. */
  number(question: string, answer: (principal: Principal) => Slot): number {
    return remember(this.#numbers, question, () => {
      this.current = {};
      return this.#asked.push(answer);
    });
  }

  /**
   * Where to find on which scopes of a type a role is held: the roles on a scope are bits of one number, so that however
   * many rules ask for different ones, a principal is one map for each type.
   */
  held(role: string, scope: string): { readonly number: number; readonly bit: number } {
    const roles = remember(this.#roles, scope, () => []);
    let index = roles.indexOf(role);
    if (index < 0) {
      index = roles.push(role) - 1;
      this.current = {};
    }
    const first = index - (index % BITS);
    const number = this.number(`roles on ${scope} from ${first}`, (principal) =>
      heldOn(principal, scope, roles.slice(first, first + BITS)),
    );
    return { number, bit: 1 << (index - first) };
  }

  /** Answers everything for a principal, which keeps it. */
  bind(principal: Principal): Bound {
    while (this.#size < this.#asked.length) {
      this.#size = Math.max(FEWEST, 2 * this.#size);
      this.#layout = null;
    }
    this.#layout ??= layout(this.#size);
    principal.bound = this.#layout(
      this.current,
      this.#asked.map((answer) => answer(principal)),
    );
    return principal.bound;
  }
}

/** Makes of whose answers these are, and the answers, an object with each under its number. */
type Layout = (of: object, answers: readonly Slot[]) => Bound;

/** A layout with so many places. The places are the object's own, and not in a list of it: that is one way less to each. */
function layout(size: number): Layout {
  const places = Array.from({ length: size }, (_, number) => `s${number + 1}:a[${number}]`);
  return functionOf(['of', 'a'], `return {of,${places.join(',')}}`);
}

function heldOn({ holdings }: Principal, scope: string, roles: readonly string[]): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  for (const [index, role] of roles.entries()) {
    for (const id of holdings.get(holdingKey(role, scope)) ?? []) held.set(id, (held.get(id) ?? 0) | (1 << index));
  }
  return held;
}
