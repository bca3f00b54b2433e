import { fieldOf, resourceOf } from '../language/lookup.js';
import type { Model } from '../language/model.js';
import { columnOf, tableOf } from '../sql/names.js';
import { type Parameters, typeOf, write } from '../sql/write.js';
import { type Filter, scopeOf } from './filter.js';
import { type Part, partsOf, type Reach } from './reach.js';

export interface Page {
  /** The field to sort by; records with the same value are in the order of their ids, in the same direction. */
  readonly sort: { readonly field: string; readonly descending: boolean };
  readonly limit: number;
  /** The last record of the page before; null for the first page. */
  readonly after: { readonly value: unknown; readonly id: string } | null;
  /** Further conditions over the alias `t`: the caller's own filters. */
  readonly where: readonly string[];
}

/**
 * The ids of one page, in order, with what they are sorted by as `k0` where that is not the id: the union of the first
 * `limit` of each branch, so that each branch reads no more of its own index than a page. For somebody who reaches much,
 * records are first walked in order, which fills a page at once where they are many of all. The text belongs to the
 * values collected in `parameters`.
 */
export function pageSql(of: Filter, parameters: Parameters, page: Page): string {
  const { field, descending } = page.sort;
  const columns = (field === 'id' ? ['id'] : [field, 'id']).map(columnOf);
  const inOrder = (names: readonly string[]) =>
    `order by ${names.map((name) => `${name}${descending ? ' desc' : ''}`).join(', ')}`;
  const writing: Writing = {
    of,
    parameters,
    page,
    table: `${tableOf(of.policy.model, of.type)} t`,
    columns: columns.map((column, index) => `t.${column} as k${index}`).join(', '),
    order: inOrder(columns.map((column) => `t.${column}`)),
    byKeys: inOrder(columns.map((_, index) => `k${index}`)),
    after: afterSql(of, page, parameters),
  };
  const keys = columns.length === 1 ? 'k0 as id' : 'k0, k1 as id';
  const parts = partsOf(of);
  if (parts.length === 0) {
    // The caller's conditions stay in the text: their values are among the parameters already.
    const none = where([...page.where, ...writing.after('t'), 'false']);
    return `select ${keys} from (select ${writing.columns} from ${writing.table} ${none}) page`;
  }
  const most = Math.max(...parts.map(({ reach }) => walkLength(of, page, reach)));
  const walked = walkedOf(of, page, parts);
  const unfilled = `(select count(*) from walk) < ${page.limit}`;
  const pages = parts.map((part) => `(${branchSql(part, walked.includes(part) ? [unfilled] : [], writing)})`);
  const walk = walked.length === 0 ? '' : `with walk as materialized (${walkSql(walked, most, writing)}) `;
  if (walk !== '') pages.unshift('select * from walk');
  return `${walk}select ${keys} from (${pages.join(' union ')}) page ${writing.byKeys} limit ${page.limit}`;
}

/** What every branch of a page is written with. */
interface Writing {
  readonly of: Filter;
  readonly parameters: Parameters;
  readonly page: Page;
  readonly table: string;
  /** The columns that are sorted by, as `k0` and `k1`; their order, by themselves and by these names. */
  readonly columns: string;
  readonly order: string;
  readonly byKeys: string;
  /** Where the last page ended, as a condition over an alias; or none. */
  readonly after: (alias: string) => readonly string[];
}

function where(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
}

/**
 * The first page of one branch.
 * @param unless conditions on the whole
 */
function branchSql({ condition, reach }: Part, unless: readonly string[], writing: Writing): string {
  const { of, parameters, page, table, columns, order, after } = writing;
  const rest = reach === null ? condition : reach.rest;
  const own = rest.op === 'always' ? [] : [write(rest, scopeOf(of, parameters, 't'))];
  const tests = [...own, ...page.where];
  if (reach !== null) return pagesSql(reach, reach.scopes(of, parameters), tests, unless, writing);
  return `select ${columns} from ${table} ${where([...tests, ...after('t'), ...unless])} ${order} limit ${page.limit}`;
}

/** The first page of those that the branches reach, if it is among the first so many records in the order asked for. */
function walkSql(parts: readonly Part[], most: number, writing: Writing): string {
  const { of, parameters, page, table, columns, order, after } = writing;
  const scope = scopeOf(of, parameters, 't');
  // Some thousand are read into memory, to be looked up there; more are looked up one by one, since then few records are
  // walked: but where the records are the scopes themselves, there may be very many others.
  const inMemory = (parts.every(({ reach }) => reach?.field === 'id') ? 200 : 20) * of.mostScopes;
  const reached = parts.map(({ condition, reach }) => {
    if (reach === null || !isWide(of, reach)) return write(condition, scope);
    const column = `t.${columnOf(reach.field)}`;
    const scopes = reach.scopes(of, parameters);
    const held =
      reach.count > inMemory
        ? `(select true from (${scopes}) s where s.id = ${column} limit 1)`
        : `(${column} in (${scopes})) is true`;
    return reach.rest.op === 'always' ? held : `(${held} and ${write(reach.rest, scope)})`;
  });
  return `select ${columns} from (select t.* from ${table} ${where(after('t'))} ${order} limit ${most}) t
    ${where([`(${reached.join(' or ')})`, ...page.where])} ${order} limit ${page.limit}`;
}

