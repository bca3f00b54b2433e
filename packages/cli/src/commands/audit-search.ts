import { INSTALLATION, type SealedEntry, searchTrail, selectionOf, writeAudit } from '@ostiary/server';
import { Command, InvalidArgumentError } from 'commander';
import { withTrail } from '../installation.js';
import { print, say } from '../terminal.js';
import { visible, visibleJson } from '../visible.js';
import { type FilterOptions, filtersOf, withFilters } from './audit-filters.js';
import { dataOption } from './options.js';

interface Options extends FilterOptions {
  readonly data: string;
  readonly limit: number;
  readonly json?: boolean;
}

const MOST = 10_000;

export function auditSearchCommand(): Command {
  return withFilters(new Command('search').description('entries of the audit trail, the newest first'))
    .option('--limit <number>', 'at most so many', limit, 50)
    .option('--json', 'whole entries as JSON Lines')
    .addOption(dataOption())
    .action(async (options: Options) => {
      await withTrail(options, async ({ database, runtime, applications }) => {
        const filters = await filtersOf(options, applications);
        const entries = await searchTrail(database, selectionOf(filters), options.limit);
        await writeAudit(database.db, runtime, {
          application: filters.application ?? INSTALLATION,
          event: 'audit.read',
          outcome: 'allowed',
          detail: { filters, by: 'command line' },
        });
        for (const entry of entries) print(options.json ? visibleJson(entry) : line(entry));
        if (entries.length === 0) say('Nothing in the trail fits.');
        if (entries.length === options.limit) say(`The newest ${options.limit}: say --limit for more.`);
      });
    });
}

/** When, in which application, who, what came of it. */
function line(entry: SealedEntry): string {
  const { at, application, principalKind, principalId, login, event, outcome, action, resourceType, recordId } = entry;
  const who = principalKind === undefined ? (login ?? '-') : `${principalKind}:${login ?? principalId}`;
  const what = [event, outcome, action, resourceType, recordId].filter((part) => part !== undefined);
  return [at, application, who, what.join(' ')].map(visible).join('  ');
}

function limit(text: string): number {
  const number = Number(text);
  if (/^[1-9]\d*$/.test(text) && number <= MOST) return number;
  throw new InvalidArgumentError(`It is a number from 1 to ${MOST}. For more, export.`);
}
