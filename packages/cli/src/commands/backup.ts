import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { snakeCase } from '@ostiary/policy';
import { backup } from '@ostiary/server';
import { Command } from 'commander';
import { openConfigured, requireDatabase } from '../database.js';
import { Failure } from '../failure.js';
import { requireInstallation } from '../installation.js';
import { print, say } from '../terminal.js';
import { dataOption } from './options.js';

interface Options {
  readonly data: string;
  readonly force?: boolean;
}

export function backupCommand(): Command {
  return new Command('backup')
    .description('write everything that is stored into one file, also while the server runs')
    .argument('<file>', 'such as ostiary-2026-03-01.backup')
    .option('--force', 'write over the file if it is there')
    .addOption(dataOption())
    .action(async (file: string, options: Options) => {
      await requireDatabase(options.data);
      const opened = await openConfigured({ data: options.data, progress: say, join: true });
      try {
        const installation = await requireInstallation(opened);
        const schemas = ['ostiary', ...installation.applications.map(snakeCase)];
        const { tables } = await writeWhole(file, options.force === true, (out) =>
          backup(opened.database.pool, schemas, out, say),
        );
        const rows = tables.reduce((total, table) => total + table.rows, 0);
        print(`Wrote ${rows} rows of ${tables.length} tables to ${file}.`);
        say('It holds everything, the keys and the hashes of passwords too: keep it as safe as the database.');
      } finally {
        await opened.close();
      }
    });
}

/** Writes a file under another name and renames it when it is whole and on the disk. Only its owner can read it. */
async function writeWhole<T>(
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
