import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { snakeCase } from '@ostiary/policy';
import { createTables, type Database, INSTALLATION, restore, seal, systemRuntime, writeAudit } from '@ostiary/server';
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
          declaring: applications
            .filter(({ application }) => application.declared !== undefined)
            .map((found) => snakeCase(nameOf(found))),
          progress: say,
        });
        await tellTheTrail(opened.database, file);
        const rows = tables.reduce((total, table) => total + table.rows, 0);
        print(`Restored ${rows} rows of ${tables.length} tables into ${opened.where}.`);
      } finally {
        await handle.close().catch(() => {});
        await opened.close();
      }
    });
}

/** In the trail that was restored, which goes on with it. */
async function tellTheTrail(database: Database, file: string): Promise<void> {
  await writeAudit(database.db, systemRuntime, {
    application: INSTALLATION,
    event: 'backup.restored',
    outcome: 'allowed',
    detail: { file: basename(file), by: 'command line' },
  });
  await seal({ database, runtime: systemRuntime }).catch(() => null);
}
