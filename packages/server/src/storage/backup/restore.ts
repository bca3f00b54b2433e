import pg from 'pg';
import { BUILT_IN_COLUMNS } from '../model-tables.js';
import { BackupError, type BackupSummary, type Header, type Sequence, type Table, tableName } from './format.js';
import { type Entry, openBackup } from './read.js';
import { inTransaction, quote, quoteTable } from './session.js';

/**
 * Brings a backup back: all of it, or nothing. `createSchema` makes the tables of the schemas; they may be there already, without rows.
 * The role must own them, and need not be a superuser: their triggers do not run, and foreign keys are checked at the
 * end. Sequences go on after the last number that they had given out.
 * Throws BackupError, and what the database, `input` or `createSchema` throw: there are no more rows then than before.
 */
export async function restore(
  pool: pg.Pool,
  input: NodeJS.ReadableStream,
  options: {
    readonly createSchema: (schemas: readonly string[]) => Promise<void>;
    /**
     * Schemas in which tables may be missing, as those of types that were declared while a server ran: they are made as
     * they were, without what the next start adds to them.
     */
    readonly declaring?: readonly string[];
    readonly progress?: (line: string) => void;
  },
): Promise<BackupSummary> {
  const reader = await openBackup(input);
  try {
    const { schemas, sequences } = reader.header;
    await requireEmpty(pool, schemas);
    await options.createSchema(schemas);
    return await inTransaction(pool, 'begin', async (client) => {
      await makeMissing(client, reader.header, options.declaring ?? []);
      const wakeUp = await putToSleep(client, schemas);
      await requireEmpty(client, schemas);
      const summary = await load(client, reader.header, reader.entries, options.progress ?? (() => {}));
      await wakeUp().catch(misfit('a row refers to one that does not exist'));
      await setSequences(client, sequences).catch(misfit('a sequence does not exist here'));
      return summary;
    });
  } finally {
    reader.close();
  }
}

