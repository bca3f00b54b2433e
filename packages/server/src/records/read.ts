import { decide } from '@ostiary/policy';
import { actor, authorize, environment, refuseView, requirePossible } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import type { Masked } from '../application/records.js';
import { type AuditEntry, type AuditEventName, writeAudit } from '../audit/trail.js';
import type { Executor, Transaction } from '../storage/database.js';
import { loadEach, loadRecord } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import { filtersOf, type ListQuery } from './list-query.js';
import { mask, masking } from './mask.js';
import { type Among, LISTED, principalOf, readPage } from './page.js';

export interface ListPage {
  readonly items: readonly Masked[];
  /** The cursor of the next page; null on the last. */
  readonly next: string | null;
}

/** Which records a page has, and by which action it is decided what of them is shown. */
export interface Listing extends Among {
  readonly shows: string;
}

/** The records that a caller may see, a page at a time. A reading of sensitive records is audited with it. */
export async function listRecords(context: Context, caller: Caller, type: string, asked: ListQuery): Promise<ListPage> {
  return listAmong(context, caller, type, asked, LISTED);
}

/** A page of a list. Of a record that the caller may not see the id alone is there. */
export async function pageOf(
  context: Context,
  caller: Caller,
  type: string,
  asked: ListQuery,
  listing: Listing,
): Promise<ListPage> {
  const { action, shows } = listing;
  return auditedIfSensitive(context, type, async (executor) => {
    const { rows, next } = await readPage(context, caller, executor, type, asked, listing);
    const now = environment(context);
    const principal = principalOf(caller);
    const masked = masking(context.policy, type, asked.view);
    const items: Masked[] = [];
    for (const record of rows) {
      const decideOn = (what: string) => decide(context.policy, principal, what, type, record.facts, now);
      const decision = decideOn(action);
      // Granted since the caller's rights were resolved: it is seen from the next request on.
      if (!decision.allowed) continue;
      const showing = shows === action ? decision : decideOn(shows);
      const shown = showing.allowed ? masked(record, showing) : { id: record.id };
      if (shown === null) throw refuseView(context, caller, action, type, asked.view, null);
      items.push(shown);
    }
    const entry = isTrail(context, type)
      ? trailEntry(context, caller, action, type, { detail: { filters: filtersOf(asked) } })
      : sensitiveEntry(context, caller, 'record.listed', action, type, items);
    return { answer: { items, next }, entry };
  });
}

/** The same, of the records of a list that fit more than the caller asks. */
export async function listAmong(
  context: Context,
  caller: Caller,
  type: string,
  asked: ListQuery,
  among: Among,
): Promise<ListPage> {
  requirePossible(context, caller, among.action, type);
  context.decisions.count(among.action, 'allowed');
  return pageOf(context, caller, type, asked, { ...among, shows: among.action });
}

/** One record, by its id, as the caller may see it. */
export async function findRecord(context: Context, caller: Caller, type: string, id: string): Promise<Masked> {
  requirePossible(context, caller, 'read', type);
  return readRecord(context, caller, type, await loadRecord(context.database.db, context.policy, type, id), null);
}

/** One record that was just loaded, as the caller may see it. */
export async function readRecord(
  context: Context,
  caller: Caller,
  type: string,
  record: LoadedRecord | null,
  view: string | null,
): Promise<Masked> {
  return auditedIfSensitive(context, type, async () => readingOf(context, caller, type, record, view));
}

/** The same inside a transaction that is already open. */
export async function readIn(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  record: LoadedRecord | null,
): Promise<Masked> {
  const { answer, entry } = readingOf(context, caller, type, record, null);
  if (isAudited(context, type)) await writeAudit(transaction, context.runtime, entry);
  return answer;
}

function readingOf(context: Context, caller: Caller, type: string, record: LoadedRecord | null, view: string | null) {
  const handle = authorize(context, caller, 'read', type, record);
  const shown = mask(context.policy, type, handle.record, handle.decision, view);
  if (shown === null) throw refuseView(context, caller, 'read', type, view, handle.record.id);
  const entry = isTrail(context, type)
    ? trailEntry(context, caller, 'read', type, { recordId: shown.id })
    : sensitiveEntry(context, caller, 'record.read', 'read', type, [shown]);
  return { answer: shown, entry };
}

