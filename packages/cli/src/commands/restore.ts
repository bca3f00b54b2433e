import { open } from 'node:fs/promises';
import { createTables, restore } from '@ostiary/server';
import { Command } from 'commander';
import { findApplications } from '../applications.js';
import { openConfigured } from '../database.js';
import { Failure } from '../failure.js';
import { confirm, print, say } from '../terminal.js';
import { dataOption } from './options.js';

interface Options {
  readonly data: string;
  readonly yes?: boolean;
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('bring a backup back, into an empty database only')
    .argument('<file>', 'what `ostiary backup` wrote')
    .option('--yes', 'do not ask before it is written')
    .addOption(dataOption())
    .action(async (file: string, options: Options) => {
      const applications = await findApplications();
      const handle = await open(file).catch((cause: unknown) => {
        throw new Failure('usage', `${file} can't be read: ${(cause as Error).message}.`, { cause });
      });
      const opened = await openConfigured({ data: options.data, progress: say, join: true });
      try {
        if (!options.yes && !(await confirm(`Restore ${file} into ${opened.where}?`, '--yes'))) {
          throw new Failure('refused', 'Nothing was changed.');
        }
        const { tables } = await restore(opened.database.pool, handle.createReadStream(), {
          createSchema: () =>
            createTables(
              opened.database,
              applications.map(({ application }) => application),
            ),
          progress: say,
        });
        const rows = tables.reduce((total, table) => total + table.rows, 0);
        print(`Restored ${rows} rows of ${tables.length} tables into ${opened.where}.`);
      } finally {
        await handle.close().catch(() => {});
        await opened.close();
      }
    });
}
