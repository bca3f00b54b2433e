import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedError, ignoring } from './error.js';
import { type LogFile, lastComplaint } from './logfile.js';
import { isTaken, lookUpProcess } from './process.js';
import { type Programs, spawnOptions } from './programs.js';
import type { OtherUser } from './user.js';

/** What a server needs to start. */
export interface ServerPlan {
  readonly programs: Programs;
  readonly cluster: string;
  readonly user: OtherUser | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly logFile: LogFile;
  readonly log: (line: string) => void;
}

/** A running PostgreSQL. */
export interface Server {
  /** Ends connections and transactions, writes everything down and waits until it is gone. */
  stop(): Promise<void>;
}

const PATIENCE = 60_000;

/**
 * Starts PostgreSQL on a cluster and waits until `isReady` says so: at once for a cluster that was shut down, longer
 * for one that has to be recovered. An own PostgreSQL that was left running on it is stopped first.
 * Throws EmbeddedError `broken` or `not_started`.
 */
export async function startServer(plan: ServerPlan, isReady: () => Promise<boolean>): Promise<Server> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    await stopOrphan(plan);
    const child = launch(plan);
    try {
      if (await becomesReady(child, isReady, plan)) return supervise(child, plan);
    } catch (error) {
      await end(child);
      throw error;
    }
    const said = await plan.logFile.added();
    if (!stillHeld(said) || Date.now() > deadline) throw failure(child, said, plan);
    await delay(50);
  }
}

function launch({ programs, cluster, settings, user, logFile }: ServerPlan): ChildProcess {
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(programs.folder, 'postgres'), ['-D', cluster, ...flags], {
    ...spawnOptions(user),
    stdio: ['ignore', logFile.descriptor, logFile.descriptor],
    // Ctrl-C in a terminal reaches the whole process group: PostgreSQL has its own, and stops when it is told to.
    detached: true,
  });
  child.on('error', () => {});
  child.unref();
  return child;
}

async function becomesReady(child: ChildProcess, isReady: () => Promise<boolean>, plan: ServerPlan): Promise<boolean> {
  const slow = setTimeout(
    () => plan.log('Still waiting for the database: after a crash or a power cut it takes a while to recover ...'),
    2_000,
  );
  try {
    while (!hasEnded(child)) {
      if ((await saysReady(child, plan.cluster)) && (await isReady())) return true;
      await delay(10);
    }
    return false;
  } finally {
    clearTimeout(slow);
  }
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

function supervise(child: ChildProcess, { logFile, log }: ServerPlan): Server {
  const orphan = () => child.kill('SIGINT');
  const lost = () => log(`The database has stopped by itself. Its log is ${logFile.path}.`);
  process.once('exit', orphan);
  child.once('exit', lost);
  return {
    async stop() {
      process.off('exit', orphan);
      child.off('exit', lost);
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

function failure(child: ChildProcess, said: string, { cluster, logFile }: ServerPlan): EmbeddedError {
  // Class 53 of the codes tells of a lack of disk space, memory or the like.
  const outside = child.exitCode === null || /^.* 53\d{3} (FATAL|PANIC):/m.test(said);
  const why = child.exitCode === null && said === '' ? `it was ended by ${child.signalCode}` : lastComplaint(said);
  return outside
    ? new EmbeddedError('not_started', `The database in ${cluster} did not start: ${why}. Its log is ${logFile.path}.`)
    : new EmbeddedError(
        'broken',
        `The database in ${cluster} cannot be used: ${why}. Nothing was changed. Its log is ${logFile.path}. ` +
          'If it cannot be repaired, move the folder away and restore a backup.',
      );
}
