import type { Principal, Slot } from './facts.js';

/** What the conditions of one policy ask of a principal, resolved once and then read by number. */
export class Slots {
  readonly #numbers = new Map<string, number>();
  readonly #asked: ((principal: Principal) => Slot)[] = [];

  /** The number under which an answer will be found; the same question has the same number. */
  number(question: string, answer: (principal: Principal) => Slot): number {
    const known = this.#numbers.get(question);
    if (known !== undefined) return known;
    const number = this.#asked.push(answer) - 1;
    this.#numbers.set(question, number);
    return number;
  }

  /** The answers for a principal, which keeps those of the policy that asked last. */
  of(principal: Principal): readonly Slot[] {
    const { bound } = principal;
    if (bound.to !== this || bound.slots.length !== this.#asked.length) {
      bound.to = this;
      bound.slots = this.#asked.map((answer) => answer(principal));
    }
    return bound.slots;
  }
}
