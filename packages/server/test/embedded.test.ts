import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { startEmbedded } from '../src/storage/embedded/index.js';
import {
  dataFolder,
  isRunning,
  kill,
  postmasterOf,
  processes,
  query,
  sayNotTested,
  start,
  temporaryFolder,
} from './support/embedded.js';

const OTHER_VERSION = '/usr/lib/postgresql/15/bin';

test('creates a database, and finds it again', async () => {
  const folder = join(await temporaryFolder(), 'data');
  const log: string[] = [];
  const first = await start({ folder, log: (line) => log.push(line) });
  expect(log.join()).toContain('Creating the database');
  expect(first.where).toContain('postgresql-18');
  await query(first, 'create table t as select 1 as n');
  await first.stop();
  const second = await start({ folder });
  expect(await query(second, 'select n from t')).toEqual([{ n: 1 }]);
  expect(
    await query(second, `select current_database(), current_user, current_setting('server_encoding') as encoding`),
  ).toEqual([{ current_database: 'ostiary', current_user: 'ostiary', encoding: 'UTF8' }]);
});

test('keeps what is written: durability is on, and checksums', async () => {
  const cluster = await start({ folder: await dataFolder() });
  const names = ['fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums'];
  for (const name of names) expect(await query(cluster, `show ${name}`)).toEqual([{ [name]: 'on' }]);
});

test('stops once, however often it is told to, and leaves no process, socket or lock behind', async () => {
  const folder = await dataFolder();
  const cluster = await start({ folder });
  const postmaster = await postmasterOf(cluster.where);
  await Promise.all([cluster.stop(), cluster.stop()]);
  await cluster.stop();
  expect(isRunning(postmaster)).toBe(false);
  expect(existsSync(cluster.connection.host)).toBe(false);
  await (await start({ folder })).stop();
  // In a clone under root's own home there is a copy of the programs too.
  const names = (await readdir(folder)).filter((name) => !name.startsWith('programs-'));
  expect(names.sort()).toEqual([expect.stringMatching(/^lock\.\d+$/), 'postgresql-18', 'postgresql.log']);
});

test('starts in less than half the time when there is nothing to create or recover', async () => {
  const folder = await dataFolder();
  const times: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    const began = performance.now();
    const cluster = await start({ folder });
    times.push(performance.now() - began);
    await cluster.stop();
  }
  const [first = 0, ...others] = times;
  expect(Math.min(...others)).toBeLessThan(first / 2);
});

test('listens on a socket only, in a closed folder with a short path, and leaves no password file', async () => {
  const folder = join(await temporaryFolder(), 'x'.repeat(120));
  const cluster = await start({ folder });
  expect(await query(cluster, 'show listen_addresses')).toEqual([{ listen_addresses: '' }]);
  const { host, port } = cluster.connection;
  expect(Buffer.byteLength(`${host}/.s.PGSQL.${port}`)).toBeLessThan(104);
  const [socketFolder, data] = [await stat(host), await stat(cluster.where)];
  expect(socketFolder.mode & 0o777).toBe(0o700);
  expect(socketFolder.uid).toBe(data.uid);
  expect((await readdir(host)).sort()).toEqual([`.s.PGSQL.${port}`, `.s.PGSQL.${port}.lock`]);
});

test('two folders have two databases that do not meet', async () => {
  const [one, two] = await Promise.all([start({ folder: await dataFolder() }), start({ folder: await dataFolder() })]);
  await query(one, 'create table t (n int)');
  await expect(query(two, 'select * from t')).rejects.toThrow('does not exist');
});

test('writes its log into the data folder without what is stored, and puts a large one aside', async () => {
  const folder = await dataFolder();
  const logFile = join(folder, 'postgresql.log');
  const first = await start({ folder });
  await query(first, 'create table t (name text unique)');
  await query(first, `insert into t values ('Erika Mustermann')`);
  await expect(query(first, `insert into t values ('Erika Mustermann')`)).rejects.toThrow('duplicate');
  await first.stop();
  const text = await readFile(logFile, 'utf8');
  expect(text).toContain('duplicate key');
  expect(text).not.toContain('Mustermann');
  expect((await stat(logFile)).mode & 0o077).toBe(0);
  await truncate(logFile, 5_000_000);
  await start({ folder });
  expect((await stat(logFile)).size).toBeLessThan(10_000);
  expect((await stat(`${logFile}.1`)).size).toBe(5_000_000);
});