/** Those of some records that the caller may read, as the caller may see them: of the others nothing is told. */
export async function readEach(
  context: Context,
  caller: Caller,
  type: string,
  ids: readonly string[],
): Promise<readonly Masked[]> {
  if (ids.length === 0) return [];
  const { policy } = context;
  return auditedIfSensitive(context, type, async (executor) => {
    const now = environment(context);
    const masked = masking(policy, type, null);
    const items = (await loadEach(executor, policy, type, ids)).flatMap((record) => {
      const decision = decide(policy, principalOf(caller), 'read', type, record.facts, now);
      context.decisions.count('read', decision.allowed ? 'allowed' : 'refused');
      const shown = decision.allowed ? masked(record, decision) : null;
      return shown === null ? [] : [shown];
    });
    return { answer: items, entry: sensitiveEntry(context, caller, 'record.listed', 'read', type, items) };
  });
}

/** What the caller may see of a record that it has just made: at least its id. */
export function shownAfterCreate(context: Context, caller: Caller, type: string, record: LoadedRecord): Masked {
  const { policy } = context;
  const decision = decide(policy, principalOf(caller), 'read', type, record.facts, environment(context));
  const bare = { id: record.id, version: record.version };
  return decision.allowed ? (mask(policy, type, record, decision, null) ?? bare) : bare;
}

/** What the caller may see of a record that it has just changed: more than it wrote, so a reading that is audited. */
export async function shownAfterUpdate(
  context: Context,
  caller: Caller,
  type: string,
  record: LoadedRecord,
  executor: Executor = context.database.db,
): Promise<Masked> {
  const shown = shownAfterCreate(context, caller, type, record);
  const reads = Object.keys(shown).some((name) => !['id', 'version'].includes(name));
  if (!reads || !context.policy.model.resources[type]?.sensitive) return shown;
  await writeAudit(executor, context.runtime, sensitiveEntry(context, caller, 'record.read', 'read', type, [shown]));
  return shown;
}

async function auditedIfSensitive<T>(
  context: Context,
  type: string,
  run: (executor: Executor) => Promise<{ readonly answer: T; readonly entry: AuditEntry }>,
): Promise<T> {
  const { database, runtime } = context;
  if (!isAudited(context, type)) return (await run(database.db)).answer;
  return database.db.transaction().execute(async (transaction) => {
    const { answer, entry } = await run(transaction);
    await writeAudit(transaction, runtime, entry);
    return answer;
  });
}

function isAudited(context: Context, type: string): boolean {
  return context.policy.model.resources[type]?.sensitive === true || isTrail(context, type);
}

/** Whether the records of a type are the entries of the audit trail: their reading is audited too. */
function isTrail(context: Context, type: string): boolean {
  return context.policy.model.resources[type]?.source === 'audit';
}

/** One entry a request, with what was asked for, and not with what was found: the trail would grow by being read. */
function trailEntry(
  context: Context,
  caller: Caller,
  action: string,
  type: string,
  more: Pick<AuditEntry, 'recordId' | 'detail'>,
): AuditEntry {
  return {
    application: context.policy.model.name,
    event: 'audit.read',
    outcome: 'allowed',
    ...actor(caller),
    action,
    resourceType: type,
    ...more,
  };
}

function sensitiveEntry(
  context: Context,
  caller: Caller,
  event: AuditEventName,
  action: string,
  type: string,
  items: readonly Masked[],
): AuditEntry {
  const [only] = items;
  return {
    application: context.policy.model.name,
    event,
    outcome: 'allowed',
    ...actor(caller),
    action,
    resourceType: type,
    ...(event === 'record.read' && only ? { recordId: only.id } : { detail: { records: items.map(({ id }) => id) } }),
  };
}
