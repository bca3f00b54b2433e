import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedError, ignoring, systemCode } from './error.js';
import type { Home } from './home.js';
import { type LogFile, lastComplaint, withLogFile } from './logfile.js';
import { isTaken, lookUpProcess } from './process.js';
import { type Programs, spawnOptions } from './programs.js';

/** What a server needs to start. */
export interface ServerPlan {
  readonly programs: Programs;
  readonly cluster: string;
  readonly home: Home;
  readonly settings: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
  /** Ends the wait for the first start. */
  readonly signal: AbortSignal | undefined;
  /** Clears the way for another start after a crash. */
  readonly prepare: () => Promise<void>;
  /** Why the database does not answer; undefined when it does. */
  readonly refusal: () => Promise<unknown>;
}

/** A PostgreSQL that is kept running. */
export interface Server {
  /** Resolves when it ended by itself and could not be started again. */
  readonly lost: Promise<EmbeddedError>;
  /** Ends connections and transactions, writes everything down and waits until it is gone. */
  stop(): Promise<void>;
}

const PATIENCE = 60_000;
/** How long a PostgreSQL that says that it is ready may refuse all the same. */
const REFUSING = 10_000;
/** How long to wait before it is started again after a crash, and then again. */
const PAUSES = [0, 500, 2_000, 5_000];
/** After how long without a crash all of them can be used again. */
const CALM = 60_000;

/**
 * Starts PostgreSQL on a cluster, waits until it answers, and starts it again when it ends by itself.
 * Throws EmbeddedError `broken` or `not_started`.
 */
export async function startServer(plan: ServerPlan): Promise<Server> {
  return supervise(await startOnce(plan, plan.signal), plan);
}

/**
 * Starts it once: at once for a cluster that was shut down, longer for one that has to be recovered. An own PostgreSQL
 * that was left running on it is stopped first.
 */
function startOnce(plan: ServerPlan, signal: AbortSignal | undefined): Promise<ChildProcess> {
  return withLogFile(plan.home.path, async (logFile) => {
    const deadline = Date.now() + PATIENCE;
    for (;;) {
      await stopOrphan(plan);
      const child = launch(plan, logFile);
      try {
        if (await becomesReady(child, plan, logFile, signal)) return child;
      } catch (error) {
        await end(child);
        throw error;
      }
      const said = await logFile.added();
      if (!stillHeld(said) || Date.now() > deadline) throw failure(child, said, plan, logFile);
      await delay(50);
    }
  });
}

function launch({ programs, cluster, settings, home }: ServerPlan, logFile: LogFile): ChildProcess {
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(programs.folder, 'postgres'), ['-D', cluster, ...flags], {
    ...spawnOptions(home.user),
    stdio: ['ignore', logFile.descriptor, logFile.descriptor],
    // Ctrl-C in a terminal reaches the whole process group: PostgreSQL has its own, and stops when it is told to.
    detached: true,
  });
  // However this process ends, other than by being killed, it does not leave PostgreSQL behind.
  const takeAlong = () => child.kill('SIGINT');
  process.once('exit', takeAlong);
  child.once('exit', () => process.off('exit', takeAlong));
  child.on('error', () => process.off('exit', takeAlong));
  child.unref();
  return child;
}

async function becomesReady(
  child: ChildProcess,
  plan: ServerPlan,
  logFile: LogFile,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const slow = setTimeout(
    () => plan.log('Still waiting for the database: after a crash or a power cut it takes a while to recover ...'),
    2_000,
  );
  try {
    let refusingSince: number | undefined;
    while (!hasEnded(child)) {
      if (signal?.aborted) throw new EmbeddedError('not_started', 'The start of the database was interrupted.');
      if (await saysReady(child, plan.cluster)) {
        const refusal = await plan.refusal();
        if (refusal === undefined) return true;
        refusingSince ??= Date.now();
        const lasting = isDamage(refusal) || Date.now() - refusingSince > REFUSING;
        if (lasting && !hasEnded(child)) throw refused(refusal, plan, logFile);
      }
      await delay(10);
    }
    return false;
  } finally {
    clearTimeout(slow);
  }
}

/** Files that are missing or unreadable (class 58), or hold what they should not (XX). */
function isDamage(refusal: unknown): boolean {
  return /^(58|XX)/.test(systemCode(refusal) ?? '');
}

/** PostgreSQL keeps its number and its state in a file: reading that is cheaper than to be turned away at the socket. */
async function saysReady(child: ChildProcess, cluster: string): Promise<boolean> {
  const lines = (await readPidFile(cluster)).split('\n');
  return lines[0] === String(child.pid) && lines[7]?.trim() === 'ready';
}

async function readPidFile(cluster: string): Promise<string> {
  return (await readFile(pidFile(cluster), 'utf8').catch(ignoring('ENOENT'))) ?? '';
}

function pidFile(cluster: string): string {
  return join(cluster, 'postmaster.pid');
}