test('settings are passed on, but not those that would open it up', async () => {
  const settings = { max_connections: '17', listen_addresses: '*' };
  const cluster = await start({ folder: await dataFolder(), settings });
  expect(await query(cluster, 'show max_connections')).toEqual([{ max_connections: '17' }]);
  expect(await query(cluster, 'show listen_addresses')).toEqual([{ listen_addresses: '' }]);
});

test('losing power during writes loses no row that was acknowledged', async () => {
  const folder = await dataFolder();
  let acknowledged = 0;
  for (let round = 0; round < 5; round += 1) {
    const cluster = await start({ folder });
    await query(cluster, 'create table if not exists t (n int primary key)');
    const found = await query(cluster, `select count(*)::int as rows from t where n < ${acknowledged}`);
    expect(found).toEqual([{ rows: acknowledged }]);
    await query(cluster, `delete from t where n >= ${acknowledged}`);
    const postmaster = await postmasterOf(cluster.where);
    const cut = setTimeout(() => {
      const all = processes().filter(({ pid, parent }) => pid === postmaster || parent === postmaster);
      for (const { pid } of all) kill(pid, 'SIGKILL');
    }, 150);
    await writeUntilCut(cluster, () => acknowledged++, acknowledged);
    clearTimeout(cut);
    await cluster.stop();
  }
  expect(acknowledged).toBeGreaterThan(5);
});

async function writeUntilCut(cluster: Awaited<ReturnType<typeof start>>, acknowledge: () => void, from: number) {
  const client = new pg.Client(cluster.connection);
  client.on('error', () => {});
  try {
    await client.connect();
    for (let n = from; ; n += 1) {
      await client.query('insert into t values ($1)', [n]);
      acknowledge();
    }
  } catch {
    await client.end().catch(() => {});
  }
}

/** Everything below a folder with its size, except for logs and locks. */
async function picture(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true });
  const kept = entries.filter((name) => !/^(lock\.|postgresql\.log)/.test(name)).sort();
  return Promise.all(kept.map(async (name) => `${name} ${(await stat(join(folder, name))).size}`));
}

async function expectBroken(folder: string, message: RegExp): Promise<void> {
  const before = await picture(folder);
  await expect(startEmbedded({ folder })).rejects.toMatchObject({
    code: 'broken',
    message: expect.stringMatching(message),
  });
  expect(await picture(folder)).toEqual(before);
}

async function stoppedCluster(): Promise<{ readonly folder: string; readonly where: string }> {
  const folder = await dataFolder();
  const cluster = await start({ folder });
  await cluster.stop();
  return { folder, where: cluster.where };
}

test('a database that starts and turns everyone away is refused, and its PostgreSQL is stopped', async () => {
  const folder = await dataFolder();
  const { where, stop } = await start({ folder });
  await stop();
  for (const name of await readdir(join(where, 'base'))) await rm(join(where, 'base', name, '1259'), { force: true });
  await expect(startEmbedded({ folder })).rejects.toMatchObject({ code: 'broken' });
  expect(processes().filter(({ command }) => command.includes(`postgres -D ${folder}`))).toEqual([]);
});

