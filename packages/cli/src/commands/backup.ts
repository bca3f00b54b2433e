import { basename } from 'node:path';
import { snakeCase } from '@ostiary/policy';
import { backup, INSTALLATION, seal, writeAudit } from '@ostiary/server';
import { Command } from 'commander';
import { type Trail, withTrail } from '../installation.js';
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
      await withTrail(options, async (trail) => {
        const { tables } = await writeWhole(file, options.force === true, async (out) => {
          await tellTheTrail(trail, file);
          const schemas = ['ostiary', ...trail.applications.map(snakeCase)];
          return backup(trail.database.pool, schemas, out, say);
        });
        const rows = tables.reduce((total, table) => total + table.rows, 0);
        print(`Wrote ${rows} rows of ${tables.length} tables to ${file}.`);
        say('It holds everything, the keys and the hashes of passwords too: keep it as safe as the database.');
      });
    });
}

/** Before anything is read, so that whoever reads everything is in the trail; and sealed, so that the backup has it so. */
async function tellTheTrail(trail: Trail, file: string): Promise<void> {
  const { database, runtime, applications } = trail;
  await writeAudit(database.db, runtime, {
    application: INSTALLATION,
    event: 'backup.made',
    outcome: 'allowed',
    detail: { file: basename(file), applications, by: 'command line' },
  });
  // Where somebody else holds up sealing, the entry waits in the queue, in the backup too.
  await seal(trail).catch(() => null);
}
