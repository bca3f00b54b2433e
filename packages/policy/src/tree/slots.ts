import type { Principal, Slot } from './facts.js';

/**
 * What the conditions of one policy ask of a principal, resolved once and then read by number. A principal keeps the
 * answers for the policy that asked last in `bound`: first whose they are, then each under its number.
 */
export class Slots {
  readonly #numbers = new Map<string, number>();
  readonly #asked: ((principal: Principal) => Slot)[] = [];

  /** The number under which an answer will be found; the same question has the same number. */
  number(question: string, answer: (principal: Principal) => Slot): number {
    const known = this.#numbers.get(question);
    if (known !== undefined) return known;
    const number = this.#asked.push(answer);
    this.#numbers.set(question, number);
    return number;
  }

  /** How long `bound` is when all that was asked so far is answered. */
  get length(): number {
    return this.#asked.length + 1;
  }

  /** Answers everything for a principal, which keeps it. */
  bind(principal: Principal): readonly unknown[] {
    principal.bound = [this, ...this.#asked.map((answer) => answer(principal))];
    return principal.bound;
  }
}
