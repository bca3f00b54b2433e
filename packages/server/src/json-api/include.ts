import type { Caller, Context } from '../application/context.js';
import type { Masked } from '../application/records.js';
import { readEach } from '../records/read.js';
import { linksOf } from '../records/related.js';
import { isBare } from './document.js';
import { wrongParameter } from './errors.js';
import type { Inclusion } from './query.js';
import { findRelationship, type Relationship } from './relationships.js';

/** A record in an answer, with the ids of what it is related to through others, as far as that was asked for. */
export interface Told {
  readonly type: string;
  readonly shown: Masked;
  readonly links: Map<string, readonly string[]>;
}

/** No answer has more along with what it is about; what would have is refused, since a part of it would mislead. */
const MOST_INCLUDED = 1_000;

/**
 * Finds what comes along with the records of an answer: of what these are related to, the records that the caller may read,
 * each decided on, and each once.
 * @throws Problem `invalid_input` where there is too much of it
 */
export async function includedWith(
  context: Context,
  caller: Caller,
  primary: readonly Told[],
  inclusion: Inclusion,
): Promise<readonly Told[]> {
  const known = new Map(primary.map((told) => [keyOf(told.type, told.shown.id), told]));
  const asked = new Set(known.keys());
  const included: Told[] = [];

  const load = async (type: string, ids: readonly string[]): Promise<readonly Told[]> => {
    const fresh = ids.filter((id) => !asked.has(keyOf(type, id)));
    for (const id of fresh) asked.add(keyOf(type, id));
    if (asked.size - primary.length > MOST_INCLUDED) {
      throw wrongParameter('include', `would bring more than ${MOST_INCLUDED} records: ask for a smaller page`);
    }
    for (const shown of await readEach(context, caller, type, fresh)) {
      const told = { type, shown, links: new Map() };
      // What is not shown at all is named where it is referred to, and has no place beside.
      if (!isBare(shown)) included.push(told);
      known.set(keyOf(type, shown.id), told);
    }
    return ids.flatMap((id) => known.get(keyOf(type, id)) ?? []);
  };

  const expand = async (records: readonly Told[], of: Inclusion): Promise<void> => {
    const [first] = records;
    if (first === undefined) return;
    for (const [name, below] of of) {
      const relationship = findRelationship(context.policy.model, first.type, name);
      if (relationship === undefined) continue;
      const ids = await related(context, caller, records, relationship);
      await expand(await load(relationship.to, ids), below);
    }
  };
  await expand(primary, inclusion);
  return included;
}

/** The ids of what records of one type are related to; what is found out for that is kept with them. */
async function related(
  context: Context,
  caller: Caller,
  records: readonly Told[],
  relationship: Relationship,
): Promise<readonly string[]> {
  const { name } = relationship;
  if (relationship.by === 'field') {
    const ids = records.flatMap(({ shown }) => shown[name] ?? []) as string[];
    return [...new Set(ids)];
  }
  const open = records.filter(({ shown, links }) => !isBare(shown) && !links.has(name));
  const ids = open.map(({ shown }) => shown.id);
  const found = await linksOf(context, caller, relationship.relation, ids);
  for (const { shown, links } of open) {
    const own = found.filter(({ of }) => of === shown.id).map(({ to }) => to);
    links.set(name, [...new Set(own)]);
  }
  return [...new Set(records.flatMap(({ links }) => links.get(name) ?? []))];
}

function keyOf(type: string, id: string): string {
  return `${type} ${id}`;
}
