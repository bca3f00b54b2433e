import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Database, joinEmbedded, openDatabase } from '@ostiary/server';
import { childrenOf, databasesIn, killNow } from '../processes.js';
import { ServerProcess } from '../serving.js';
import { endsServer, type Victim } from './plan.js';
import type { Random } from './random.js';

const PATIENCE = 60_000;

/** One installation in a data folder of its own, served by a process that is killed and started again. */
export class Victims {
  readonly #folder: string;
  readonly #options: readonly string[];
  #server: ServerProcess | undefined;
  #socket: string | undefined;

  private constructor(folder: string, options: readonly string[]) {
    this.#folder = folder;
    this.#options = options;
  }

  /** @param options how the server is started, beside where its data is */
  static async make(options: readonly string[]): Promise<Victims> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'ostiary-crash-')));
    await chmod(folder, 0o755);
    return new Victims(folder, options);
  }

  get server(): ServerProcess {
    if (this.#server === undefined) throw new TypeError('the server was not started');
    return this.#server;
  }

  /** Starts the server, by the same command each time. */
  async start(): Promise<void> {
    this.#server = await ServerProcess.start(['--data', join(this.#folder, 'data'), ...this.#options]);
  }

  /** The number of PostgreSQL's first process. Finding it takes a while. */
  async postmaster(): Promise<number> {
    const [postmaster] = await databasesIn(this.#folder);
    if (postmaster === undefined) throw new Error('its PostgreSQL does not run');
    return postmaster;
  }

  /** Kills without a warning, and returns when all are dead that die of it. */
  async kill(victim: Victim, postmaster: number, random: Random): Promise<void> {
    const { pid } = this.server;
    const children = await childrenOf(postmaster);
    const postgres = [postmaster, ...children.map((child) => child.pid)];
    const clients = children.filter(({ title }) => /^postgres: \S+ \S+ \[local\]/.test(title));
    const targets = {
      server: () => [pid],
      postgres: () => postgres,
      backend: () => [random.pick(clients).pid],
      both: () => (random.below(2) === 0 ? [pid, ...postgres] : [...postgres, pid]),
    }[victim]();
    for (const target of targets) killNow(target);
    if (endsServer(victim)) await this.server.kill();
    if (victim !== 'backend') return;
    // PostgreSQL hears of it in its own time, and until then its other processes answer.
    await this.server.until('PostgreSQL had ended those who were connected', async () => {
      const left = await childrenOf(postmaster);
      return !clients.some(({ pid }) => left.some((child) => child.pid === pid));
    });
  }

  /** A look into the database beside the server. */
  async look<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const { connection } = await joinEmbedded(join(this.#folder, 'data'));
    this.#socket = connection.host;
    const database = openDatabase({ ...connection, max: 1 });
    return work(database).finally(() => database.close());
  }

  /** Stops as Ctrl-C does. Throws if that leaves something running. */
  async stop(): Promise<void> {
    const code = await this.server.stop();
    const left = await databasesIn(this.#folder);
    if (code !== 0 || left.length > 0) throw new Error(`it stopped with ${code}, and left running: ${left.join(', ')}`);
  }

  /** Leaves no process and no folder, whatever happened. */
  async remove(): Promise<void> {
    await this.#server?.kill();
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
