import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Failure } from './failure.js';

/** Writes a file under another name and renames it when it is whole and on the disk. Only its owner can read it. */
export async function writeWhole<T>(
  file: string,
  force: boolean,
  write: (out: NodeJS.WritableStream) => Promise<T>,
): Promise<T> {
  const path = resolve(file);
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
  const exists = await open(path).then(
    (handle) => handle.close().then(() => true),
    () => false,
  );
  if (exists && !force) throw new Failure('refused', `${path} is there already: take another name, or say --force.`);
  const handle = await open(draft, 'wx', 0o600).catch((cause: unknown) => {
    throw new Failure('refused', `${path} can't be written: ${(cause as Error).message}.`, { cause });
  });
  try {
    const result = await write(handle.createWriteStream({ flush: true }));
    await rename(draft, path);
    return result;
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
