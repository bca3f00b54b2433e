import { Parameters } from '@ostiary/policy/sql';
import { readId } from '../input/ids.js';
import type { Database } from '../storage/database.js';
import { query } from '../storage/query.js';
import { entryColumns, type SealedEntry, toEntry } from './entry.js';
import { EVENTS } from './trail.js';

/** What to look for in the trail: everything that is given has to fit. */
export interface AuditFilters {
  /** A principal's id, user name or kind, or `kind:` with one of the others behind it. */
  readonly who?: string;
  /** An event, its first word, or an action. */
  readonly what?: string;
  readonly type?: string;
  readonly record?: string;
  /** From this instant on. */
  readonly from?: Date;
  /** Before this instant. */
  readonly until?: Date;
  readonly outcome?: string;
  readonly application?: string;
}

/** Some entries of the trail: a table or view with their ids, under the alias `t`, and what they have to fulfil. */
export interface Selection {
  readonly from: string;
  readonly where: (parameters: Parameters) => readonly string[];
}

/** The entries that fit filters. */
export function selectionOf(filters: AuditFilters): Selection {
  const { who, what, type, record, from, until, outcome, application } = filters;
  return {
    from: 'ostiary.audit',
    where: (parameters) => [
      ...(who === undefined ? [] : [byWhom(who, parameters)]),
      ...(what === undefined ? [] : [whatHappened(what, parameters)]),
      ...(type === undefined ? [] : [`t.resource_type = ${parameters.add(type, 'text')}`]),
      ...(record === undefined ? [] : [`t.record_id = ${parameters.add(record, 'text')}`]),
      ...(from === undefined ? [] : [`t.at >= ${parameters.add(from, 'timestamptz')}`]),
      ...(until === undefined ? [] : [`t.at < ${parameters.add(until, 'timestamptz')}`]),
      ...(outcome === undefined ? [] : [`t.outcome = ${parameters.add(outcome, 'text')}`]),
      ...(application === undefined ? [] : [`t.application = ${parameters.add(application, 'text')}`]),
    ],
  };
}

/** The newest entries of a selection, at most so many. */
export async function searchTrail(
  database: Database,
  { from, where }: Selection,
  limit: number,
): Promise<readonly SealedEntry[]> {
  const parameters = new Parameters();
  const conditions = ['true', ...where(parameters)].join(' and ');
  const rows = await query(
    database.db,
    `select ${entryColumns('t')} from ${from} t where ${conditions} order by t.id desc limit ${parameters.add(limit, 'int')}`,
    parameters.values,
  );
  return rows.map(toEntry);
}

function byWhom(who: string, parameters: Parameters): string {
  const [, kind, name = ''] = /^([^:]+):(.+)$/.exec(who) ?? [null, undefined, who];
  const id = readId(name);
  if (id !== null) return `t.principal_id = ${parameters.add(id, 'uuid')}${ofKind(kind, parameters)}`;
  const text = parameters.add(name, 'text');
  return kind === undefined
    ? `(t.login = ${text} or t.principal_kind = ${text})`
    : `t.login = ${text}${ofKind(kind, parameters)}`;
}

function ofKind(kind: string | undefined, parameters: Parameters): string {
  return kind === undefined ? '' : ` and t.principal_kind = ${parameters.add(kind, 'text')}`;
}

function whatHappened(what: string, parameters: Parameters): string {
  const events = EVENTS.filter((event) => event === what || event.startsWith(`${what}.`));
  if (events.length > 0) return `t.event = any(${parameters.add(events, 'text[]')})`;
  return `t.action = ${parameters.add(what, 'text')}`;
}