async function requireEmpty(client: pg.Pool | pg.PoolClient, schemas: readonly string[]): Promise<void> {
  const tables = await client.query<Table>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and c.relpersistence <> 'u' and n.nspname = any($1) order by 1, 2`,
    [schemas],
  );
  for (const table of tables.rows) {
    const { rows } = await client.query(`select from ${quoteTable(table)} limit 1`);
    if (rows.length > 0) {
      throw new BackupError(
        'not_empty',
        `There are rows in ${tableName(table)} already. A backup is only restored into an empty database.`,
      );
    }
  }
}

/** What is taken for a type: a backup is not to run statements. */
const TYPE = /^[a-z][a-z0-9 ]*(\(\d+(,\d+)?\)[a-z ]*)?(\[\])?$/;

/** Makes the tables of applications that are not there yet: with the columns and the types that they had. */
async function makeMissing(client: pg.PoolClient, { tables }: Header, declaring: readonly string[]): Promise<void> {
  for (const table of tables.filter(({ schema }) => declaring.includes(schema))) {
    const { columns, types = [] } = table;
    if (columns.length !== types.length || !types.every((type) => TYPE.test(type))) continue;
    const others = columns.flatMap((column, index) =>
      BUILT_IN_COLUMNS.some(([name]) => name === column) ? [] : [`${quote(column)} ${types[index]}`],
    );
    const own = BUILT_IN_COLUMNS.map(([name, definition]) => `${name} ${definition}`);
    await client.query(`create table if not exists ${quoteTable(table)} (${[...own, ...others].join(', ')})`);
  }
}

/** Makes triggers and foreign keys wait. Returns what checks the foreign keys, and puts all of it back to what it was. */
async function putToSleep(client: pg.PoolClient, schemas: readonly string[]): Promise<() => Promise<void>> {
  const { rows } = await client.query<{ sleep: string; wake: string }>(
    `select format('alter table %s disable trigger %I', t.tgrelid::regclass, t.tgname) as sleep,
       format('alter table %s enable %s trigger %I', t.tgrelid::regclass,
         case t.tgenabled when 'A' then 'always' when 'R' then 'replica' else '' end, t.tgname) as wake
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any($1) and not t.tgisinternal and t.tgenabled <> 'D'
     union all
     select format('alter table %s alter constraint %I deferrable', k.conrelid::regclass, k.conname),
       format('alter table %s alter constraint %I not deferrable', k.conrelid::regclass, k.conname)
     from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any($1) and k.contype = 'f' and not k.condeferrable`,
    [schemas],
  );
  for (const { sleep } of rows) await client.query(sleep);
  await client.query('set constraints all deferred');
  return async () => {
    await client.query('set constraints all immediate');
    for (const { wake } of rows) await client.query(wake);
  };
}

/**
 * Inserts all rows. When they do not fit, reads on to the end all the same: should the file turn out to be damaged,
 * then that is what is wrong.
 */
async function load(
  client: pg.PoolClient,
  header: Header,
  entries: AsyncIterable<Entry>,
  progress: (line: string) => void,
): Promise<BackupSummary> {
  const done: { table: string; rows: number }[] = [];
  let insert: (rows: string) => Promise<number> = async () => 0;
  let failure: BackupError | undefined;
  const trying = async (step: () => Promise<void>, why: string) => {
    if (failure) return;
    await step()
      .catch(misfit(why))
      .catch((error: unknown) => {
        if (!(error instanceof BackupError)) throw error;
        failure = error;
      });
  };
  for await (const entry of entries) {
    const current = done.at(-1);
    if ('table' in entry) {
      progress(`${entry.table} ...`);
      done.push({ table: entry.table, rows: 0 });
      await trying(async () => {
        insert = await insertInto(client, header, entry.table);
      }, `there is no table ${entry.table} for it here`);
    } else if ('rows' in entry && current) {
      await trying(async () => {
        current.rows += await insert(entry.rows);
      }, `a row of ${current.table} does not fit the table here`);
    } else if ('counts' in entry && JSON.stringify(entry.counts) !== JSON.stringify(done)) {
      failure ??= new BackupError(
        'does_not_fit',
        'Not every row of the backup could be inserted. Nothing was restored.',
      );
    }
  }
  if (failure) throw failure;
  return { tables: done };
}

/** Prepares inserting into the table of that name. What is inserted are rows as text, cast to the types of the table. */
async function insertInto(
  client: pg.PoolClient,
  header: Header,
  name: string,
): Promise<(rows: string) => Promise<number>> {
  const table = header.tables.find((candidate) => tableName(candidate) === name);
  const columns = await client.query<{ name: string; type: string }>(
    `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
     from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname = $1 and c.relname = $2
       and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''`,
    [table?.schema, table?.name],
  );
  if (!table || columns.rows.length === 0) {
    throw new BackupError('does_not_fit', doesNotFit(`there is no table ${name} here`));
  }
  const types = new Map(columns.rows.map((column) => [column.name, column.type]));
  const missing = table.columns.find((column) => !types.has(column));
  if (missing !== undefined) {
    throw new BackupError('does_not_fit', doesNotFit(`${name} has no column "${missing}" here`));
  }
  const names = table.columns.map(quote);
  const statement = `insert into ${quoteTable(table)} (${names.join(', ')}) overriding system value
    select ${table.columns.map((column) => `r.${quote(column)}::${types.get(column)}`).join(', ')}
    from json_to_recordset($1::json) as r(${names.map((column) => `${column} text`).join(', ')})`;
  return async (rows) => (await client.query(statement, [rows])).rowCount ?? 0;
}

async function setSequences(client: pg.PoolClient, sequences: readonly Sequence[]): Promise<void> {
  for (const { schema, name, last } of sequences) {
    await client.query(`select setval(format('%I.%I', $1::text, $2::text)::regclass, $3::bigint)`, [
      schema,
      name,
      last,
    ]);
  }
}

function doesNotFit(why: string): string {
  return `This backup is whole, but does not fit the tables here: ${why}. Nothing was restored. Restore it with the version of Ostiary that made it.`;
}

/** For `.catch`: what the database says about the values or the tables becomes a BackupError. */
function misfit(why: string): (error: unknown) => never {
  return (error) => {
    const aboutContent = error instanceof pg.DatabaseError && /^(22|23|42)/.test(error.code ?? '');
    throw aboutContent ? new BackupError('does_not_fit', doesNotFit(why), { cause: error }) : error;
  };
}
