import { setTimeout as delay } from 'node:timers/promises';
import { send } from '../http.js';
import { check, checkTrail } from './check.js';
import { Ledger } from './ledger.js';
import { endsServer, plan, type Victim } from './plan.js';
import { prepare } from './prepare.js';
import { type Random, randomFrom } from './random.js';
import { Victims } from './server.js';
import { type Writer, write } from './writers.js';

export interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Options of the server: it serves all applications unless told otherwise. */
  readonly options?: readonly string[];
  /** Told after each round. */
  readonly progress?: (round: Round) => void;
  /** Aborted to end early, with everything cleared away. */
  readonly signal?: AbortSignal;
}

export interface Round {
  readonly round: number;
  readonly victim: Victim;
  readonly milliseconds: number;
}

export interface Summary {
  readonly rounds: Readonly<Record<Victim, number>>;
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly refused: number;
}

/** Every so many rounds all records are compared, and the whole trail is verified. */
const THOROUGH = 10;

/**
 * Kills a server and its PostgreSQL while several write, again and again, on one installation. After each time it is
 * started again by the same command, or has come back by itself, and holds all that was acknowledged, nothing by half,
 * and a trail that is whole.
 * Throws with the seed and the round where it does not. Leaves no process and no folder.
 */
export async function crash({ rounds, seed, options = [], progress, signal }: CrashOptions): Promise<Summary> {
  const random = randomFrom(seed);
  const victims = await Victims.make(options);
  const count: Record<Victim, number> = { server: 0, postgres: 0, backend: 0, both: 0 };
  const ledger = new Ledger();
  let refused = 0;
  let round = 0;
  try {
    await victims.start();
    const writers = await prepare(victims.server.url, ledger);
    const dying = plan(random);
    for (round = 1; round <= rounds; round += 1) {
      signal?.throwIfAborted();
      const began = performance.now();
      const victim = dying.next().value;
      await writeUntilKilled(victims, writers, ledger, victim, random);
      if (endsServer(victim)) await victims.start();
      else await victims.server.until('it answered again', () => answers(victims.server.url, writers));
      refused += ledger.refusals.length;
      await examine(victims, ledger, round % THOROUGH === 0 || round === rounds);
      count[victim] += 1;
      progress?.({ round, victim, milliseconds: Math.round(performance.now() - began) });
    }
    await victims.stop();
    return { rounds: count, acknowledged: ledger.acknowledged, unanswered: ledger.unanswered, refused };
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(`Seed ${seed}, round ${round}: ${(error as Error).message}`, { cause: error });
  } finally {
    await victims.remove();
  }
}

/** Kills after a few writes, wherever the others are then. The moment depends on the seed, and on luck. */
async function writeUntilKilled(
  victims: Victims,
  writers: readonly Writer[],
  ledger: Ledger,
  victim: Victim,
  random: Random,
): Promise<void> {
  const postmaster = await victims.postmaster();
  const enough = ledger.acknowledged + 4 + random.below(12);
  let killed = false;
  const writing = Promise.all(
    writers.map((writer) => write(victims.server.url, writer, ledger, randomFrom(random.below(2 ** 32)), () => killed)),
  );
  const tooEarly = writing.then(() => {
    if (!killed) throw new Error('the server stopped answering before anything was killed');
  });
  tooEarly.catch(() => {});
  await victims.server.until('enough was written', async () => {
    await Promise.race([tooEarly, delay(1)]);
    return ledger.acknowledged >= enough;
  });
  await delay(random.below(15));
  await victims.kill(victim, postmaster, random);
  killed = true;
  await writing;
}

async function examine(victims: Victims, ledger: Ledger, thorough: boolean): Promise<void> {
  const faults = await victims.look(async (database) => [
    ...(await check(database, ledger, thorough)),
    ...(thorough ? await checkTrail(database) : []),
  ]);
  if (faults.length > 0) throw new Error(`${faults.length} faults\n- ${faults.slice(0, 10).join('\n- ')}`);
}

async function answers(url: string, [writer]: readonly Writer[]): Promise<boolean> {
  const answer = await send(url, 'GET', '/auth/me', { token: writer?.token ?? '' });
  if (answer === undefined) throw new Error('the server hung up, although it lives');
  if (answer.status !== 200 && !(answer.status === 503 && answer.isProblem)) {
    throw new Error(`a log-in that stands was answered with ${answer.status}`);
  }
  return answer.status === 200;
}
