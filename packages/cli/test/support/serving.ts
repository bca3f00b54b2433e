import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { killNow, PROGRAM } from './processes.js';

const PATIENCE = 120_000;

/** A server in a process of its own, for programs that kill it. Rates are off: they are held against whoever asks much. */
export class ServerProcess {
  readonly #child: ChildProcess;
  #said = '';
  /** Where Open Data Capture begins. */
  url = '';

  private constructor(options: readonly string[], environment: Readonly<Record<string, string>>) {
    const { PATH, HOME = '/' } = process.env;
    const child = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0', ...options], {
      env: { PATH, HOME, OSTIARY_LOG: 'silent', OSTIARY_RATE_LIMITS: 'off', ...environment },
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
    }
    this.#child = child;
  }

  /** Starts it, and waits until it is ready. */
  static async start(
    options: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ServerProcess> {
    const server = new ServerProcess(options, environment);
    try {
      await server.until('it was ready', () => server.#said.includes('Ctrl-C stops it.'));
    } catch (error) {
      await server.kill();
      throw error;
    }
    const home = /is ready: (http\S+?)\/$/m.exec(server.#said)?.[1];
    server.url = options.includes('--app') ? `${home}` : `${home}/open-data-capture`;
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until something holds. Throws if the server ends before. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!(await holds())) {
      if (this.#hasEnded()) {
        throw new Error(`the server ended by itself (${this.#child.exitCode}) before ${what}. It said:\n${this.#said}`);
      }
      if (Date.now() > deadline) throw new Error(`${PATIENCE} ms have passed before ${what}. It said:\n${this.#said}`);
      await delay(10);
    }
  }

  /** Ends it without a warning, if it has not ended. */
  async kill(): Promise<void> {
    if (!this.#hasEnded()) killNow(this.pid);
    await this.#end();
  }

  /** Stops it as Ctrl-C does. Returns the exit code: null if it did not end. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGINT');
    await this.#end();
    return this.#child.exitCode;
  }

  async #end(): Promise<void> {
    const deadline = Date.now() + PATIENCE;
    while (!this.#hasEnded() && Date.now() < deadline) await delay(5);
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
