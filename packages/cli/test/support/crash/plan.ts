import type { Random } from './random.js';

/** What dies: the server; PostgreSQL with all its processes; one process of it, which ends the others; or both at once. */
export type Victim = 'server' | 'postgres' | 'backend' | 'both';

/** Of ten rounds, in another order each time. Those that start the server again take longest, so they are fewer. */
const TEN: readonly Victim[] = [
  ...(['server', 'both'] as const),
  ...(['postgres', 'postgres', 'postgres'] as const),
  ...(['backend', 'backend', 'backend', 'backend', 'backend'] as const),
];
/** A PostgreSQL that dies again and again is given up, by design: the server dies with it before that. */
const POSTGRES_IN_A_ROW = 2;

/** Who dies, round by round. */
export function* plan(random: Random): Generator<Victim, never> {
  let inARow = 0;
  for (;;) {
    for (const next of shuffled(TEN, random)) {
      const victim = next === 'postgres' && inARow === POSTGRES_IN_A_ROW ? 'both' : next;
      if (endsServer(victim)) inARow = 0;
      else if (victim === 'postgres') inARow += 1;
      yield victim;
    }
  }
}

/** Whether somebody has to start the server again. */
export function endsServer(victim: Victim): boolean {
  return victim === 'server' || victim === 'both';
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}
