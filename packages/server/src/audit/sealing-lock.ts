import type { Database, Transaction } from '../storage/database.js';
import { query } from '../storage/query.js';

/** One sealer at a time, among all processes on a database. Writers never wait for it. */
const SEALING_LOCK = 7_246_772;

/** Takes the lock until the transaction ends. Returns whether it has it: always, where it is told to wait. */
export async function takeSealingLock(transaction: Transaction, wait: boolean): Promise<boolean> {
  if (wait) {
    await query(transaction, 'select pg_advisory_xact_lock($1)', [SEALING_LOCK]);
    return true;
  }
  const [row] = await query<{ got: boolean }>(transaction, 'select pg_try_advisory_xact_lock($1) as got', [
    SEALING_LOCK,
  ]);
  return row?.got === true;
}

/** Who has the lock, as PostgreSQL's process id (null where nobody has), and how far the trail is sealed. */
export async function sealingState({ db }: Database): Promise<{ readonly pid: number | null; readonly seq: string }> {
  const [row] = await query<{ pid: number | null; seq: string }>(
    db,
    `select (select pid from pg_locks where locktype = 'advisory' and granted and classid = 0 and objid = $1
         and database = (select oid from pg_database where datname = current_database()) limit 1) as pid,
       (select coalesce(max(seq), 0) from ostiary.audit_checkpoint)::text as seq`,
    [SEALING_LOCK],
  );
  return { pid: row?.pid ?? null, seq: row?.seq ?? '0' };
}
