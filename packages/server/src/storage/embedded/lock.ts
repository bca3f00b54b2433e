import { lstat, lutimes, readdir, readFile, readlink, symlink, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedError, ignoring, systemCode } from './error.js';
import { lookUpProcess } from './process.js';

/** The right to use a folder. It ends with `release`, or with the process. */
export interface Lock {
  release(): Promise<void>;
}

const PREFIX = 'lock.';
const FREE = 'free';
const BEAT = 2_000;
const SILENT = 10_000;

/**
 * Takes the exclusive right to use `folder`.
 *
 * The lock is a symbolic link that points to the name of its holder: made in one step, with its content. Holders take
 * turns as `lock.1`, `lock.2` and so on; the highest number counts and is only removed once there is a higher one. So
 * nobody can mistake a lock that was just taken for the stale one that it replaced.
 *
 * Throws EmbeddedError `in_use` when another living process has it.
 */
export async function takeLock(folder: string, log: (line: string) => void): Promise<Lock> {
  const me = await thisProcess();
  for (;;) {
    const last = await latest(folder);
    if (last > 0 && (await isHeld(folder, last, log))) {
      throw new EmbeddedError(
        'in_use',
        `Another server uses the data folder ${folder}. Stop that one first, or give this one a folder of its own.`,
      );
    }
    const mine = last + 1;
    if (!(await claim(folder, mine, me))) continue;
    if ((await latest(folder)) !== mine) {
      await remove(folder, mine);
      continue;
    }
    await removeBefore(folder, mine);
    const beat = setInterval(() => keepFresh(path(folder, mine)), BEAT);
    beat.unref();
    return {
      async release() {
        clearInterval(beat);
        if (await claim(folder, mine + 1, FREE)) await remove(folder, mine);
      },
    };
  }
}

function path(folder: string, turn: number): string {
  return join(folder, `${PREFIX}${turn}`);
}

async function turns(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder);
  return names.filter((name) => /^lock\.[1-9]\d*$/.test(name)).map((name) => Number(name.slice(PREFIX.length)));
}

async function latest(folder: string): Promise<number> {
  return Math.max(0, ...(await turns(folder)));
}

async function claim(folder: string, turn: number, holder: string): Promise<boolean> {
  try {
    await symlink(holder, path(folder, turn));
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function remove(folder: string, turn: number): Promise<void> {
  await unlink(path(folder, turn)).catch(ignoring('ENOENT'));
}

async function removeBefore(folder: string, turn: number): Promise<void> {
  for (const other of await turns(folder)) if (other < turn) await remove(folder, other);
}

function keepFresh(link: string): void {
  const now = new Date();
  lutimes(link, now, now).catch(() => {});
}

async function isHeld(folder: string, turn: number, log: (line: string) => void): Promise<boolean> {
  const holder = await readlink(path(folder, turn)).catch(ignoring('ENOENT'));
  if (holder === undefined || holder === FREE) return false;
  const [pid, started, ...system] = holder.split(' ');
  if (system.join(' ') === (await thisSystem())) return (await lookUpProcess(Number(pid)))?.started === started;
  return isFresh(path(folder, turn), log);
}

/** A holder in another container or on another machine cannot be looked up: it is alive while it touches its lock. */
async function isFresh(link: string, log: (line: string) => void): Promise<boolean> {
  const touched = async () => (await lstat(link).catch(ignoring('ENOENT')))?.mtimeMs ?? 0;
  const first = await touched();
  if (Math.abs(Date.now() - first) > SILENT) return false;
  log('Another server used this data folder a moment ago: waiting to see whether it still does ...');
  while (Math.abs(Date.now() - first) < SILENT) {
    await delay(BEAT / 4);
    if ((await touched()) !== first) return true;
  }
  return false;
}

async function thisProcess(): Promise<string> {
  const facts = await lookUpProcess(process.pid);
  return `${process.pid} ${facts?.started ?? 'unknown'} ${await thisSystem()}`;
}

/** What process numbers mean something in: the running kernel and its process namespace. */
async function thisSystem(): Promise<string> {
  if (process.platform !== 'linux') return hostname();
  const [boot, namespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readlink('/proc/self/ns/pid').catch(() => 'unknown'),
  ]);
  return `${boot.trim()} ${namespace}`;
}
