import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type pg from 'pg';
import {
  BackupError,
  type BackupSummary,
  FORMAT,
  type Header,
  type Sequence,
  type Table,
  type Trailer,
  tableName,
  VERSION,
} from './format.js';
import { inTransaction, quote, quoteTable } from './session.js';

const BATCH_CHARACTERS = 1_000_000;

/**
 * Writes all rows of all tables in the schemas to `out`, as they were at one moment, and ends it. Takes little memory,
 * however much there is. The file has the rows, not the definitions of the tables, nor views, roles and rights; and
 * nothing of unlogged tables, which a crash may empty anyway.
 * Throws BackupError `unknown_schema`, and what the database or `out` throw: what was written then is no backup.
 */
export function backup(
  pool: pg.Pool,
  schemas: readonly string[],
  out: NodeJS.WritableStream,
  progress: (line: string) => void = () => {},
): Promise<BackupSummary> {
  // An error before the first line is written must not be lost either: `pipeline` then throws it.
  out.on('error', () => {});
  const snapshot = `begin isolation level repeatable read read only; set local search_path = ''`;
  return inTransaction(pool, snapshot, async (client) => {
    const header = await describe(client, schemas);
    const tables: { table: string; rows: number }[] = [];
    await pipeline(() => withTrailer(contents(client, header, tables, progress), tables), createGzip(), out);
    return { tables };
  });
}

async function describe(client: pg.PoolClient, schemas: readonly string[]): Promise<Header> {
  const missing = await client.query<{ name: string }>(
    'select name from unnest($1::text[]) name where not exists (select from pg_namespace where nspname = name)',
    [schemas],
  );
  const [unknown] = missing.rows;
  if (unknown) throw new BackupError('unknown_schema', `There is no schema "${unknown.name}" in this database.`);
  const tables = await client.query<Table>(
    `select n.nspname as schema, c.relname as name, array(
       select a.attname::text from pg_attribute a
       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
       order by a.attnum
     ) as columns, array(
       select format_type(a.atttypid, a.atttypmod) from pg_attribute a
       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
       order by a.attnum
     ) as types
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence <> 'u' and n.nspname = any($1)
     order by 1, 2`,
    [schemas],
  );
  const sequences = await client.query<Sequence>(
    `select schemaname as schema, sequencename as name, last_value::text as last from pg_sequences
     where schemaname = any($1) and last_value is not null
     order by 1, 2`,
    [schemas],
  );
  return { format: FORMAT, version: VERSION, schemas, tables: tables.rows, sequences: sequences.rows };
}

async function* contents(
  client: pg.PoolClient,
  header: Header,
  done: { table: string; rows: number }[],
  progress: (line: string) => void,
): AsyncGenerator<string> {
  yield JSON.stringify(header);
  for (const table of header.tables) {
    const name = tableName(table);
    yield JSON.stringify({ table: name });
    let rows = 0;
    for await (const batch of batches(client, table)) {
      rows += batch.length;
      yield `[${batch.join(',')}]`;
    }
    done.push({ table: name, rows });
    progress(`${name}: ${rows} rows`);
  }
}

/** The rows of a table as JSON, in batches that are neither small nor large. */
async function* batches(client: pg.PoolClient, table: Table): AsyncGenerator<readonly string[]> {
  const values = table.columns.map((column) => `${quote(column)}::text as ${quote(column)}`).join(', ');
  await client.query(
    `declare rows_to_back_up no scroll cursor for
     select row_to_json(r)::text as json from (select ${values} from only ${quoteTable(table)}) r`,
  );
  let count = 100;
  for (;;) {
    const { rows } = await client.query<{ json: string }>(`fetch ${count} from rows_to_back_up`);
    if (rows.length === 0) break;
    yield rows.map(({ json }) => json);
    const average = rows.reduce((total, { json }) => total + json.length, 0) / rows.length;
    count = Math.min(5_000, Math.max(1, Math.floor(BATCH_CHARACTERS / average)));
  }
  await client.query('close rows_to_back_up');
}

async function* withTrailer(lines: AsyncIterable<string>, tables: BackupSummary['tables']): AsyncGenerator<string> {
  const hash = createHash('sha256');
  for await (const line of lines) {
    hash.update(`${line}\n`);
    yield `${line}\n`;
  }
  const trailer: Trailer = { end: true, tables, sha256: hash.digest('hex') };
  yield `${JSON.stringify(trailer)}\n`;
}