/** Starts it again when it ends by itself; gives up when it goes on ending, or does not start. */
function supervise(first: ChildProcess, plan: ServerPlan): Server {
  const stopping = new AbortController();
  let child = first;
  let crashes = 0;
  let since = Date.now();
  let restarting: Promise<void> | undefined;
  let lose: (error: EmbeddedError) => void;
  const lost = new Promise<EmbeddedError>((resolve) => {
    lose = resolve;
  });

  const restart = async () => {
    if (Date.now() - since > CALM) crashes = 0;
    let why = 'it goes on ending by itself';
    plan.log('The database has ended by itself: starting it again ...');
    while (crashes < PAUSES.length) {
      const pause = PAUSES[crashes];
      crashes += 1;
      try {
        await delay(pause, undefined, { signal: stopping.signal });
        await plan.prepare();
        child = await startOnce(plan, stopping.signal);
        since = Date.now();
        watch();
        plan.log('The database is back.');
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        why = error instanceof Error ? error.message : String(error);
        plan.log(`It did not start: ${why}`);
      }
    }
    lose(new EmbeddedError('not_started', `The database ended by itself and can't be started again: ${why}`));
  };
  const onExit = () => {
    restarting = restart();
  };
  const watch = () => {
    // It may have ended since it answered.
    if (hasEnded(child)) onExit();
    else child.once('exit', onExit);
  };
  watch();
  return {
    lost,
    async stop() {
      stopping.abort();
      child.off('exit', onExit);
      await restarting;
      child.off('exit', onExit);
      await end(child);
    },
  };
}

/** A fast shutdown, and an immediate one when that takes too long: that one loses nothing either. */
async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGINT');
  if (await until(() => hasEnded(child))) return;
  child.kill('SIGQUIT');
  await until(() => hasEnded(child));
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/**
 * A killed server leaves its PostgreSQL running: stops it. Where the number of a dead one now belongs to something
 * else, PostgreSQL would take that for itself: removes the file then. The caller holds the lock.
 */
async function stopOrphan({ cluster, log }: ServerPlan): Promise<void> {
  const pid = Number.parseInt(await readPidFile(cluster), 10);
  if (!(pid > 0)) return;
  if (!(await runs(pid, cluster))) {
    if (isTaken(pid)) await unlink(pidFile(cluster)).catch(ignoring('ENOENT'));
    return;
  }
  log('Stopping the database that an earlier server left running ...');
  const gone = () => until(async () => !(await runs(pid, cluster)));
  signal(pid, 'SIGINT');
  if (await gone()) return;
  signal(pid, 'SIGQUIT');
  if (!(await gone())) {
    throw new EmbeddedError(
      'not_started',
      `A PostgreSQL that was left running (process ${pid}) does not stop. End it first.`,
    );
  }
}

async function runs(pid: number, cluster: string): Promise<boolean> {
  const found = await lookUpProcess(pid);
  return found !== undefined && `${found.command} `.includes(`postgres -D ${cluster} `);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended.
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + PATIENCE;
  while (!(await holds())) {
    if (Date.now() > deadline) return false;
    await delay(5);
  }
  return true;
}

/** The last processes of a killed PostgreSQL take a moment to go: it says so with the code of `lock_file_exists`. */
function stillHeld(said: string): boolean {
  return (
    said
      .split('\n')
      .findLast((line) => line.includes('FATAL:'))
      ?.includes(' F0001 ') ?? false
  );
}

function failure(child: ChildProcess, said: string, { cluster }: ServerPlan, logFile: LogFile): EmbeddedError {
  // Class 53 of the codes tells of a lack of disk space, memory or the like.
  const outside = child.exitCode === null || /^.* 53\d{3} (FATAL|PANIC):/m.test(said);
  const why = child.exitCode === null && said === '' ? `it was ended by ${child.signalCode}` : lastComplaint(said);
  return outside
    ? new EmbeddedError('not_started', `The database in ${cluster} did not start: ${why}. Its log is ${logFile.path}.`)
    : broken(cluster, why, logFile);
}

/** PostgreSQL is up, and turns everyone away. */
function refused(refusal: unknown, { cluster }: ServerPlan, logFile: LogFile): EmbeddedError {
  const why = refusal instanceof Error ? refusal.message : String(refusal);
  // Only what the server itself says has a severity; class 53 and 57P tell of a lack of means, or of being shut down.
  const says = refusal instanceof Error && 'severity' in refusal && !/^(53|57P)/.test(systemCode(refusal) ?? '');
  return says
    ? broken(cluster, why, logFile)
    : new EmbeddedError(
        'not_started',
        `The database in ${cluster} does not answer: ${why}. Its log is ${logFile.path}.`,
      );
}

function broken(cluster: string, why: string, logFile: LogFile): EmbeddedError {
  return new EmbeddedError(
    'broken',
    `The database in ${cluster} cannot be used: ${why}. Nothing was changed. Its log is ${logFile.path}. ` +
      'If it cannot be repaired, move the folder away and restore a backup.',
  );
}