/**
 * The first page of each scope, and of those the first page. Where the records are the scopes themselves, they come in
 * their own order with the grants, if that is the order asked for.
 * @param unless conditions on the whole
 */
function pagesSql(
  reach: Reach,
  scopes: string,
  tests: readonly string[],
  unless: readonly string[],
  writing: Writing,
): string {
  const { page, table, columns, order, byKeys, after } = writing;
  if (reach.field === 'id') {
    if (reach.direct && page.sort.field === 'id' && tests.length === 0) {
      return `select distinct s.id as k0 from (${scopes}) s ${where([...after('s'), ...unless])} ${byKeys} limit ${page.limit}`;
    }
    const beyond = page.sort.field === 'id' ? after('s') : [];
    const conditions = [...tests, ...after('t'), ...beyond, ...unless];
    return `select distinct ${columns} from (${scopes}) s join ${table} on t.id = s.id ${where(conditions)} ${order} limit ${page.limit}`;
  }
  const first = `select ${columns} from ${table} ${where([`t.${columnOf(reach.field)} = s.id`, ...tests, ...after('t')])} ${order} limit ${page.limit}`;
  const each = reach.known && unless.length === 0 ? scopes : `select distinct s.id from (${scopes}) s ${where(unless)}`;
  return `select t.* from (${each}) s cross join lateral (${first}) t ${byKeys} limit ${page.limit}`;
}

/** Whether there are too many scopes to read the first page of each. */
function isWide({ mostScopes }: Filter, reach: Reach | null): reach is Reach {
  return reach !== null && reach.count > mostScopes;
}

/**
 * The branches that are looked for in one walk: those that would be walked for, and where that reads the records
 * themselves and not the index alone, all that do not come in order anyway.
 */
function walkedOf(of: Filter, page: Page, parts: readonly Part[]): readonly Part[] {
  const wide = parts.filter(({ reach }) => walkLength(of, page, reach) > 0);
  if (wide.every(({ reach }) => reach?.field === 'id')) return wide;
  return parts.filter(({ reach }) => reach?.field !== 'id' || page.sort.field !== 'id');
}

/**
 * How many records are looked at, in order, before the scopes are gone through one by one: not many more than there are
 * scopes, so that little is lost where these have few of the records; none where no index has the order.
 */
function walkLength(of: Filter, { sort }: Page, reach: Reach | null): number {
  if (!isWide(of, reach) || !isIndexed(of.policy.model, of.type, sort.field)) return 0;
  const { field, count } = reach;
  if (field === 'id' && sort.field === 'id') return 0;
  // In powers of two, so that there are few different statements.
  return 2 ** Math.ceil(Math.log2(2 * count));
}

function isIndexed(model: Model, type: string, field: string): boolean {
  const { source, orders = [] } = resourceOf(model, type);
  return (
    source === undefined && (field === 'id' || fieldOf(model, type, field).unique === true || orders.includes(field))
  );
}

/**
 * What comes after a record in the order of PostgreSQL, where nulls are last, or first if descending. One comparison
 * of the whole key wherever it can be: an index finds its place by that.
 */
function afterSql({ policy, type }: Filter, { sort, after }: Page, parameters: Parameters): Writing['after'] {
  if (after === null) return () => [];
  const sign = sort.descending ? '<' : '>';
  const id = parameters.add(after.id, 'uuid', 'id');
  if (sort.field === 'id') return (alias) => [`${alias}.id ${sign} ${id}`];
  const name = columnOf(sort.field);
  const field = fieldOf(policy.model, type, sort.field);
  if (after.value === null) {
    return (alias) => [
      sort.descending
        ? `(${alias}.${name} is not null or ${alias}.id < ${id})`
        : `(${alias}.${name} is null and ${alias}.id > ${id})`,
    ];
  }
  const value = parameters.add(after.value, typeOf(field), 'value');
  const mayBeNull = field.optional || resourceOf(policy.model, type).source !== undefined;
  return (alias) => {
    const beyond = `(${alias}.${name}, ${alias}.id) ${sign} (${value}, ${id})`;
    return [mayBeNull && !sort.descending ? `(${beyond} or ${alias}.${name} is null)` : beyond];
  };
}
