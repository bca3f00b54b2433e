import { Parameters } from '@ostiary/policy/sql';
import type { Executor } from '../storage/database.js';
import { query } from '../storage/query.js';
import { beginning, entryColumns, type SealedEntry, toEntry } from './entry.js';
import type { Selection } from './search.js';

const PAGE = 1_000;

/** A part of the chain. */
export interface Range {
  readonly installation: string;
  /** 0 where nothing was selected, and so is the last. */
  readonly first: number;
  readonly last: number;
  /** What stands before the first. */
  readonly previous: string;
}

/** From the first entry that was selected to the checkpoint that signs the last: what none signs is no part of it. */
export async function rangeOf(executor: Executor, { from, where }: Selection): Promise<Range> {
  const parameters = new Parameters();
  const conditions = ['true', ...where(parameters)].join(' and ');
  const [row] = await query<{ id: string; first: number | null; last: number; hash: string | null }>(
    executor,
    `with chosen as (
       select min(s.seq) as first, max(s.seq) as last
       from ostiary.audit_seal s join ${from} t on t.id = s.entry
       where s.seq <= (select max(seq) from ostiary.audit_checkpoint) and ${conditions}
     )
     select i.id, first::float8 as first,
       coalesce((select min(seq) from ostiary.audit_checkpoint where seq >= last), last)::float8 as last,
       (select encode(hash, 'hex') from ostiary.audit_seal where seq = first - 1) as hash
     from ostiary.installation i, chosen`,
    parameters.values,
  );
  if (row === undefined) throw new TypeError('the database has no installation');
  const previous = row.hash ?? beginning(row.id);
  return row.first === null
    ? { installation: row.id, first: 0, last: 0, previous }
    : { installation: row.id, first: row.first, last: row.last, previous };
}

export interface Place {
  readonly seq: number;
  readonly digest: string;
  readonly hash: string;
  /** Null where it was not selected. */
  readonly entry: SealedEntry | null;
}

/** The places of a range, in their order. */
export async function* pages(
  executor: Executor,
  { from, where }: Selection,
  range: Range,
): AsyncGenerator<readonly Place[]> {
  let after = range.first - 1;
  while (range.first > 0 && after < range.last) {
    const parameters = new Parameters();
    const conditions = ['t.id = s.entry', ...where(parameters)].join(' and ');
    const rows = await query(
      executor,
      `select s.seq, encode(s.digest, 'hex') as digest, encode(s.hash, 'hex') as hash, ${entryColumns('a')}
       from ostiary.audit_seal s
         left join lateral (select t.id from ${from} t where ${conditions}) chosen on true
         left join ostiary.audit a on a.id = chosen.id
       where s.seq > ${parameters.add(after, 'bigint')} and s.seq <= ${parameters.add(range.last, 'bigint')}
       order by s.seq limit ${PAGE}`,
      parameters.values,
    );
    const places = rows.map((row) => ({
      seq: Number(row.seq),
      digest: row.digest as string,
      hash: row.hash as string,
      entry: row.id === null ? null : toEntry(row),
    }));
    if (places.length === 0) return;
    yield places;
    after = places.at(-1)?.seq ?? range.last;
  }
}
