import { basename } from 'node:path';
import { type AuditFilters, INSTALLATION } from '@ostiary/server';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Failure } from '../failure.js';

/** What the commands that read the trail can be asked for. */
export type FilterOptions = Omit<AuditFilters, 'application'> & { readonly app?: string };

export function withFilters(command: Command): Command {
  return command
    .option('--who <principal>', 'an id, a user name or a kind; or both, as in user:JaneDoe')
    .option('--what <event>', 'an event such as login.failed, its first word, or an action such as delete')
    .option('--type <type>', 'of records of this type, such as Session')
    .option('--record <id>', 'of one record')
    .option('--from <time>', 'from this time on, in UTC: 2026-03-01 or 2026-03-01T09:30:00Z', time)
    .option('--until <time>', 'before this time', time)
    .addOption(new Option('--outcome <outcome>', 'how it ended').choices(['allowed', 'refused', 'failed']))
    .option('--app <name>', 'of one application');
}

/** The filters that were given; refuses an application that the installation does not have. */
export function filtersOf(options: FilterOptions, applications: readonly string[]): AuditFilters {
  const { app, who, what, type, record, from, until, outcome } = options;
  const application = app === undefined ? undefined : basename(app);
  if (application !== undefined && ![...applications, INSTALLATION].includes(application)) {
    throw new Failure('usage', `The installation has ${applications.join(', ')}, and not ${application}.`);
  }
  const given = { who, what, type, record, from, until, outcome, application };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function time(text: string): Date {
  const date = new Date(text);
  const inUtc = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/.test(text);
  if (inUtc && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError('It is a date such as 2026-03-01, or a time in UTC such as 2026-03-01T09:30:00Z.');
}
