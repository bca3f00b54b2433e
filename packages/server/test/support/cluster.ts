import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { openDatabase } from '../../src/storage/database.js';

/** A database of one test's own. */
export interface TestDatabase {
  /** For another pool on it. */
  readonly config: pg.PoolConfig;
  readonly pool: pg.Pool;
  /** Ends the pool and removes the database, whoever else is connected. */
  drop(): Promise<void>;
}

/** What a database starts with. It is set up once per test run, and copied from then on: one name, one content. */
export interface Preparation {
  readonly name: string;
  readonly setUp: (pool: pg.Pool) => Promise<void>;
}

/** Makes a fresh database in the PostgreSQL of this test run: an empty one, or a copy of what `prepare` sets up. */
export async function testDatabase(prepare?: Preparation): Promise<TestDatabase> {
  const server = inject('postgres');
  const database = `test_${randomUUID()}`;
  await administer(async (client) => {
    const template = prepare ? await prepareTemplate(client, prepare) : 'template0';
    // Copied as files: cheaper than through the log, where nothing is flushed.
    await client.query(`create database "${database}" template "${template}" strategy file_copy`);
  });
  const config = { ...server, database };
  const pool = openDatabase(config).pool;
  return {
    config,
    pool,
    async drop() {
      if (!pool.ended) await pool.end();
      await administer((client) => client.query(`drop database if exists "${database}" with (force)`));
    },
  };
}

async function prepareTemplate(client: pg.Client, { name, setUp }: Preparation): Promise<string> {
  const template = `template_${name}`;
  // Test files run in processes of their own: the first one makes it, and the others wait for it.
  await client.query('select pg_advisory_lock(hashtext($1))', [template]);
  const { rows } = await client.query('select from pg_database where datname = $1', [template]);
  if (rows.length === 0) {
    const draft = `draft_${randomUUID()}`;
    await client.query(`create database "${draft}" template template0`);
    const pool = openDatabase({ ...inject('postgres'), database: draft }).pool;
    await setUp(pool).finally(() => pool.end());
    await client.query(`alter database "${draft}" rename to "${template}"`);
  }
  return template;
}

async function administer(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ ...inject('postgres'), database: 'postgres' });
  await client.connect();
  await work(client).finally(() => client.end());
}
