import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Database, joinEmbedded, openDatabase } from '@ostiary/server';
import { childrenOf, databasesIn, killNow, PROGRAM } from '../processes.js';
import type { Random } from './random.js';

/** What dies: the server; PostgreSQL with all its processes; one process of it, which ends the others; or both at once. */
export type Victim = 'server' | 'postgres' | 'backend' | 'both';

const PATIENCE = 120_000;
const RATES_OFF = { OSTIARY_RATE_LIMITS: 'off' };

/** One installation in a data folder of its own, served by a process that is killed and started again. */
export class Victims {
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #said = '';
  #socket: string | undefined;
  url = '';

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<Victims> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'ostiary-crash-')));
    await chmod(folder, 0o755);
    return new Victims(folder);
  }

  /** Starts the server by the one command, always the same, and waits until it is ready. */
  async start(): Promise<void> {
    const { PATH, HOME = '/' } = process.env;
    this.#said = '';
    const child = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0', '--data', join(this.#folder, 'data')], {
      env: { PATH, HOME, OSTIARY_LOG: 'silent', ...RATES_OFF },
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
    }
    await this.until('it is ready', () => this.#said.includes('Ctrl-C stops it.'));
    this.url = `${/is ready: (http\S+?)\/$/m.exec(this.#said)?.[1]}/open-data-capture`;
  }

  /** Waits until something holds. Throws if the server ends before. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!(await holds())) {
      if (hasEnded(this.#child)) {
        throw new Error(
          `the server ended by itself (${this.#child?.exitCode}) before ${what}. It said:\n${this.#said}`,
        );
      }
      if (Date.now() > deadline) throw new Error(`${PATIENCE} ms have passed before ${what}. It said:\n${this.#said}`);
      await delay(10);
    }
  }

  /** The number of PostgreSQL's first process. Finding it takes a while. */
  async postmaster(): Promise<number> {
    const [postmaster] = await databasesIn(this.#folder);
    if (postmaster === undefined) throw new Error('its PostgreSQL does not run');
    return postmaster;
  }

  /** Kills without a warning. */
  async kill(victim: Victim, postmaster: number, random: Random): Promise<void> {
    const server = this.#child?.pid ?? 0;
    const children = await childrenOf(postmaster);
    const postgres = [postmaster, ...children.map(({ pid }) => pid)];
    const clients = children.filter(({ title }) => /^postgres: \S+ \S+ \[local\]/.test(title));
    const targets = {
      server: [server],
      postgres,
      backend: [clients.length > 0 ? random.pick(clients).pid : 0].filter((pid) => pid > 0),
      both: random.below(2) === 0 ? [server, ...postgres] : [...postgres, server],
    }[victim];
    if (targets.length === 0) throw new Error(`there is nothing to kill: ${victim}`);
    for (const pid of targets) killNow(pid);
    if (victim === 'server' || victim === 'both') {
      while (!hasEnded(this.#child)) await delay(5);
    }
  }

  /** A look into the database beside the server. */
  async look<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const { connection } = await joinEmbedded(join(this.#folder, 'data'));
    this.#socket = connection.host;
    const database = openDatabase({ ...connection, max: 1 });
    return work(database).finally(() => database.close());
  }

  /** Stops as Ctrl-C does. Returns the exit code, and what still runs. */
  async stop(): Promise<{ readonly code: number | null; readonly left: readonly number[] }> {
    this.#child?.kill('SIGINT');
    const deadline = Date.now() + PATIENCE;
    while (!hasEnded(this.#child) && Date.now() < deadline) await delay(5);
    return { code: this.#child?.exitCode ?? null, left: await databasesIn(this.#folder) };
  }

  /** Leaves no process and no folder, whatever happened. */
  async remove(): Promise<void> {
    if (this.#child?.pid !== undefined && !hasEnded(this.#child)) killNow(this.#child.pid);
    const deadline = Date.now() + PATIENCE;
    for (let left = await databasesIn(this.#folder); left.length > 0 && Date.now() < deadline; ) {
      for (const pid of left) killNow(pid);
      await delay(20);
      left = await databasesIn(this.#folder);
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    if (this.#socket !== undefined) await rm(this.#socket, { recursive: true, force: true });
  }
}

function hasEnded(child: ChildProcess | undefined): boolean {
  return child === undefined || child.exitCode !== null || child.signalCode !== null;
}
