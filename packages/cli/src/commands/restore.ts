import { open } from 'node:fs/promises';
import { snakeCase } from '@ostiary/policy';
import { createTables, restore } from '@ostiary/server';
import { Command } from 'commander';
import { type Found, findAllApplications, nameOf } from '../applications.js';
import { openConfigured } from '../database.js';
import { Failure } from '../failure.js';
import { requireAll } from '../installation.js';
import { confirm, print, say } from '../terminal.js';
import { appsOption, dataOption } from './options.js';

interface Options {
  readonly data: string;
  readonly app: readonly string[];
  readonly yes?: boolean;
}

export function restoreCommand(): Command {
  return new Command('restore')
    .description('bring a backup back, into an empty database only')
    .argument('<file>', 'what `ostiary backup` wrote')
    .option('--yes', 'do not ask before it is written')
    .addOption(appsOption())
    .addOption(dataOption())
    .action(async (file: string, options: Options) => {
      const applications = await findAllApplications(options.app);
      const handle = await open(file).catch((cause: unknown) => {
        throw new Failure('usage', `${file} can't be read: ${(cause as Error).message}.`, { cause });
      });
      const opened = await openConfigured({ data: options.data, progress: say, join: true });
      try {
        if (!options.yes && !(await confirm(`Restore ${file} into ${opened.where}?`, '--yes'))) {
          throw new Failure('refused', 'Nothing was changed.');
        }
        const { tables } = await restore(opened.database.pool, handle.createReadStream(), {
          createSchema: async (schemas) => {
            const schemaOf = (found: Found) => snakeCase(nameOf(found));
            requireAll(
              schemas.filter((name) => name !== 'ostiary'),
              applications.map(schemaOf),
              `The backup ${file}`,
            );
            const wanted = applications.filter((found) => schemas.includes(schemaOf(found)));
            await createTables(
              opened.database,
              wanted.map(({ application }) => application),
            );
          },
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
