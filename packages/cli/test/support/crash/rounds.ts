import { setTimeout as delay } from 'node:timers/promises';
import { send } from '../http.js';
import { check, checkTrail } from './check.js';
import { Ledger, type Tracked } from './ledger.js';
import { type Random, randomFrom } from './random.js';
import { type Victim, Victims } from './server.js';
import { type Writer, write } from './writers.js';

export interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
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

const WRITERS = 4;
/** Of ten rounds, in another order each time. Those that start the server again take longest, so they are fewer. */
const TEN: readonly Victim[] = [
  ...(['server', 'both'] as const),
  ...(['postgres', 'postgres', 'postgres'] as const),
  ...(['backend', 'backend', 'backend', 'backend', 'backend'] as const),
];
/** PostgreSQL that dies again and again is given up: by design, so the server dies with it before that. */
const POSTGRES_IN_A_ROW = 2;
const THOROUGH = 10;

/**
 * Kills a server and its PostgreSQL while several write, again and again, on one installation. After each time it is
 * started again by the same command, or has come back by itself, and holds all that was acknowledged, nothing by half,
 * and a trail that is whole.
 * Throws with the seed and the round where it does not. Leaves no process and no folder.
 */
export async function crash({ rounds, seed, progress, signal }: CrashOptions): Promise<Summary> {
  const random = randomFrom(seed);
  const victims = await Victims.make();
  const count: Record<Victim, number> = { server: 0, postgres: 0, backend: 0, both: 0 };
  const ledger = new Ledger();
  let refused = 0;
  let round = 0;
  try {
    await victims.start();
    const writers = await prepare(victims.server.url, ledger);
    let upcoming: Victim[] = [];
    let inARow = 0;
    for (round = 1; round <= rounds; round += 1) {
      signal?.throwIfAborted();
      const began = performance.now();
      if (upcoming.length === 0) upcoming = shuffled(TEN, random);
      const next = upcoming.pop() ?? 'both';
      const victim = next === 'postgres' && inARow === POSTGRES_IN_A_ROW ? 'both' : next;
      const restarts = victim === 'server' || victim === 'both';
      inARow = restarts ? 0 : victim === 'postgres' ? inARow + 1 : inARow;

      await writeUntilKilled(victims, writers, ledger, victim, random);
      if (restarts) await victims.start();
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

/** Logs in, and makes what the writers write to. */
async function prepare(url: string, ledger: Ledger): Promise<readonly Writer[]> {
  const token = await logIn(url, 'admin');
  const refusedToken = await logIn(url, 'norole');
  const { body } = await ok(send(url, 'GET', '/api/groups', { token }));
  const groups = (body.items as readonly { readonly id: string }[]).map(({ id }) => id);
  const shared = await ok(send(url, 'POST', '/api/subjects', { token, body: { firstName: 'shared' } }));
  ledger.shared.id = String(shared.body.id);
  const writers: Writer[] = [];
  for (let number = 1; number <= WRITERS; number += 1) {
    const name = `writer${number}`;
    const additionalPermissions = [{ action: 'read', resource: 'Group' }];
    const names = { username: name, firstName: 'W', lastName: name };
    const body = { ...names, password: 'correct horse battery staple 9', additionalPermissions };
    const user = await ok(send(url, 'POST', '/api/users', { token, body }));
    const values = { disabled: false, additionalPermissions, accountDisabled: false };
    const entries = { 'record.created': 1, 'rights.changed': 1 };
    const tracked: Tracked = {
      type: 'User',
      key: name,
      id: String(user.body.id),
      state: { values, version: 1, entries },
    };
    ledger.send([{ of: tracked, to: tracked.state }]);
    writers.push({ name, token, refusedToken, groups, user: tracked, subjects: [] });
  }
  return writers;
}

async function logIn(url: string, username: string): Promise<string> {
  const { body } = await ok(send(url, 'POST', '/auth/login', { body: { username, password: 'ostiary-demo' } }));
  return String(body.accessToken);
}

async function ok(sending: ReturnType<typeof send>) {
  const answer = await sending;
  if (answer === undefined || answer.status >= 300)
    throw new Error(`it could not be prepared: ${JSON.stringify(answer)}`);
  return answer;
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}
