import { open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ignoring } from './error.js';

const LARGEST = 4 * 1024 * 1024;

/** The file that PostgreSQL writes its messages to. */
export interface LogFile {
  readonly path: string;
  readonly descriptor: number;
  /** What was written since it was opened here. */
  added(): Promise<string>;
  close(): Promise<void>;
}

/** Opens the log of a home for adding to it. A log that grew large is put aside first, over the one before it. */
async function openLogFile(home: string): Promise<LogFile> {
  const path = join(home, 'postgresql.log');
  const before = await stat(path).catch(ignoring('ENOENT'));
  const full = before !== undefined && before.size > LARGEST;
  if (full) await rename(path, `${path}.1`);
  const start = full ? 0 : (before?.size ?? 0);
  const file = await open(path, 'a', 0o600);
  return {
    path,
    descriptor: file.fd,
    added: async () => (await readFile(path)).subarray(start).toString(),
    close: () => file.close(),
  };
}

/** Opens the log of a home for as long as some work takes. */
export async function withLogFile<T>(home: string, work: (logFile: LogFile) => Promise<T>): Promise<T> {
  const logFile = await openLogFile(home);
  try {
    return await work(logFile);
  } finally {
    await logFile.close();
  }
}

/** The line of a log that says best why a program gave up. */
export function lastComplaint(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const complaint = lines.findLast((line) => /FATAL:|PANIC:|^(postgres|initdb): /.test(line)) ?? lines.at(-1) ?? '';
  return complaint.replace(/^.*?(FATAL|PANIC|error): +/, '') || 'it gave no reason';
}