test('a start that is interrupted leaves nothing running', async () => {
  const folder = await dataFolder();
  await (await start({ folder })).stop();
  await expect(startEmbedded({ folder, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'not_started' });
  expect(processes().filter(({ command }) => command.includes(`postgres -D ${folder}`))).toEqual([]);
  expect(await query(await start({ folder }), 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('a PostgreSQL that ends by itself is started again, and connections find it where it was', async () => {
  const log: string[] = [];
  const cluster = await start({ folder: await dataFolder(), log: (line) => log.push(line) });
  await query(cluster, 'create table t as select 1 as n');
  kill(await postmasterOf(cluster.where), 'SIGKILL');
  await vi.waitFor(() => expect(log).toContain('The database is back.'), { timeout: 30_000 });
  expect(await query(cluster, 'select n from t')).toEqual([{ n: 1 }]);
  kill(await postmasterOf(cluster.where), 'SIGKILL');
  await cluster.stop();
  expect(processes().filter(({ command }) => command.includes(`postgres -D ${cluster.where}`))).toEqual([]);
});

test('a database with missing files is refused, and nothing is changed', async () => {
  const { folder, where } = await stoppedCluster();
  await rm(join(where, 'global', 'pg_control'));
  await expectBroken(folder, /could not .*postgresql\.log/s);
  await rm(join(where, 'PG_VERSION'));
  await expectBroken(folder, /PG_VERSION.*postgresql\.log/s);
});

test('a database with a damaged configuration is refused, and starts again once it is repaired', async () => {
  const { folder, where } = await stoppedCluster();
  const file = join(where, 'postgresql.conf');
  const good = await readFile(file);
  await writeFile(file, 'nonsense = = 1\n');
  await expectBroken(folder, /postgresql\.log/);
  await writeFile(file, good);
  await start({ folder });
});

test('an empty folder or a file in the place of the database is refused: it might be a disk that is not there', async () => {
  const { folder, where } = await stoppedCluster();
  const owner = await stat(where);
  await rm(where, { recursive: true });
  await mkdir(where);
  if (process.geteuid?.() === 0) await chown(where, owner.uid, owner.gid);
  await expectBroken(folder, /PG_VERSION/);
  await rm(where, { recursive: true });
  await writeFile(where, 'x');
  await expectBroken(folder, /root|PG_VERSION/);
});

test('a file in the place of the data folder is refused', async () => {
  const file = join(await temporaryFolder(), 'data');
  await writeFile(file, 'mine');
  const refusal = { code: 'broken', message: expect.stringContaining('there is a file where the folder should be') };
  await expect(startEmbedded({ folder: file })).rejects.toMatchObject(refusal);
  await expect(startEmbedded({ folder: join(file, 'below') })).rejects.toMatchObject(refusal);
  expect(await readFile(file, 'utf8')).toBe('mine');
});

test.skipIf(process.geteuid?.() === 0)('a folder that cannot be written to is refused', async () => {
  const folder = await temporaryFolder();
  await chmod(folder, 0o555);
  await expectBroken(folder, /cannot be used: .*EACCES/);
});

test('programs of another major version are refused, with the way to move', async () => {
  const { folder, where } = await stoppedCluster();
  await writeFile(join(where, 'PG_VERSION'), '17\n');
  const refusal = { code: 'wrong_version', message: expect.stringMatching(/PostgreSQL 17.*backup.*restore/s) };
  await expect(startEmbedded({ folder })).rejects.toMatchObject(refusal);
  await writeFile(join(where, 'PG_VERSION'), '18\n');
  await start({ folder });
});

if (!existsSync(OTHER_VERSION)) sayNotTested(`another PostgreSQL, as there is none in ${OTHER_VERSION}`);
test.runIf(existsSync(OTHER_VERSION))('runs another PostgreSQL, and refuses its data with ours', async () => {
  const folder = await temporaryFolder();
  const cluster = await start({ folder, binaries: OTHER_VERSION });
  expect(cluster.where).toContain('postgresql-15');
  expect(await query(cluster, `select lower('Ä') as lower, 'a' > 'B' as by_code_point`)).toEqual([
    { lower: 'ä', by_code_point: true },
  ]);
  await cluster.stop();
  await expect(startEmbedded({ folder })).rejects.toMatchObject({ code: 'wrong_version' });
  await start({ folder, binaries: OTHER_VERSION });
});

test('a folder without a PostgreSQL is refused', async () => {
  const [folder, binaries] = [await temporaryFolder(), await temporaryFolder()];
  await expect(startEmbedded({ folder, binaries })).rejects.toMatchObject({ code: 'no_binaries' });
  await writeFile(join(binaries, 'postgres'), '#!/bin/sh\necho "postgres (Something) 1"', { mode: 0o755 });
  await expect(startEmbedded({ folder, binaries })).rejects.toMatchObject({ code: 'no_binaries' });
});
