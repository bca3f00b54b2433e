import { type Needs, needsFor, type Principal } from '@ostiary/policy';
import {
  columnOf,
  type Filter,
  filter,
  filterSql,
  Parameters,
  pageSql,
  showsField,
  tableOf,
} from '@ostiary/policy/sql';
import { environment, refuseFields } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { type BoundedCache, createBoundedCache } from '../bounded-cache.js';
import type { Executor } from '../storage/database.js';
import { prepare } from '../storage/prepared.js';
import { query } from '../storage/query.js';
import { type LoadedRecord, selectList, toRecord } from '../storage/rows.js';
import { problemOf } from './integrity.js';
import { cursorOf, fieldsOf, type ListQuery, MOST, type Sort, whereOf } from './list-query.js';

/** Which records a list has: those on which the caller may do an action, and that fit more than the caller asks. */
export interface Among {
  readonly action: string;
  readonly where: (parameters: Parameters) => readonly string[];
}

/** Those of a plain list. */
export const LISTED: Among = { action: 'list', where: () => [] };

/**
 * The records on a page of a list, as they are: nothing is masked yet.
 * @throws Refusal where the caller asks to sort or filter by what it may not see
 */
export async function readPage(
  context: Context,
  caller: Caller,
  executor: Executor,
  type: string,
  asked: ListQuery,
  among: Among = LISTED,
): Promise<{ readonly rows: readonly LoadedRecord[]; readonly next: string | null }> {
  const { policy } = context;
  const { action } = among;
  const reach = reachOf(context, caller, action, type, asked);

  // What a caller filters by may be rare or common, and is planned for as it is; all else is planned for once.
  const numbered = (asked.offset ?? 0) > 0 || (asked.then ?? []).length > 0;
  const plain = among.where === LISTED.where && asked.tests.length === 0 && !numbered;
  const list = { reach, among };
  const { text, values, needs } = plain
    ? knownStatement(list, asked)
    : writeStatement(list, asked, asked.tests.length === 0 && !numbered);
  const found = await query(executor, text, values).catch((error: unknown) => {
    throw problemOf(error);
  });
  const rows = found.slice(0, asked.limit).map((row) => toRecord(policy, type, row, needs));
  const last = rows.at(-1);
  return { rows, next: found.length > asked.limit && last ? cursorOf(asked, last) : null };
}

/** Whose records a page has, and which of them. */
interface List {
  readonly reach: Filter;
  readonly among: Among;
}

interface Statement extends Pick<Parameters, 'values' | 'named'> {
  readonly text: string;
  /** What it loads of each record beside its fields. */
  readonly needs: Needs;
}

function writeStatement({ reach, among }: List, asked: ListQuery, planned: boolean): Statement {
  const { policy, type, principal } = reach;
  // What deciding on a record and showing it needs: rules about other actions may ask for much more.
  const needs = needsFor(policy, type, [...new Set([among.action, 'list'])], principal.kind);
  const parameters = new Parameters(planned);
  const sort = asked.sort ?? BY_ID;
  const where = [...whereOf(reach, asked, parameters), ...among.where(parameters)];
  const { offset = 0, then = [] } = asked;
  const last = then.at(-1) ?? sort;
  const keys = [sort, ...then, ...(last.field === 'id' ? [] : [{ ...last, field: 'id' }])];
  const limit = sizeOf(asked.limit) + 1;
  const ids =
    offset === 0 && then.length === 0
      ? pageSql(reach, parameters, { sort, limit, after: asked.after, where })
      : numberedSql(reach, parameters, where, keys, `limit ${limit} offset ${offset}`);
  // By what the page is in order of already, so that PostgreSQL has nothing to sort.
  const order = inOrder(keys, ({ field }, index) => (field === 'id' ? 'page.id' : `page.k${index}`));
  // Record by record: a join would be planned as one with the whole table as long as that is small.
  const record = `select t.* from ${tableOf(policy.model, type)} t where t.id = page.id offset 0`;
  const text = `select ${selectList(policy, type, needs)} from (${ids}) page cross join lateral (${record}) t order by ${order}`;
  const { values, named } = parameters;
  return { text: planned ? prepare(text) : text, values, named, needs };
}

function inOrder(keys: readonly Sort[], nameOf: (key: Sort, index: number) => string): string {
  return keys.map((key, index) => `${nameOf(key, index)}${key.descending ? ' desc' : ''}`).join(', ');
}

