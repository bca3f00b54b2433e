import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase, startEmbedded } from '@ostiary/server';

/** An empty database that is gone afterwards: in the PostgreSQL of DATABASE_URL, or in a built-in one of its own. */
export interface Scratch {
  readonly database: Database;
  close(): Promise<void>;
}

export async function openScratch(): Promise<Scratch> {
  const url = process.env.DATABASE_URL;
  if (url) return openOn(url);
  const folder = await mkdtemp(join(tmpdir(), 'ostiary-bench-'));
  const cluster = await startEmbedded({ folder, log: () => {} });
  const database = openDatabase(cluster.connection);
  return {
    database,
    async close() {
      await database.close();
      await cluster.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function openOn(url: string): Promise<Scratch> {
  const name = `ostiary_bench_${process.pid}`;
  const administration = openDatabase({ connectionString: url });
  await administration.pool.query(`create database ${name}`);
  const database = openDatabase({ connectionString: Object.assign(new URL(url), { pathname: `/${name}` }).href });
  return {
    database,
    async close() {
      await database.close();
      await administration.pool.query(`drop database ${name} with (force)`);
      await administration.close();
    },
  };
}
