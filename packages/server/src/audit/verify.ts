import { auditJwks, auditKeyRing } from '../keys/index.js';
import { type MissingGuards, missingGuards } from '../storage/audit-guards.js';
import type { Database, Transaction } from '../storage/database.js';
import { query, type SqlRow } from '../storage/query.js';
import { CheckpointWalk, type StoredCheckpoint } from './checkpoint-walk.js';
import { beginning, digestOfEntry, entryColumns, type SealedEntry, toEntry } from './entry.js';
import type { Fault } from './faults.js';
import { type Seal, Verifier } from './verifier.js';

/** What was found of a trail, or of an export of it. */
export interface Verification {
  readonly faults: readonly Fault[];
  /** How many faults there are beside those. */
  readonly moreFaults: number;
  readonly installation: string;
  /** The first and the last place that were looked at; null where the trail is empty. */
  readonly range: { readonly first: number; readonly last: number } | null;
  readonly seals: number;
  /** How many of them were compared with their entry. */
  readonly entries: number;
  /** Entries that wait to be sealed. */
  readonly waiting: number;
  readonly checkpoints: number;
  /** The last place that was compared with a checkpoint that was kept; null without one. */
  readonly comparedTo: number | null;
  /** Checkpoints that were kept, and sign a place before an export begins: nothing in it can be compared with them. */
  readonly beforeFirst: number;
  /** Checkpoints that were kept, and sign a place that an export does not reach. */
  readonly notReached: number;
  /** The ids of the keys that it relies on: their thumbprints (RFC 7638). */
  readonly keys: readonly string[];
}

export interface VerifyOptions {
  /** Ids of keys: what another key signed is not believed. Any key that is with the trail if not given. */
  readonly keys?: readonly string[];
  /** Checkpoints that were kept elsewhere, as they were signed. */
  readonly checkpoints?: readonly string[];
  /** The time: of a trail, an entry that waited to be sealed for more than minutes until then is a fault. */
  readonly now?: Date;
  readonly progress?: (done: number, all: number) => void;
}

const PAGE = 2_000;
/** A server seals about once a second. */
const LONGEST_WAIT_MINUTES = 5;

/** Looks for faults in the trail of a database, as it is at one moment, while servers go on writing to it. */
export async function verifyTrail(database: Database, options: VerifyOptions = {}): Promise<Verification> {
  const snapshot = database.db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only');
  return snapshot.execute(async (transaction) => {
    const [found] = await query<{ id: string }>(transaction, 'select id from ostiary.installation');
    if (found === undefined) throw new TypeError('the database has no installation');
    const missing = await missingGuards(transaction);
    const unguarded = faultsOf(missing);
    if (missing.tables.length > 0) return unreadable(found.id, unguarded);
    const { keys } = await auditJwks(transaction);
    const trust = { installation: found.id, keys: await auditKeyRing(keys), pinned: options.keys ?? [] };
    const verifier = new Verifier({ seq: 0, hash: beginning(found.id) });
    for (const fault of unguarded) verifier.fault(fault);
    const walk = new CheckpointWalk(verifier, trust);
    await walk.keep(options.checkpoints ?? []);
    const last = await countSeals(transaction);
    for await (const { seals, checkpoints } of pages(transaction)) {
      for (const seal of seals) {
        await walk.upTo(seal.seq - 1, checkpoints);
        verifier.seal(seal);
      }
      const isEnd = seals.length < PAGE;
      await walk.upTo(isEnd ? Number.POSITIVE_INFINITY : verifier.seq, checkpoints);
      options.progress?.(verifier.seals, Math.max(last, verifier.seals));
    }
    if (keys.length > 0 && verifier.checkpoints === 0) {
      const says = 'there is a key that signs checkpoints, and not one checkpoint: what it signed was taken away';
      verifier.fault({ kind: 'truncated', seq: null, says });
    }
    await unsealed(transaction, verifier, options.now);
    verifier.end();
    return {
      ...walk.result(),
      range: verifier.seq === 0 ? null : { first: 1, last: verifier.seq },
      waiting: await countWaiting(transaction),
    };
  });
}

/** What the tables lack that the trail is in. */
function faultsOf({ tables, triggers }: MissingGuards): readonly Fault[] {
  return [
    ...tables.map((name) => ({ kind: 'removed', seq: null, says: `the table ostiary.${name} is gone` }) as const),
    ...triggers.map(([table, trigger]) => {
      const says = `the trigger ${trigger} of ostiary.${table}, which refuses changes, is gone or disabled`;
      return { kind: 'unguarded', seq: null, says } as const;
    }),
  ];
}

