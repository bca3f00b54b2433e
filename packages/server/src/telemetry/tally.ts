/** Counts by words of closed sets. Counting costs next to nothing; a scrape reads the sums. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** Adds one. The words are never of a person's or a record's making: each combination is kept for good. */
  count(...words: readonly string[]): void {
    const key = words.length === 1 ? (words[0] ?? '') : words.join(' ');
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** What was counted, and how often. */
  *sums(): Generator<readonly [words: readonly string[], sum: number]> {
    for (const [key, sum] of this.#counts) yield [key.split(' '), sum];
  }
}
