import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ExportFormat, exportTrail, INSTALLATION, selectionOf, writeAudit } from '@ostiary/server';
import { Command, Option } from 'commander';
import { withTrail } from '../installation.js';
import { print, say } from '../terminal.js';
import { writeWhole } from '../whole-file.js';
import { type FilterOptions, filtersOf, withFilters } from './audit-filters.js';
import { dataOption } from './options.js';
import { progressIn } from './progress.js';

interface Options extends FilterOptions {
  readonly data: string;
  readonly format: ExportFormat;
  readonly out?: string;
  readonly force?: boolean;
}

export function auditExportCommand(): Command {
  return withFilters(new Command('export').description('write entries into a file, or to standard output'))
    .addOption(
      new Option('--format <format>', 'jsonl can be verified without the server; csv is for a spreadsheet')
        .choices(['jsonl', 'csv'])
        .default('jsonl'),
    )
    .option('--out <file>', 'such as audit-2026-03.jsonl')
    .option('--force', 'write over the file if it is there')
    .addOption(dataOption())
    .action(async (options: Options) => {
      await withTrail(options, async ({ database, runtime, applications }) => {
        const { format, out } = options;
        const filters = await filtersOf(options, applications);
        await writeAudit(database.db, runtime, {
          application: filters.application ?? INSTALLATION,
          event: 'audit.exported',
          outcome: 'allowed',
          detail: { format, filters, by: 'command line' },
        });
        const how = { format, filters: { ...filters }, progress: progressIn('places of the chain') };
        const parts = async () => Readable.from(await exportTrail({ database, runtime }, selectionOf(filters), how));
        if (out === undefined) {
          await pipeline(await parts(), process.stdout, { end: false });
        } else {
          await writeWhole(out, options.force === true, async (file) => pipeline(await parts(), file as Writable));
          print(`Wrote ${out}.`);
          if (format === 'jsonl') say(`Anyone can verify it, without the server: ostiary audit verify ${out}`);
        }
      });
    });
}
