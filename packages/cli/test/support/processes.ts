import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
export const PROGRAM = join(ROOT, 'packages/cli/bin/ostiary.js');

/** The numbers of the PostgreSQL processes that run on a cluster below a folder. */
export async function databasesIn(folder: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const pid of await readdir('/proc')) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`postgres\0-D\0${folder}`)) found.push(Number(pid));
  }
  return found;
}

/** The processes that a process has started and that still run. */
export async function childrenOf(parent: number): Promise<readonly { readonly pid: number; readonly title: string }[]> {
  const pids = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8').catch(() => '');
  const titled = pids
    .split(' ')
    .filter(Boolean)
    .map(async (pid) => {
      return { pid: Number(pid), title: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') };
    });
  return Promise.all(titled);
}

/** Kills a process, unless it is gone already. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
