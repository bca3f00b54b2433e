import { Disagreement, percentile } from '../measure.js';
import type { Candidate } from './candidates.js';

/** Milliseconds by candidate: in the middle, and at the 95th of a hundred. */
export interface Times {
  readonly p50: ReadonlyMap<string, number>;
  readonly p95: ReadonlyMap<string, number>;
}

/** What takes longer than this is asked less often. */
const SLOW = 50;
/** What takes longer than this is asked once. */
const TOO_SLOW = 3_000;

/** Asks all candidates in turn, after all have given the same answer. */
export async function wait(all: readonly Candidate[], times: number): Promise<Times> {
  const waited = new Map(all.map(({ name }) => [name, [] as number[]]));
  let expected: string | undefined;
  for (const { name, run } of all) {
    const started = performance.now();
    const page = JSON.stringify(await run());
    const taken = performance.now() - started;
    expected ??= page;
    if (page !== expected) throw new Disagreement(`${name} has another page`);
    if (taken > TOO_SLOW) waited.set(name, [taken]);
  }
  // PostgreSQL plans a statement anew five times before it may keep a plan: that is not counted.
  for (let time = -8; time < times; time += 1) {
    // In another order each time: what comes after a slow one finds cold caches.
    for (const { name, run } of shuffled(all)) {
      const taken = waited.get(name) ?? [];
      const last = taken.at(-1) ?? 0;
      if (last > TOO_SLOW || (last > SLOW && time % 10 !== 0)) continue;
      const started = performance.now();
      await run();
      if (time >= 0) taken.push(performance.now() - started);
    }
  }
  const at = (share: number) => new Map([...waited].map(([name, taken]) => [name, percentile(taken, share)]));
  return { p50: at(0.5), p95: at(0.95) };
}

function shuffled<T>(of: readonly T[]): readonly T[] {
  return of
    .map((value) => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
