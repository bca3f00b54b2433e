import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { backup, restore } from '../src/storage/backup.js';
import { type EmbeddedCluster, startEmbedded } from '../src/storage/embedded/index.js';
import { sayNotTested } from './support/embedded.js';

const POSTGRES_15 = '/usr/lib/postgresql/15/bin';
const versions: { name: string; binaries?: string }[] = [{ name: 'the built-in PostgreSQL' }];
if (existsSync(POSTGRES_15)) versions.push({ name: 'PostgreSQL 15', binaries: POSTGRES_15 });
else sayNotTested(`backups of PostgreSQL 15, as there is none in ${POSTGRES_15}`);

const DDL = `
  create schema if not exists "my data";
  create schema if not exists other;
  create type other.mood as enum ('fine', 'so "so"');
  create domain other.positive as integer check (value > 0);
  create type other.pair as (a int, b text);
  create table "my data"."Every ""kind""" (
    id bigint generated always as identity primary key,
    "Text" text, varying varchar(5), fixed char(5), number numeric, "float" double precision, flag boolean,
    big bigint, bytes bytea, at timestamptz, local_at timestamp, on_day date, span interval, uuid uuid,
    words text[], numbers int[], grid int[][], doc jsonb not null, raw json, docs jsonb[],
    mood other.mood, positive other.positive, pair other.pair, "range" tstzrange, address inet,
    negative bigint generated always as (-id) stored
  );
  create table other.many (id serial primary key, name text not null, value double precision);
  create table other.parent (id int primary key, favourite int, above int references other.parent deferrable);
  create table other.child (id int primary key, parent int not null references other.parent deferrable);
  alter table other.parent add foreign key (favourite) references other.child deferrable;
  create table other.strict (id int primary key, next int references other.strict);
  create table other.audit (id int primary key, what text);
  create function other.refuse() returns trigger language plpgsql as $$ begin raise exception 'append-only'; end $$;
  create trigger append_only before update or delete on other.audit for each row execute function other.refuse();
  create trigger no_truncate before truncate on other.audit for each statement execute function other.refuse();
  create trigger no_insert before insert on other.many for each row execute function other.refuse();
  create trigger switched_off before insert on other.child for each row execute function other.refuse();
  alter table other.child disable trigger switched_off;
  create unlogged table other.passing as select 1 as id;
  create view other.seen as select * from other.many;
  create sequence other.counter;
`;

const ROWS = `
  insert into "my data"."Every ""kind""" (doc) values ('null');
  insert into "my data"."Every ""kind""" (
    "Text", varying, fixed, number, "float", flag, big, bytes, at, local_at, on_day, span, uuid,
    words, numbers, grid, doc, raw, docs, mood, positive, pair, "range", address
  ) values
    (E'Zoë \\U0001F600 "quoted" \\\\ back\\nnew\\ttab \\u2028 ''', 'äöü', 'ab', 'NaN', 'NaN', true, 9223372036854775807,
     '\\x00ff0a5b7b', '2024-02-29 23:59:59.123456+02', '1999-01-01 00:00:00.000001', '0044-03-15 BC',
     '1 year -2 days 00:00:00.000001', 'c0ffee00-0000-4000-8000-000000000000',
     array['a', null, '', 'NULL', '{x}', 'with "quotes", and comma'], '[0:2]={1,2,3}', '{{1,2},{3,4}}',
     '{"big": 12345678901234567890.123456789, "u": "\\u00e9", "nested": [null, {}]}', E'{"b":1,\\n "b": 2}',
     array['null'::jsonb, '"x"', null], 'so "so"', 1, row(1, 'x,"y"'), '[2024-01-01 00:00:00.000001+00,)', '10.0.0.1/8'),
    ('', '', '', 123456789012345678901234567890.000000000000000001, 0.1::float8 + 0.2::float8, false, -9223372036854775808,
     '', 'infinity', '-infinity', 'infinity', '-00:00:01', null, '{}', '{}', '{}', '[]', 'null', '{}', 'fine', null, null,
     'empty', '::1'),
    (null, null, null, 'Infinity', '-Infinity', null, null, null, null, null, null, null, null,
     null, null, null, '"text"', null, null, null, null, null, null, null);
  alter table other.many disable trigger no_insert;
  insert into other.many (name, value) select repeat(md5(i::text), 1 + i % 7), random() * i from generate_series(1, 20000) i;
  alter table other.many enable trigger no_insert;
  begin;
  set constraints all deferred;
  insert into other.parent values (1, 11, 2), (2, 12, 1), (3, null, 3);
  insert into other.child values (11, 1), (12, 2);
  commit;
  insert into other.strict values (2, 2), (1, 2);
  insert into other.strict select i, i - 1 from generate_series(3, 3000) i;
  insert into other.audit values (1, 'started');
  select nextval('other.counter') from generate_series(1, 42);
`;

