import { decide, type Relation } from '@ostiary/policy';
import { authorize, environment, requirePossible } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import type { Written } from '../application/records.js';
import { placed } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import { loadRecord, loadRecords } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import { preparePassword } from './accounts.js';
import { removeOneIn } from './delete.js';
import { mask } from './mask.js';
import { principalOf } from './page.js';
import { endsIn } from './related.js';
import { inTransaction } from './transaction.js';
import { type Change, changeOneIn, createIn, requireVersion } from './write.js';

type Values = Readonly<Record<string, unknown>>;

/** What a record is to be related to: by which relation, and to which others. */
export interface Linked {
  /** What the relation is called, where it is told what is wrong with it. */
  readonly name: string;
  readonly relation: Relation;
  readonly ids: readonly string[];
}

/** Creates a record along with what relates it to others, in one transaction: each link is decided on by its own rules. */
export async function createLinked(
  context: Context,
  caller: Caller,
  type: string,
  input: Values,
  linked: readonly Linked[],
): Promise<Written> {
  requirePossible(context, caller, 'create', type);
  const password = await preparePassword(context, type, input, input);
  return inTransaction(context, async (transaction) => {
    const written = await createIn(context, transaction, caller, type, input, password);
    return linkedTo(context, transaction, caller, type, written, 'add', linked);
  });
}

/** Updates a record along with what relates it to others, in one transaction: these are all that is left of its links. */
export async function changeLinked(
  context: Context,
  caller: Caller,
  type: string,
  id: string,
  change: Change,
  seen: readonly number[] | null,
  linked: readonly Linked[],
): Promise<Written> {
  return inTransaction(context, async (transaction) => {
    const written = isEmpty(change)
      ? await onlyAllowed(context, transaction, caller, type, id, seen)
      : await changeOneIn(context, transaction, caller, type, id, change, seen);
    return linkedTo(context, transaction, caller, type, written, 'replace', linked);
  });
}

function isEmpty(change: Change): boolean {
  return typeof change !== 'function' && Object.keys(change).length === 0;
}

/** A record of which no field is to change, though its links are: who changes these may update it. */
async function onlyAllowed(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  id: string,
  seen: readonly number[] | null,
): Promise<Written> {
  const found = await loadRecord(transaction, context.policy, type, id, true);
  const { record, decisionId } = authorize(context, caller, 'update', type, found);
  requireVersion(record, seen);
  return { record, decisionId };
}

/** Makes the links of a record that was just written, and loads it once more: they may decide what is seen of it. */
async function linkedTo(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  written: Written,
  linking: Linking,
  linked: readonly Linked[],
): Promise<Written> {
  const { id } = written.record;
  for (const { name, relation, ids } of linked) {
    await placed(
      () => `/${name}`,
      () => relinkIn(context, transaction, caller, relation, id, linking, ids),
    );
  }
  const record = linked.length === 0 ? null : await loadRecord(transaction, context.policy, type, id);
  return { ...written, record: record ?? written.record };
}

/** What becomes of the links that are there: others are added to them, or these are taken away, or these alone are left. */
export type Linking = 'add' | 'remove' | 'replace';

/**
 * Changes what a record that the caller may list is related to, in the caller's name: each link is made and deleted as
 * its own rules say. Links that the caller's list does not show stay as they are.
 * @throws Refusal, Problem
 */
export async function changeLinks(
  context: Context,
  caller: Caller,
  type: string,
  id: string,
  linking: Linking,
  { relation, ids }: Pick<Linked, 'relation' | 'ids'>,
): Promise<void> {
  await inTransaction(context, async (transaction) => {
    const record = await loadRecord(transaction, context.policy, type, id, true);
    authorize(context, caller, 'list', type, record);
    await relinkIn(context, transaction, caller, relation, id, linking, ids);
  });
}

async function relinkIn(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  relation: Relation,
  id: string,
  linking: Linking,
  ids: readonly string[],
): Promise<void> {
  const { policy } = context;
  const links = (await loadRecords(transaction, policy, relation.in, { [relation.of]: id })).filter((link) =>
    isShown(context, caller, relation, link),
  );
  const named = new Set(ids);
  for (const link of links) {
    const isNamed = named.has(link.values[relation.to] as string);
    if (linking === 'add' || isNamed !== (linking === 'remove')) continue;
    await removeOneIn(context, transaction, caller, relation.in, link, null);
  }
  if (linking === 'remove') return;
  const present = new Set(links.map((link) => link.values[relation.to]));
  for (const to of named) {
    if (present.has(to)) continue;
    await createIn(context, transaction, caller, relation.in, { [relation.of]: id, [relation.to]: to }, null);
  }
}

/** Whether the caller's list of what links two records shows which. */
function isShown(context: Context, caller: Caller, relation: Relation, link: LoadedRecord): boolean {
  const { policy } = context;
  const decision = decide(policy, principalOf(caller), 'list', relation.in, link.facts, environment(context));
  const shown = decision.allowed ? mask(policy, relation.in, link, decision, null) : null;
  return shown !== null && endsIn(relation, shown) !== null;
}
