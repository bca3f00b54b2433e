import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach } from 'vitest';
import { makeDataFolder } from '../../../server/test/support/data-folder.js';
import { databasesIn, PROGRAM, ROOT } from './processes.js';

export { databasesIn, makeDataFolder, ROOT };

/** One of the applications under apps/, for what does not depend on how many there are: it starts in half the time. */
export const ONE = ['--app', 'open-data-capture'];

const PATIENCE = 60_000;

/** How a command ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  /** Milliseconds until it said that it is ready. */
  readonly took: number;
  said(): string;
  logged(): string;
  /** How it ended. */
  readonly ended: Promise<Ended>;
  /** Sends a signal, as Ctrl-C does, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Start by scripts/start.mjs, as `npm start` does. */
  readonly script?: boolean;
}

const running = new Set<ChildProcess>();
const folders: string[] = [];

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});
afterAll(async () => {
  for (const folder of folders.splice(0)) {
    for (const pid of await databasesIn(folder)) process.kill(pid, 'SIGQUIT');
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
});

/** Makes an empty folder that every user can enter, and removes it after the file's tests. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'ostiary-cli-')));
  await chmod(folder, 0o755);
  folders.push(folder);
  return folder;
}

/** Makes a folder for data in one of those, where a PostgreSQL finds its programs. */
export async function dataFolder(): Promise<string> {
  return makeDataFolder(join(await temporaryFolder(), 'data'));
}

/** A port that nothing listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function start(args: readonly string[], { env = {}, input, script = false }: Surroundings) {
  // What the tests themselves were started with says nothing about the command.
  const { PATH, HOME = '/' } = process.env;
  const child = spawn(process.execPath, script ? [join(ROOT, 'scripts/start.mjs'), ...args] : [PROGRAM, ...args], {
    env: { PATH, HOME, ...env },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  child.stdin.end(input);
  const ended = once(child, 'close').then(([code]): Ended => {
    running.delete(child);
    return { code: code as number | null, out, err };
  });
  return { child, ended, out: () => out, err: () => err };
}

/** Runs a command to its end. */
export async function ostiary(args: readonly string[], surroundings: Surroundings = {}): Promise<Ended> {
  const { child, ended } = start(args, surroundings);
  const tooLong = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  return ended.finally(() => clearTimeout(tooLong));
}

/** Starts the server and waits until it says that it is ready. */
export async function serve(args: readonly string[], surroundings: Surroundings = {}): Promise<Running> {
  const began = performance.now();
  const { child, ended, out, err } = start(surroundings.script ? args : ['serve', ...args], surroundings);
  let end: Ended | undefined;
  ended.then((how) => {
    end = how;
  });
  while (!out().includes('Ctrl-C stops it.')) {
    if (end || performance.now() - began > PATIENCE) {
      throw new Error(`The server did not start (exit code ${end?.code}). It said:\n${out()}${err()}`);
    }
    await delay(10);
  }
  const took = Math.round(performance.now() - began);
  const url = /is ready: (http\S+?)\/$/m.exec(out())?.[1] ?? '';
  return {
    child,
    url,
    took,
    said: out,
    logged: err,
    ended,
    stop(signal = 'SIGINT') {
      child.kill(signal);
      return ended;
    },
  };
}

/** Runs a line in a shell, as pasted. */
export function shell(line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', line], (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}

/** The indented line of the start-up text that begins with `curl`. */
export function curlLine(said: string): string {
  const line = said.split('\n').find((candidate) => candidate.trim().startsWith('curl '));
  if (line === undefined) throw new Error(`There is no curl line in what the server said:\n${said}`);
  return line.trim();
}

/** Logs in to Open Data Capture, and returns the answer. */
export function logIn(base: string, username: string, password: string): Promise<Response> {
  return post(`${base}/auth/login`, { username, password });
}

export function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}
