import type { Model } from '@ostiary/policy';
import { columnOf, Parameters, tableOf } from '@ostiary/policy/sql';
import type { Context } from '../application/context.js';
import { loginKey } from '../identity/login-key.js';
import { readId } from '../input/ids.js';
import { keep } from '../storage/prepared.js';
import { query } from '../storage/query.js';

/** Among which records and accounts something is looked for. */
export interface Among {
  /** Null for principals without records. */
  readonly type: string | null;
  /** The kinds of principal whose log-ins name them. */
  readonly kinds: readonly string[];
}

/** A text, and an id that it leads to. */
interface Lead {
  readonly given: string;
  readonly id: string;
}

/** The longest id that a question may have. */
export const LONGEST_ID = 1_000;
/** What PostgreSQL can't keep in text, and what no name should have. */
const UNUSABLE = /[\p{Cc}\p{Cs}]/u;

/** The records of a type; those of principals have log-ins too. */
export function recordsOf(model: Model, type: string): Among & { readonly type: string } {
  const kinds = Object.keys(model.principals).filter((kind) => model.principals[kind] === type);
  return { type, kinds };
}

/** The principals of a kind. */
export function principalsOf(model: Model, kind: string): Among {
  return { type: model.principals[kind] ?? null, kinds: [kind] };
}

/**
 * A query of everything that texts lead to: as an id, as the name that the type is identified by, and as a log-in.
 * Null where they can be nothing but ids.
 */
export function leadsSql({ policy }: Context, among: Among, given: readonly string[], to: Parameters): string | null {
  const { model } = policy;
  const { type, kinds } = among;
  const field = type === null ? undefined : model.resources[type]?.identifiedBy;
  if (field === undefined && kinds.length === 0) return null;
  const ids = given.filter((one) => readId(one) !== null);
  const names = given.filter((one) => one !== '' && one.length <= LONGEST_ID && !UNUSABLE.test(one));
  const parts = [
    `select i.given, i.id from unnest(${to.add(ids, 'text[]')}, ${to.add(ids.map(readId), 'uuid[]')}) i (given, id)`,
  ];
  if (type !== null && field !== undefined) {
    const name = `t.${columnOf(field)}`;
    parts.push(`select ${name}, t.id from ${tableOf(model, type)} t where ${name} = any(${to.add(names, 'text[]')})`);
  }
  if (kinds.length > 0) {
    const keys = `unnest(${to.add(names, 'text[]')}, ${to.add(names.map(loginKey), 'text[]')}) k (given, login)`;
    parts.push(`select k.given, a.principal_id from ${keys} join ostiary.account a on a.login = k.login
      where a.application = ${to.add(model.name, 'text')} and a.kind = any(${to.add(kinds, 'text[]')})`);
  }
  return parts.join(' union ');
}

/**
 * Where each text leads to. One that leads to several, as somebody's name that is another's log-in, leads to none: who
 * chooses a name must not take over what is decided about others.
 */
export function only(leads: readonly Lead[]): ReadonlyMap<string, string | null> {
  const found = new Map<string, string | null>();
  for (const { given, id } of leads) found.set(given, found.has(given) && found.get(given) !== id ? null : id);
  return found;
}

/** The one id that each text leads to, if any. Whether there is a record of an id is not asked. */
export async function idsOf(
  context: Context,
  among: Among,
  given: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const parameters = new Parameters();
  const leads = given.length === 0 ? null : leadsSql(context, among, given, parameters);
  if (leads === null) return new Map(given.map((one) => [one, readId(one)]));
  return only(await query<Lead & Record<string, unknown>>(context.database.db, keep(leads), parameters.values));
}
