import { createHash, type Hash } from 'node:crypto';
import { Parameters } from '@ostiary/policy/sql';
import { stringify } from 'csv-stringify/sync';
import { auditJwks, auditSigner } from '../keys/index.js';
import type { Executor } from '../storage/database.js';
import { query } from '../storage/query.js';
import { beginning, COLUMNS, entryColumns, type SealedEntry, toEntry } from './entry.js';
import { EXPORT, EXPORT_END, EXPORT_VERSION, type ExportHeader } from './export-format.js';
import { type SealingDependencies, seal } from './seal.js';
import type { Selection } from './search.js';

export type ExportFormat = 'jsonl' | 'csv';

export interface ExportOptions {
  readonly format: ExportFormat;
  /** What was selected, for the header: it is told, not read. */
  readonly filters: Readonly<Record<string, unknown>>;
  readonly progress?: (done: number, all: number) => void;
}

const PAGE = 1_000;

/**
 * Exports entries of the trail, as the pieces of a text. What waits is sealed first.
 * JSON Lines has every place between the first and the last that was selected, those in between without their entry, and goes on
 * to the next checkpoint: so it can be verified without the server. CSV (RFC 4180) has what was selected alone.
 */
export async function* exportTrail(
  deps: SealingDependencies,
  selection: Selection,
  { format, filters, progress = () => {} }: ExportOptions,
): AsyncGenerator<string> {
  await seal(deps);
  const { db } = deps.database;
  const range = await rangeOf(db, selection);
  const parts = format === 'csv' ? asCsv(pages(db, selection, range)) : asLines(deps, selection, range, filters);
  for await (const { text, seq } of parts) {
    if (text !== '') yield text;
    progress(seq - range.first + 1, range.last - range.first + 1);
  }
}

interface Part {
  readonly text: string;
  /** Up to which place. */
  readonly seq: number;
}

async function* asCsv(all: AsyncIterable<readonly Place[]>): AsyncGenerator<Part> {
  const names = Object.keys(COLUMNS) as (keyof SealedEntry)[];
  const options = { record_delimiter: '\r\n', escape_formulas: true } as const;
  yield { text: stringify([['seq', 'hash', ...names]], options), seq: 0 };
  for await (const places of all) {
    const rows = places.flatMap(({ seq, hash, entry }) =>
      entry === null ? [] : [[String(seq), hash, ...names.map((name) => cell(entry[name]))]],
    );
    yield { text: stringify(rows, options), seq: places.at(-1)?.seq ?? 0 };
  }
}

function cell(value: unknown): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function* asLines(
  deps: SealingDependencies,
  selection: Selection,
  range: Range,
  filters: Readonly<Record<string, unknown>>,
): AsyncGenerator<Part> {
  const { db } = deps.database;
  const sum = { lines: 0, hash: createHash('sha256') };
  const header: ExportHeader = {
    format: EXPORT,
    version: EXPORT_VERSION,
    installation: range.installation,
    at: deps.runtime.now().toISOString(),
    filters,
    first: range.first,
    last: range.last,
    previous: range.previous,
    keys: await auditJwks(db),
  };
  yield { text: lines([header], sum), seq: 0 };
  for await (const places of pages(db, selection, range)) {
    const to = places.at(-1)?.seq ?? 0;
    const checkpoints = await query<{ seq: number; jws: string }>(
      db,
      'select seq::float8 as seq, jws from ostiary.audit_checkpoint where seq between $1 and $2 order by seq',
      [places[0]?.seq, to],
    );
    const signed = new Map(checkpoints.map(({ seq, jws }) => [seq, jws]));
    const values = places.flatMap(({ seq, digest, hash, entry }): readonly object[] => {
      const place = entry === null ? { seq, digest, hash } : { seq, digest, hash, entry };
      const jws = signed.get(seq);
      return jws === undefined ? [place] : [place, { checkpoint: jws }];
    });
    yield { text: lines(values, sum), seq: to };
  }
  const end = await db.transaction().execute(async (transaction) => {
    const signer = await auditSigner(transaction, deps.runtime);
    return signer.sign(EXPORT_END, {
      installation: range.installation,
      lines: sum.lines,
      sha256: sum.hash.digest('hex'),
    });
  });
  yield { text: `${JSON.stringify({ end })}\n`, seq: range.last };
}

function lines(values: readonly object[], sum: { lines: number; readonly hash: Hash }): string {
  const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
  sum.lines += values.length;
  sum.hash.update(text);
  return text;
}

interface Range {
  readonly installation: string;
  /** 0 where nothing was selected, and so is the last. */
  readonly first: number;
  readonly last: number;
  /** What stands before the first. */
  readonly previous: string;
}

/** From the first entry that was selected to the checkpoint that signs the last. */
async function rangeOf(executor: Executor, { from, where }: Selection): Promise<Range> {
  const parameters = new Parameters();
  const conditions = ['true', ...where(parameters)].join(' and ');
  const [row] = await query<{ id: string; first: number | null; last: number; hash: string | null }>(
    executor,
    `with chosen as (
       select min(s.seq) as first, max(s.seq) as last
       from ostiary.audit_seal s join ${from} t on t.id = s.entry where ${conditions}
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

interface Place {
  readonly seq: number;
  readonly digest: string;
  readonly hash: string;
  /** Null where it was not selected. */
  readonly entry: SealedEntry | null;
}

async function* pages(executor: Executor, { from, where }: Selection, range: Range): AsyncGenerator<readonly Place[]> {
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
