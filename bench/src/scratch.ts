import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase, startEmbedded } from '@ostiary/server';
import type pg from 'pg';

/** A PostgreSQL for databases that are gone afterwards: the one of DATABASE_URL, or a built-in one of its own. */
export interface Scratch {
  /** Makes an empty database. */
  database(name: string): Promise<Database>;
  close(): Promise<void>;
}

export async function openScratch(): Promise<Scratch> {
  const { connection, stop } = await server();
  const opened: { readonly name: string; readonly database: Database }[] = [];
  const administer = async (statement: string) => {
    const { pool, close } = openDatabase(connection);
    await pool.query(statement).finally(close);
  };
  const scratch: Scratch = {
    async database(purpose) {
      const name = `ostiary_bench_${purpose}_${process.pid}`;
      await administer(`create database ${name} template template0`);
      const database = openDatabase(databaseIn(connection, name));
      opened.push({ name, database });
      return database;
    },
    async close() {
      for (const { name, database } of opened.splice(0)) {
        await database.close();
        await administer(`drop database ${name} with (force)`);
      }
      await stop();
    },
  };
  // Interrupted, it leaves nothing behind either.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => scratch.close().finally(() => process.exit(130)));
  }
  return scratch;
}

async function server(): Promise<{ readonly connection: pg.PoolConfig; readonly stop: () => Promise<void> }> {
  const url = process.env.DATABASE_URL;
  if (url) return { connection: { connectionString: url }, stop: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'ostiary-bench-'));
  const cluster = await startEmbedded({ folder, log: () => {} });
  const stop = async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { connection: { ...cluster.connection }, stop };
}

function databaseIn(connection: pg.PoolConfig, name: string): pg.PoolConfig {
  if (connection.connectionString === undefined) return { ...connection, database: name };
  return { connectionString: Object.assign(new URL(connection.connectionString), { pathname: `/${name}` }).href };
}