const TABLES = [
  '"my data"."Every ""kind"""',
  ...['many', 'parent', 'child', 'strict', 'audit'].map((name) => `other.${name}`),
];
const SCHEMAS = ['my data', 'other'];

/** Every row as text, exactly as PostgreSQL writes it. */
async function contentOf(pool: pg.Pool): Promise<readonly unknown[]> {
  const content: unknown[] = [];
  for (const table of TABLES) content.push((await pool.query(`select t::text from ${table} t order by 1`)).rows);
  return content;
}

describe.each(versions)('a backup on $name', ({ binaries }) => {
  let folder: string;
  let cluster: EmbeddedCluster;
  let source: pg.Pool;
  let file: Buffer;
  const targets: pg.Pool[] = [];
  let databases = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ostiary-test-'));
    cluster = await startEmbedded({ folder, settings: { fsync: 'off' }, ...(binaries && { binaries }) });
    source = new pg.Pool(cluster.connection);
    source.on('error', () => {});
    await source.query(DDL);
    await source.query(ROWS);
    await source.query('create role app login');
    file = await backedUp(SCHEMAS);
  });
  afterEach(async () => {
    for (const pool of targets.splice(0)) await pool.end();
  });
  afterAll(async () => {
    await refusing?.end();
    await source.end();
    await cluster.stop();
    await rm(folder, { recursive: true });
  });

  async function backedUp(schemas: readonly string[], progress?: (line: string) => void): Promise<Buffer> {
    const out = new PassThrough();
    const [bytes] = await Promise.all([buffer(out), backup(source, schemas, out, progress)]);
    return bytes;
  }

  /** A new database that belongs to a role that is no superuser. */
  async function target(): Promise<{ pool: pg.Pool; createSchema: () => Promise<void> }> {
    const database = `target_${++databases}`;
    await source.query(`create database ${database} owner app`);
    // A restoring session may be set up in any way.
    const pool = new pg.Pool({
      ...cluster.connection,
      database,
      user: 'app',
      options: '-c timezone=Asia/Tokyo -c datestyle=German -c intervalstyle=iso_8601 -c bytea_output=escape',
    });
    pool.on('error', () => {});
    targets.push(pool);
    return { pool, createSchema: async () => void (await pool.query(DDL)) };
  }

  const from = (bytes: Buffer) => Readable.from([bytes.subarray(0, 10), bytes.subarray(10)], { objectMode: false });

  test('comes back exactly as it was', async () => {
    const { pool, createSchema } = await target();
    const lines: string[] = [];
    const summary = await restore(pool, from(file), { createSchema, progress: (line) => lines.push(line) });
    expect(summary.tables).toContainEqual({ table: 'other.many', rows: 20_000 });
    expect(summary.tables).toContainEqual({ table: 'my data.Every "kind"', rows: 4 });
    expect(summary.tables.map(({ table }) => table)).not.toContain('other.seen');
    expect(summary.tables.map(({ table }) => table)).not.toContain('other.passing');
    expect(lines.join()).toContain('other.many');
    const plain = new pg.Pool({ ...cluster.connection, database: pool.options.database });
    plain.on('error', () => {});
    targets.push(plain);
    expect(await contentOf(plain)).toEqual(await contentOf(source));
  });

  test('sequences go on where they were', async () => {
    const { pool, createSchema } = await target();
    await restore(pool, from(file), { createSchema });
    const next = async (statement: string) => Object.values((await pool.query(statement)).rows[0])[0];
    expect(await next(`insert into "my data"."Every ""kind""" (doc) values ('1') returning id`)).toBe('5');
    expect(await next(`select nextval('other.many_id_seq')`)).toBe('20001');
    expect(await next(`select nextval('other.counter')`)).toBe('43');
  });

  test('triggers and foreign keys are as they were', async () => {
    const { pool, createSchema } = await target();
    await restore(pool, from(file), { createSchema });
    await expect(pool.query('delete from other.audit')).rejects.toThrow('append-only');
    await expect(pool.query('truncate other.audit')).rejects.toThrow('append-only');
    await expect(pool.query(`insert into other.many (name) values ('x')`)).rejects.toThrow('append-only');
    await expect(pool.query('insert into other.strict values (0, -1)')).rejects.toThrow('foreign key');
    await pool.query('insert into other.child values (13, 3)');
    const state = `select conname, condeferrable, condeferred from pg_constraint
      where contype = 'f' order by conrelid::regclass::text, conname`;
    const triggers = `select tgname, tgenabled from pg_trigger where not tgisinternal order by 1`;
    for (const statement of [state, triggers]) {
      expect((await pool.query(statement)).rows).toEqual((await source.query(statement)).rows);
    }
  });

  test('a backup of what was restored is the same backup', async () => {
    const { pool, createSchema } = await target();
    await restore(pool, from(file), { createSchema });
    const out = new PassThrough();
    const [again] = await Promise.all([buffer(out), backup(pool, SCHEMAS, out)]);
    const sorted = (bytes: Buffer) => gunzipSync(bytes).toString().split('\n').slice(0, -2);
    expect(sorted(again)).toEqual(sorted(file));
  });

  test('is of one moment, whatever is written meanwhile', async () => {
    const { pool, createSchema } = await target();
    await restore(pool, from(file), { createSchema });
    const out = new PassThrough();
    const bytes = buffer(out);
    const summary = await backup(pool, SCHEMAS, out, () => {
      pool.query(`alter table other.audit disable trigger all; delete from other.strict`).catch(() => {});
    });
    expect(summary.tables).toContainEqual({ table: 'other.strict', rows: 3_000 });
    await bytes;
  });

  test('has only the schemas that were asked for, which must exist', async () => {
    const lines: string[] = [];
    await backedUp(['my data'], (line) => lines.push(line));
    expect(lines).toEqual(['my data.Every "kind": 4 rows']);
    await expect(backup(source, ['nope'], new PassThrough())).rejects.toMatchObject({ code: 'unknown_schema' });
  });

  test.each([0, 20])('tells when what it writes to breaks after %i ms, and gives its connection back', async (wait) => {
    const out = new PassThrough();
    setTimeout(() => out.destroy(new Error('disk full')), wait);
    await expect(backup(source, SCHEMAS, out)).rejects.toThrow('disk full');
    expect(source.idleCount).toBe(source.totalCount);
    expect((await source.query('select 1 as n')).rows).toEqual([{ n: 1 }]);
  });

  let refusing: pg.Pool | undefined;

  /** Expects a refusal that leaves the target as it was, without rows. */
  /** Changes a byte about there. Not every change is damage: gzip may then repeat other text that reads the same. */
  function damage(of: Buffer, part: number): Buffer {
    const text = gunzipSync(of);
    for (let at = Math.floor(of.length * part); ; at += 1) {
      const changed = Buffer.from(of);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at);
      try {
        if (gunzipSync(changed).equals(text)) continue;
      } catch {
        // It says nothing any more.
      }
      return changed;
    }
  }

  async function expectRefused(bytes: Buffer, code: RegExp): Promise<void> {
    if (refusing === undefined) {
      const { pool, createSchema } = await target();
      await createSchema();
      targets.splice(targets.indexOf(pool), 1);
      refusing = pool;
    }
    const pool = refusing;
    const createSchema = async () => {};
    await expect(restore(pool, from(bytes), { createSchema })).rejects.toMatchObject({
      name: 'BackupError',
      code: expect.stringMatching(code),
    });
    for (const table of TABLES) expect((await pool.query(`select from ${table} limit 1`)).rows).toEqual([]);
    expect(pool.idleCount).toBe(pool.totalCount);
    const triggers = 'select tgname, tgenabled from pg_trigger where not tgisinternal order by 1';
    expect((await pool.query(triggers)).rows).toEqual((await source.query(triggers)).rows);
  }

  test('is refused when it is cut off, anywhere', async () => {
    for (const part of [0.001, 0.3, 0.9])
      await expectRefused(file.subarray(0, Math.ceil(file.length * part)), /^damaged$/);
    await expectRefused(file.subarray(0, -1), /^damaged$/);
    await expectRefused(Buffer.alloc(0), /^damaged$/);
    const text = gunzipSync(file).toString();
    const withoutTrailer = text.slice(0, text.lastIndexOf('\n', text.length - 2) + 1);
    await expectRefused(gzipSync(withoutTrailer), /^damaged$/);
    await expectRefused(gzipSync(withoutTrailer.slice(0, -500)), /^damaged$/);
  });

  test('is refused when a byte was changed, anywhere', async () => {
    for (const part of [0.1, 0.5, 0.95]) await expectRefused(damage(file, part), /^damaged$/);
  });

  test('is refused when its content was changed', async () => {
    const text = gunzipSync(file).toString();
    const changed = [
      text.replace('started', 'stopped'),
      text.replace('"value":"0', '"value":"x'),
      text.replace('{"table":"other.child"}', '{"table":"other.wrong"}'),
      text.replace(/"sha256":"./, '"sha256":"_'),
      `${text}more\n`,
      text.replace('"last":"42"', '"last":"43"'),
    ];
    for (const each of changed) {
      expect(each).not.toBe(text);
      await expectRefused(gzipSync(each), /^damaged$/);
    }
  });

  test('of version 1, which told no types of columns, is brought back as well', async () => {
    const [header = '', ...rows] = gunzipSync(file).toString().trimEnd().split('\n');
    const { tables, ...others } = JSON.parse(header);
    const untyped = tables.map(({ types: _, ...table }: { types: unknown }) => table);
    const lines = [JSON.stringify({ ...others, version: 1, tables: untyped }), ...rows.slice(0, -1)];
    const sha256 = createHash('sha256')
      .update(`${lines.join('\n')}\n`)
      .digest('hex');
    const trailer = JSON.stringify({ ...JSON.parse(rows.at(-1) ?? ''), sha256 });
    const { pool, createSchema } = await target();
    const older = gzipSync(`${[...lines, trailer].join('\n')}\n`);
    const { tables: restored } = await restore(pool, from(older), { createSchema });
    expect(restored).toHaveLength(tables.length);
  });

  test('is refused when it is something else, or of another version', async () => {
    for (const foreign of [
      'hello',
      gzipSync('hello'),
      gzipSync(''),
      gzipSync('{"format":"x"}\n'),
      Buffer.alloc(100_000, 7),
    ]) {
      await expectRefused(Buffer.from(foreign), /^not_a_backup$/);
    }
    const later = gunzipSync(file).toString().replace('"version":2', '"version":3');
    await expectRefused(gzipSync(later), /^wrong_version$/);
  });

  test('is refused where rows are, even in a table that it does not have', async () => {
    const { pool, createSchema } = await target();
    await pool.query('create schema other; create table other.more as select 1 as n');
    await expect(restore(pool, from(file), { createSchema })).rejects.toMatchObject({ code: 'not_empty' });
    expect((await pool.query(`select to_regclass('other.many') as made`)).rows).toEqual([{ made: null }]);
  });

  test('is refused where the tables are others', async () => {
    const changes = [
      'drop table other.audit',
      'alter table other.audit drop column what',
      'alter table other.audit add check (id > 1)',
      'alter table other.child alter parent type boolean using null',
      'drop sequence other.counter',
    ];
    for (const change of changes) {
      const { pool, createSchema } = await target();
      const changed = async () => {
        await createSchema();
        if (change.includes('boolean')) await pool.query('alter table other.child drop constraint child_parent_fkey');
        await pool.query(change);
      };
      await expect(restore(pool, from(file), { createSchema: changed })).rejects.toMatchObject({
        code: 'does_not_fit',
      });
      expect((await pool.query('select from other.many limit 1')).rows).toEqual([]);
    }
  });

  test('fails as the input or the making of the tables does', async () => {
    const { pool } = await target();
    const failing = async () => {
      throw new Error('no tables today');
    };
    await expect(restore(pool, from(file), { createSchema: failing })).rejects.toThrow('no tables today');
    const input = new PassThrough();
    input.write(file.subarray(0, 5_000));
    setTimeout(() => input.destroy(new Error('cable cut')), 20);
    await expect(restore(pool, input, { createSchema: async () => {} })).rejects.toThrow('cable cut');
  });
});

test.runIf(versions.length > 1)('what one version wrote, the other reads', async () => {
  const folders = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), 'ostiary-test-'))));
  const clusters: EmbeddedCluster[] = [];
  for (const [index, { binaries }] of versions.entries()) {
    clusters.push(
      await startEmbedded({ folder: folders[index] ?? '', settings: { fsync: 'off' }, ...(binaries && { binaries }) }),
    );
  }
  const [newer, older] = clusters.map(({ connection }) => new pg.Pool(connection));
  if (!newer || !older) throw new Error('There should be two');
  for (const pool of [newer, older]) pool.on('error', () => {});
  try {
    await older.query(DDL);
    await older.query(ROWS);
    const through = new PassThrough();
    const createSchema = async () => void (await newer.query(DDL));
    await Promise.all([backup(older, SCHEMAS, through), restore(newer, through, { createSchema })]);
    expect(await contentOf(newer)).toEqual(await contentOf(older));
  } finally {
    for (const pool of [newer, older]) await pool.end();
    for (const cluster of clusters) await cluster.stop();
    for (const folder of folders) await rm(folder, { recursive: true });
  }
});
