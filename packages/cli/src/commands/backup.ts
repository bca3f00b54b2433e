import { snakeCase } from '@ostiary/policy';
import { backup } from '@ostiary/server';
import { Command } from 'commander';
import { openConfigured, requireDatabase } from '../database.js';
import { requireInstallation } from '../installation.js';
import { print, say } from '../terminal.js';
import { writeWhole } from '../whole-file.js';
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
