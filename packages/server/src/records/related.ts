import type { Relation } from '@ostiary/policy';
import { columnOf, filter, filterSql, showsField, tableOf } from '@ostiary/policy/sql';
import { environment } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { Problem } from '../problems.js';
import { type ListQuery, MOST, readCursor } from './list-query.js';
import { type Among, LISTED, principalOf } from './page.js';
import { pageOf } from './read.js';

type Values = Readonly<Record<string, unknown>>;

/** That two records are related, by their ids. */
export interface Link {
  readonly of: string;
  readonly to: string;
}

/** So many are told at once; what has more is refused, since a part of them would mislead. */
const MOST_LINKS = 1_000;

/**
 * What some records are related to, as the caller's lists of what links them show it.
 * @throws Problem `invalid_input` where there is too much of it
 */
export async function linksOf(
  context: Context,
  caller: Caller,
  relation: Relation,
  ids: readonly string[],
): Promise<readonly Link[]> {
  const links: Link[] = [];
  let asked: ListQuery | null = { limit: MOST, sort: null, after: null, view: null, tests: [] };
  while (asked !== null && ids.length > 0) {
    const listing = { ...linksFrom(relation, ids), shows: 'list' };
    const { items, next } = await pageOf(context, caller, relation.in, asked, listing);
    links.push(...items.flatMap((shown) => endsIn(relation, shown) ?? []));
    if (links.length > MOST_LINKS) {
      throw new Problem('invalid_input', { detail: `These are related to more than ${MOST_LINKS}: ask for fewer.` });
    }
    asked = next === null ? null : { ...asked, after: readCursor(next, '') };
  }
  return links;
}

/** Of a list, the records that one is related to: by links that the caller's list shows. */
export function relatedTo(context: Context, caller: Caller, relation: Relation, id: string): Among {
  const { policy } = context;
  const links = filter(policy, principalOf(caller), 'list', relation.in, environment(context));
  const isShown = showsField(links, relation.of) && showsField(links, relation.to);
  return {
    ...LISTED,
    where: (parameters) => {
      if (!isShown) return ['false'];
      const [of, to] = [columnOf(relation.of), columnOf(relation.to)];
      const ends = `r.${of} = ${parameters.add(id, 'uuid')} and r.${to} = t.id`;
      const allowed = filterSql(links, parameters, 'r');
      return [`exists (select from ${tableOf(policy.model, relation.in)} r where ${ends} and ${allowed})`];
    },
  };
}

/** Of a list of what links records, those that link one: as far as the caller's list shows them. */
export function linksFrom(relation: Relation, ids: readonly string[]): Among {
  return {
    ...LISTED,
    where: (parameters) => [`t.${columnOf(relation.of)} = any(${parameters.add(ids, 'uuid[]')})`],
  };
}

/** Of a list, the records with these ids. */
export function withIds(ids: readonly string[] | null): Among {
  return { ...LISTED, where: (parameters) => [`t.id = any(${parameters.add(ids ?? [], 'uuid[]')})`] };
}

/** Both ends of a link, where its reader sees both. */
export function endsIn(relation: Relation, shown: Values): Link | null {
  const [of, to] = [shown[relation.of], shown[relation.to]];
  return typeof of === 'string' && typeof to === 'string' ? { of, to } : null;
}
