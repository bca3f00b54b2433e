import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** What tells one running process from another that got the same number later. */
export interface ProcessFacts {
  /** When it started, as one word: only good for comparing. */
  readonly started: string;
  /** Its command line, joined by spaces. */
  readonly command: string;
}

/** Looks up a process by its number. Undefined when there is none; a zombie counts as none. */
export function lookUpProcess(pid: number): Promise<ProcessFacts | undefined> {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

async function fromProc(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    // The name in parentheses may hold anything, so count from its end: state is field 3, start time field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, started] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X' || started === undefined) return undefined;
    return { started, command: command.split('\0').join(' ').trim() };
  } catch {
    return undefined;
  }
}

async function fromPs(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const columns = ['-o', 'state=', '-o', 'lstart=', '-o', 'command='];
    const { stdout } = await promisify(execFile)('ps', [...columns, '-p', String(pid)], { env: { LC_ALL: 'C' } });
    const [, state, started, command] = /^(\S+)\s+(\S+ +\S+ +\S+ +\S+ +\S+)\s+(.*)$/.exec(stdout.trim()) ?? [];
    if (started === undefined || command === undefined || state?.startsWith('Z')) return undefined;
    return { started: started.replaceAll(/ +/g, '-'), command };
  } catch {
    return undefined;
  }
}

/** Whether the number belongs to anything at all that a signal would reach: a program or a zombie. */
export function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
