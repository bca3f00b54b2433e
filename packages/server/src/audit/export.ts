import { createHash, type Hash } from 'node:crypto';
import { stringify } from 'csv-stringify/sync';
import { auditJwks, auditSigner } from '../keys/index.js';
import { AUDIT_COLUMNS, type AuditColumn } from '../storage/audit-columns.js';
import { query } from '../storage/query.js';
import { EXPORT, EXPORT_END, EXPORT_VERSION, type ExportHeader } from './export-format.js';
import { type Place, pages, type Range, rangeOf } from './places.js';
import { type SealingDependencies, seal } from './seal.js';
import type { Selection } from './search.js';

export type ExportFormat = 'jsonl' | 'csv';

export interface ExportOptions {
  readonly format: ExportFormat;
  /** What was selected, for the header: it is told, not read. */
  readonly filters: Readonly<Record<string, unknown>>;
  readonly progress?: (done: number, all: number) => void;
}

/**
 * Exports entries of the trail, as the pieces of a text. What waits is sealed first.
 * JSON Lines has every place between the first and the last that was selected, those in between without their entry, and
 * goes on to the next checkpoint: so it can be verified without the server. CSV (RFC 4180) has what was selected alone.
 */
export async function exportTrail(
  deps: SealingDependencies,
  selection: Selection,
  options: ExportOptions,
): Promise<AsyncIterable<string>> {
  await seal(deps);
  const range = await rangeOf(deps.database.db, selection);
  return write(deps, selection, range, options);
}

async function* write(
  deps: SealingDependencies,
  selection: Selection,
  range: Range,
  { format, filters, progress = () => {} }: ExportOptions,
): AsyncGenerator<string> {
  const places = pages(deps.database.db, selection, range);
  const parts = format === 'csv' ? asCsv(places) : asLines(deps, places, range, filters);
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
  const names = Object.keys(AUDIT_COLUMNS) as AuditColumn[];
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
  all: AsyncIterable<readonly Place[]>,
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
  for await (const places of all) {
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
