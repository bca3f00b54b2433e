import { type AuditFilters, INSTALLATION } from '@ostiary/server';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { findApplications, nameOf } from '../applications.js';
import { Failure } from '../failure.js';
import { isDay } from './options.js';

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
    .option('--app <folder>', 'of one application: its folder, or its name');
}

/** The filters that were given; refuses an application that the installation does not have. */
export async function filtersOf(options: FilterOptions, applications: readonly string[]): Promise<AuditFilters> {
  const { who, what, type, record, from, until, outcome, app } = options;
  const application = app === undefined ? undefined : await applicationOf(app, applications);
  const given = { who, what, type, record, from, until, outcome, application };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

async function applicationOf(asked: string, applications: readonly string[]): Promise<string> {
  const installed = [...applications, INSTALLATION];
  if (installed.includes(asked)) return asked;
  const name = nameOf((await findApplications(asked))[0]);
  if (installed.includes(name)) return name;
  throw new Failure('usage', `The installation has ${applications.join(', ')}, and not ${name}.`);
}

function time(text: string): Date {
  const date = new Date(text);
  const inUtc = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/.test(text);
  if (inUtc && isDay(text) && !Number.isNaN(date.getTime())) return date;
  throw new InvalidArgumentError('It is a date such as 2026-03-01, or a time in UTC such as 2026-03-01T09:30:00Z.');
}