/** What can be said where tables are gone. */
function unreadable(installation: string, faults: readonly Fault[]): Verification {
  const nothing = { moreFaults: 0, seals: 0, entries: 0, waiting: 0, checkpoints: 0, beforeFirst: 0, notReached: 0 };
  return { faults, installation, range: null, comparedTo: null, keys: [], ...nothing };
}

async function countSeals(transaction: Transaction): Promise<number> {
  const [row] = await query<{ seals: number }>(transaction, 'select count(*)::float8 as seals from ostiary.audit_seal');
  return row?.seals ?? 0;
}

async function* pages(transaction: Transaction) {
  let after = '-9223372036854775808';
  for (;;) {
    const rows = await query(
      transaction,
      `select s.seq, s.entry, encode(s.digest, 'hex') as digest, encode(s.hash, 'hex') as hash, ${entryColumns('a')}
       from ostiary.audit_seal s left join ostiary.audit a on a.id = s.entry
       where s.seq > $1 order by s.seq limit ${PAGE}`,
      [after],
    );
    const seals = rows.map(toSeal);
    const last = rows.at(-1)?.seq as string | undefined;
    const isEnd = rows.length < PAGE;
    const checkpoints = await query<StoredCheckpoint & SqlRow>(
      transaction,
      `select seq::float8 as seq, encode(hash, 'hex') as hash, jws from ostiary.audit_checkpoint
       where seq > $1 and ($2::bigint is null or seq <= $2) order by seq`,
      [after, isEnd ? null : last],
    );
    yield { seals, checkpoints: [...checkpoints] };
    if (isEnd || last === undefined) return;
    after = last;
  }
}

function toSeal(row: SqlRow): Seal {
  const { seq, entry, digest, hash } = row;
  return {
    seq: Number(seq),
    digest: digest as string,
    hash: hash as string,
    id: entry as string,
    entry: row.id === null ? null : toEntry(row),
  };
}

/** Entries that nobody sealed and nobody will, or that wait for too long; and those that were taken away before they were sealed. */
async function unsealed(transaction: Transaction, verifier: Verifier, now: Date | undefined): Promise<void> {
  const added = `select ${entryColumns('a')} from ostiary.audit a
    where not exists (select from ostiary.audit_seal s where s.entry = a.id)
      and not exists (select from ostiary.audit_unsealed q where q.entry = a.id)`;
  for await (const row of inOrder(transaction, added)) {
    const { id, at, event } = toEntry(row);
    const says = 'it has no seal, and was not written by the server';
    verifier.fault({ kind: 'added', seq: null, entry: id, at, event, says });
  }
  const removed = `select q.entry as id from ostiary.audit_unsealed q
    where not exists (select from ostiary.audit a where a.id = q.entry)
      and not exists (select from ostiary.audit_seal s where s.entry = q.entry)`;
  for await (const { id } of inOrder(transaction, removed)) {
    const says = 'it was written, and taken away before it was sealed';
    verifier.fault({ kind: 'removed', seq: null, entry: id as string, says });
  }
  const queued = `select ${entryColumns('a')} from ostiary.audit_unsealed q join ostiary.audit a on a.id = q.entry
    where not exists (select from ostiary.audit_seal s where s.entry = q.entry)`;
  for await (const row of inOrder(transaction, queued)) {
    const entry = toEntry(row);
    const says = whyUnsealed(entry, now);
    if (says === null) continue;
    verifier.fault({ kind: 'unsealed', seq: null, entry: entry.id, at: entry.at, event: entry.event, says });
  }
}

/** What keeps an entry of the queue from being sealed, as the end of a sentence; null where it has only to wait. */
function whyUnsealed(entry: SealedEntry, now: Date | undefined): string | null {
  if (digestOfEntry(entry) === null) return 'it can never be sealed, and was not written like this by the server';
  const isLate = now !== undefined && !(Date.parse(entry.at) > now.getTime() - LONGEST_WAIT_MINUTES * 60_000);
  return isLate ? `it has waited to be sealed for more than ${LONGEST_WAIT_MINUTES} minutes: is there a server?` : null;
}

/** The rows of a query, by their ids. */
async function* inOrder(transaction: Transaction, text: string): AsyncGenerator<SqlRow> {
  let after: string | null = null;
  for (;;) {
    const page = `select * from (${text}) found where $1::uuid is null or id > $1 order by id limit ${PAGE}`;
    const rows: readonly SqlRow[] = await query(transaction, page, [after]);
    yield* rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)?.id as string;
  }
}

async function countWaiting(transaction: Transaction): Promise<number> {
  const [row] = await query<{ waiting: number }>(
    transaction,
    `select count(*)::int as waiting from ostiary.audit_unsealed q join ostiary.audit a on a.id = q.entry
     where not exists (select from ostiary.audit_seal s where s.entry = q.entry)`,
  );
  return row?.waiting ?? 0;
}
