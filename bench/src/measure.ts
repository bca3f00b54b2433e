/** One way to do the same work. */
export interface Candidate {
  readonly name: string;
  /** What has to be so before it begins: not timed. */
  before?(): unknown | Promise<unknown>;
  /** Does `amount` pieces of the work. */
  run(amount: number): unknown | Promise<unknown>;
  /** Pieces of work in a round: fewer for what is slow. */
  readonly amount: number;
}

export interface Measured {
  readonly name: string;
  /** Pieces of work per second: the median of the rounds. */
  readonly perSecond: number;
  /** Its rate, divided by that of the first candidate in the same round: the median of the rounds. */
  readonly ratio: number;
}

/**
 * Runs the candidates alternately, round by round, so that what the machine does meanwhile meets all of them. The first
 * is what the others are compared with. One round more, before, warms everything up.
 */
export async function alternate(candidates: readonly Candidate[], rounds: number): Promise<readonly Measured[]> {
  const rates = candidates.map((): number[] => []);
  for (let round = 0; round <= rounds; round += 1) {
    progress(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
    for (const [index, { before, run, amount }] of candidates.entries()) {
      await before?.();
      const started = process.hrtime.bigint();
      await run(amount);
      const seconds = Number(process.hrtime.bigint() - started) / 1e9;
      if (round > 0) rates[index]?.push(amount / seconds);
    }
  }
  progress(null);
  return candidates.map(({ name }, index) => ({
    name,
    perSecond: median(rates[index] ?? []),
    ratio: median((rates[index] ?? []).map((rate, round) => rate / (rates[0]?.[round] ?? Number.NaN))),
  }));
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value that a share of the values, from 0 to 1, does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Says on stderr what is being done: in one line of a terminal, which null clears; in a line each where there is none. */
export function progress(what: string | null): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what ?? ''}`);
  else if (what !== null) process.stderr.write(`${what}\n`);
}

/** Answers that differ: nothing is timed then, and the command fails. */
export class Disagreement extends Error {
  constructor(where: string) {
    super(`The candidates don't agree: ${where}. A benchmark of different answers says nothing.`);
    this.name = 'Disagreement';
  }
}