/** A page somewhere in a list, or by several keys: all that comes before it is read. */
function numberedSql(
  reach: Filter,
  parameters: Parameters,
  where: readonly string[],
  keys: readonly Sort[],
  part: string,
): string {
  const conditions = [filterSql(reach, parameters, 't'), ...where].join(' and ');
  const selected = keys.flatMap(({ field }, index) => (field === 'id' ? [] : [`t.${columnOf(field)} as k${index}`]));
  const order = inOrder(keys, ({ field }) => `t.${columnOf(field)}`);
  return `select ${[...selected, 't.id'].join(', ')} from ${tableOf(reach.policy.model, reach.type)} t
    where ${conditions} order by ${order} ${part}`;
}

/**
 * How many records a list has: of those that are there as it is asked. All of them are read for it.
 * @throws Refusal where the caller asks to filter by what it may not see
 */
export async function countListed(
  context: Context,
  caller: Caller,
  type: string,
  asked: ListQuery,
  { action, where }: Among = LISTED,
): Promise<number> {
  const { database, policy } = context;
  const reach = reachOf(context, caller, action, type, asked);
  const parameters = new Parameters();
  const conditions = [filterSql(reach, parameters, 't'), ...whereOf(reach, asked, parameters), ...where(parameters)];
  const [counted] = await query<{ count: string }>(
    database.db,
    `select count(*) as count from ${tableOf(policy.model, type)} t where ${conditions.join(' and ')}`,
    parameters.values,
  ).catch((error: unknown) => {
    throw problemOf(error);
  });
  return Number(counted?.count ?? 0);
}

/** The records that a list may have, once it is sure that the caller may ask for it like that. */
function reachOf(context: Context, caller: Caller, action: string, type: string, asked: ListQuery): Filter {
  const fields = fieldsOf(asked);
  const whole = filter(context.policy, principalOf(caller), action, type, environment(context));
  const reach = fields.length === 0 ? whole : { ...whole, branches: telling(whole.branches) };
  // Where there is nothing to list, there is nothing to be told either.
  const tellsNone = reach.branches.length === 0 && whole.branches.length > 0;
  const refused = fields.filter((field) => tellsNone || !showsField(reach, field));
  if (refused.length > 0) {
    const why = `A list of ${type} is filtered and sorted by fields that every record in it shows you, which these are not`;
    throw refuseFields(context, caller, action, type, refused, null, why);
  }
  return reach;
}

const tellings = new WeakMap<Filter['branches'], Filter['branches']>();

/** Without what shows nothing but that a record is there: a filter, or an order, would tell more of it. */
function telling(branches: Filter['branches']): Filter['branches'] {
  const known = tellings.get(branches);
  if (known !== undefined) return known;
  const found = branches.filter(({ fields }) => fields.length > 0);
  tellings.set(branches, found);
  return found;
}

const BY_ID = { field: 'id', descending: false };

/** Of so many forms of a page the statement is kept for each caller and list; of so many texts, one for all callers. */
const [FORMS, TEXTS] = [8, 1_000];

const statements = new WeakMap<Filter['branches'], BoundedCache<Statement>>();
const texts = createBoundedCache<string>(TEXTS);

/** The statement of a page without tests: written once as long as the caller's rights stand, and asked with other values. */
function knownStatement(list: List, asked: ListQuery): Pick<Statement, 'text' | 'values' | 'needs'> {
  const { reach } = list;
  const { sort, after, limit } = asked;
  const { field, descending } = sort ?? BY_ID;
  const known = statements.get(reach.branches) ?? createBoundedCache<Statement>(FORMS);
  statements.set(reach.branches, known);
  const form = `${sizeOf(limit)} ${descending} ${after === null ? 'first' : after.value === null} ${field}`;
  const found = known.get(form);
  const statement = found ?? shared(writeStatement(list, asked, true));
  if (found === undefined) known.set(form, statement);
  const values = [...statement.values];
  const given = { now: reach.environment.now, id: after?.id, value: after?.value };
  for (const { name, index } of statement.named) values[index] = given[name];
  return { ...statement, values };
}

/** With the text that others have already, if they have it: it is long, and is compared with what is prepared. */
function shared(statement: Statement): Statement {
  const text = texts.get(statement.text) ?? statement.text;
  texts.set(text, text);
  return { ...statement, text };
}

/** Lists are read in a few sizes, and the rest is left out: each is a statement of its own. */
const SIZES = [10, 25, 50, 100];

function sizeOf(limit: number): number {
  return SIZES.find((size) => size >= limit) ?? MOST;
}

export function principalOf(caller: Caller): Principal {
  if (caller.principal === null) throw new TypeError('the installation itself reads through the store');
  return caller.principal;
}
