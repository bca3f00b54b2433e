import { auditSigner } from '../keys/index.js';
import type { Runtime } from '../runtime.js';
import type { Database, Transaction } from '../storage/database.js';
import { query } from '../storage/query.js';
import { signCheckpoint } from './checkpoint.js';
import { beginning, chainHash, digestOfEntry, entryColumns, type SealedEntry, toEntry } from './entry.js';
import { takeSealingLock } from './sealing-lock.js';

const BATCH = 1_000;
/** How long it waits for that lock, and for any other: somebody may hold them for ever. */
const PATIENCE_MILLISECONDS = 5_000;

export interface Sealed {
  readonly entries: number;
  /** The signed checkpoint of the last batch; null where nothing waited. */
  readonly checkpoint: string | null;
  /** Entries that can't be sealed: they stay in the queue, for verifying to name. */
  readonly left: number;
}

export interface SealingDependencies {
  readonly database: Database;
  readonly runtime: Runtime;
}

/**
 * Seals what waits: what was committed, whenever it began. An entry of a transaction that still runs is sealed later,
 * in a later place. Returns null where another process is at it, unless told to wait for that one.
 * @throws the database's `lock_not_available` where that takes longer than it has patience
 */
export async function seal(
  deps: SealingDependencies,
  wait = true,
  patienceMilliseconds = PATIENCE_MILLISECONDS,
): Promise<Sealed | null> {
  let [entries, left] = [0, 0];
  let checkpoint: string | null = null;
  let after: string | null = null;
  for (;;) {
    const batch = await deps.database.db.transaction().execute(async (transaction) => {
      await query(transaction, `select set_config('lock_timeout', $1, true)`, [`${patienceMilliseconds}ms`]);
      if (!(await takeSealingLock(transaction, wait))) return null;
      const waiting = await waitingEntries(transaction, after);
      return { waiting, sealed: await sealBatch(transaction, deps.runtime, waiting) };
    });
    if (batch === null) return null;
    const { waiting, sealed } = batch;
    entries += sealed.entries;
    left += sealed.left;
    checkpoint = sealed.checkpoint ?? checkpoint;
    after = waiting.at(-1)?.id ?? after;
    if (waiting.length < BATCH) return { entries, checkpoint, left };
  }
}

async function sealBatch(transaction: Transaction, runtime: Runtime, waiting: readonly SealedEntry[]): Promise<Sealed> {
  if (waiting.length < BATCH) await forgetSealed(transaction);
  const digested = waiting.flatMap((entry) => {
    const digest = digestOfEntry(entry);
    return digest === null ? [] : [{ id: entry.id, digest }];
  });
  const left = waiting.length - digested.length;
  if (digested.length === 0) return { entries: 0, checkpoint: null, left };
  const { installation, signed } = await endOfChain(transaction);
  const free = await freePlaces(transaction, signed?.seq ?? 0, digested.length);

  let previous = signed?.hash ?? beginning(installation);
  const seals = digested.map(({ id, digest }, index) => {
    const seq = free[index] as number;
    previous = chainHash(seq, previous, digest);
    return { seq, entry: id, digest, hash: previous };
  });
  const ids = seals.map(({ entry }) => entry);
  await query(
    transaction,
    `insert into ostiary.audit_seal (seq, entry, digest, hash)
     select seq, entry, decode(digest, 'hex'), decode(hash, 'hex')
     from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[]) as s(seq, entry, digest, hash)`,
    [seals.map(({ seq }) => seq), ids, seals.map(({ digest }) => digest), seals.map(({ hash }) => hash)],
  );
  await query(transaction, 'delete from ostiary.audit_unsealed where entry = any($1::uuid[])', [ids]);

  const seq = free.at(-1) as number;
  const at = runtime.now();
  const signer = await auditSigner(transaction, runtime);
  const checkpoint = await signCheckpoint(signer, {
    installation,
    seq,
    hash: previous,
    at: at.toISOString(),
    previous: signed?.seq ?? null,
  });
  await query(
    transaction,
    `insert into ostiary.audit_checkpoint (seq, hash, at, jws) values ($1, decode($2, 'hex'), $3, $4)`,
    [seq, previous, at, checkpoint],
  );
  return { entries: seals.length, checkpoint, left };
}

/** What is queued behind an id and not sealed yet. Queued without an entry, it stays in the queue, for verifying to find. */
async function waitingEntries(transaction: Transaction, after: string | null): Promise<readonly SealedEntry[]> {
  const rows = await query(
    transaction,
    `select ${entryColumns('a')} from ostiary.audit_unsealed q join ostiary.audit a on a.id = q.entry
     where ($1::uuid is null or q.entry > $1) and not exists (select from ostiary.audit_seal s where s.entry = q.entry)
     order by q.entry limit ${BATCH}`,
    [after],
  );
  return rows.map(toEntry);
}

/** What is sealed and was queued again, by whom ever, has nothing to wait for. */
async function forgetSealed(transaction: Transaction): Promise<void> {
  await query(transaction, 'delete from ostiary.audit_unsealed q using ostiary.audit_seal s where s.entry = q.entry');
}

/** Where the chain goes on: behind what is signed. */
async function endOfChain(transaction: Transaction) {
  const [row] = await query<{ id: string; seq: string | null; hash: string | null }>(
    transaction,
    `select i.id, c.seq, encode(c.hash, 'hex') as hash
     from ostiary.installation i left join lateral
       (select seq, hash from ostiary.audit_checkpoint order by seq desc limit 1) c on true`,
  );
  if (row === undefined) throw new TypeError('the database has no installation');
  const signed = row.seq === null || row.hash === null ? null : { seq: Number(row.seq), hash: row.hash };
  return { installation: row.id, signed };
}

/**
 * The next places that are free. Seals that no checkpoint signs were not put there by a sealer: the chain goes past them,
 * wherever they are, and verifying names them.
 */
async function freePlaces(transaction: Transaction, signed: number, count: number): Promise<readonly number[]> {
  const rows = await query<{ seq: number }>(
    transaction,
    `select place::float8 as seq
     from generate_series($1::bigint + 1, $1::bigint + $2 + (select count(*) from ostiary.audit_seal where seq > $1)) place
     where not exists (select from ostiary.audit_seal s where s.seq = place)
     order by place limit $2`,
    [signed, count],
  );
  return rows.map(({ seq }) => seq);
}
