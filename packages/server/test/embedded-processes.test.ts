import {
  chown,
  lutimes,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded } from '../src/storage/embedded/index.js';
import { takeLock } from '../src/storage/embedded/lock.js';
import {
  afterwards,
  buildOtherServer,
  dataFolder,
  idleProgram,
  isRunning,
  kill,
  type OtherServer,
  postmasterOf,
  processes,
  query,
  start,
  startOther,
  temporaryFolder,
  until,
  zombie,
} from './support/embedded.js';

let programFolder: string;
let program: string;
beforeAll(async () => {
  programFolder = await realpath(await mkdtemp(join(tmpdir(), 'ostiary-test-')));
  program = await buildOtherServer(programFolder);
});
afterAll(() => rm(programFolder, { recursive: true }));

async function started(other: OtherServer) {
  const outcome = await other.outcome;
  if ('code' in outcome) throw new Error(outcome.message);
  return outcome;
}

/** Who the cluster belongs to, as what a process can be started as. */
async function ownerOf(where: string) {
  const { uid, gid } = await stat(where);
  return { uid, gid };
}

test('an initdb that was killed leaves nothing that is taken for a database', async () => {
  const folder = await dataFolder();
  const other = startOther(program, folder);
  const initdb = () => processes().filter(({ command }) => command.includes('initdb') && command.includes(folder));
  const half = async () => (await readdir(folder, { recursive: true })).some((name) => name.endsWith('pg_control'));
  await until(async () => initdb().length > 0 && (await half().catch(() => false)));
  kill(other.pid, 'SIGKILL');
  for (const { pid } of processes().filter(({ command }) => command.includes(folder))) kill(pid, 'SIGKILL');
  await other.ended;
  await until(() => initdb().length === 0);
  expect((await readdir(folder)).some((name) => name.startsWith('initialising-'))).toBe(true);
  expect(await readdir(folder)).not.toContain('postgresql-18');
  const cluster = await start({ folder });
  expect(await query(cluster, 'select 1 as n')).toEqual([{ n: 1 }]);
  expect((await readdir(folder)).filter((name) => name.startsWith('initialising-'))).toEqual([]);
});

test('a start while the initdb of a killed server still runs', async () => {
  const folder = await dataFolder();
  const other = startOther(program, folder);
  await until(() => processes().some(({ command }) => command.includes('initdb') && command.includes(folder)));
  kill(other.pid, 'SIGKILL');
  await other.ended;
  const cluster = await start({ folder });
  expect(await query(cluster, 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('the PostgreSQL of a killed server is stopped by the next start, and nothing is lost', async () => {
  const folder = await dataFolder();
  const other = startOther(program, folder);
  const { where, connection } = await started(other);
  await query({ connection }, 'create table t as select 1 as n');
  const orphan = await postmasterOf(where);
  kill(other.pid, 'SIGKILL');
  await other.ended;
  expect(isRunning(orphan)).toBe(true);
  const log: string[] = [];
  const cluster = await start({ folder, log: (line) => log.push(line) });
  expect(log.join()).toContain('left running');
  expect(isRunning(orphan)).toBe(false);
  expect(await query(cluster, 'select n from t')).toEqual([{ n: 1 }]);
});

test('a server that is killed while its PostgreSQL starts', async () => {
  const folder = await dataFolder();
  await (await start({ folder })).stop();
  for (const wait of [0, 5, 10, 20]) {
    const other = startOther(program, folder);
    await until(() => processes().some(({ command }) => command.includes(`postgres -D ${folder}`)));
    await delay(wait);
    kill(other.pid, 'SIGKILL');
    await other.ended;
    const cluster = await start({ folder });
    expect(await query(cluster, 'select 1 as n')).toEqual([{ n: 1 }]);
    await cluster.stop();
  }
});

test('a process that ends without stopping its PostgreSQL takes it along', async () => {
  const folder = await dataFolder();
  const other = startOther(program, folder, { leave: true });
  await started(other);
  await other.ended;
  await until(() => !processes().some(({ command }) => command.includes(`postgres -D ${folder}`)));
});

test('a PostgreSQL that ended and was not waited for counts as gone', async () => {
  const folder = await dataFolder();
  const { where, pidFile } = await leftover(folder);
  const owner = await ownerOf(where);
  await pidFile(await zombie(owner));
  const cluster = await start({ folder });
  expect(await query(cluster, 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('a number that now belongs to another program does not confuse it, and does that program no harm', async () => {
  const folder = await dataFolder();
  const { where, pidFile } = await leftover(folder);
  const stranger = idleProgram(await ownerOf(where));
  await pidFile(stranger);
  const cluster = await start({ folder });
  expect(await query(cluster, 'select 1 as n')).toEqual([{ n: 1 }]);
  expect(isRunning(stranger)).toBe(true);
});

/** A stopped cluster, and what makes it look as if process `pid` ran it. */
async function leftover(folder: string) {
  const cluster = await start({ folder });
  const file = join(cluster.where, 'postmaster.pid');
  const text = await readFile(file, 'utf8');
  const owner = await ownerOf(cluster.where);
  await cluster.stop();
  const pidFile = async (pid: number) => {
    await writeFile(file, text.replace(/^\d+/, String(pid)), { mode: 0o600 });
    if (process.geteuid?.() === 0) await chown(file, owner.uid, owner.gid);
  };
  return { where: cluster.where, pidFile };
}

test('a second server on the same folder is refused, and the first goes on', async () => {
  const folder = await dataFolder();
  const cluster = await start({ folder });
  const refusal = { code: 'in_use', message: expect.stringContaining('Another server uses the data folder') };
  await expect(startEmbedded({ folder })).rejects.toMatchObject(refusal);
  expect(await startOther(program, folder).outcome).toMatchObject(refusal);
  expect(await query(cluster, 'select 1 as n')).toEqual([{ n: 1 }]);
  await cluster.stop();
  await start({ folder });
});

test.each(['a new folder', 'a folder with a database that a killed server left running'])(
  'of servers that start at the same moment one wins: %s',
  async (which) => {
    const folder = which === 'a new folder' ? await temporaryFolder() : await dataFolder();
    if (which !== 'a new folder') {
      const other = startOther(program, folder);
      await started(other);
      kill(other.pid, 'SIGKILL');
      await other.ended;
    }
    const others = [1, 2, 3, 4].map(() => startOther(program, folder));
    const outcomes = await Promise.all(others.map(({ outcome }) => outcome));
    const winners = outcomes.flatMap((outcome) => ('where' in outcome ? [outcome] : []));
    expect(winners).toHaveLength(1);
    expect(outcomes.flatMap((outcome) => ('code' in outcome ? [outcome.code] : []))).toEqual(Array(3).fill('in_use'));
    for (const winner of winners) expect(await query(winner, 'select 1 as n')).toEqual([{ n: 1 }]);
  },
);

const silent = () => {};

test('a lock is taken by one of many, whatever was there before', async () => {
  for (let round = 0; round < 30; round += 1) {
    const folder = await temporaryFolder();
    if (round % 3 === 1) await symlink('free', join(folder, 'lock.7'));
    if (round % 3 === 2) await leaveLock(folder, 999_999_999, 'long-ago');
    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(folder, silent)));
    const taken = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
    expect(taken).toHaveLength(1);
    for (const lock of taken) await lock.release();
    await (await takeLock(folder, silent)).release();
    expect(await readdir(folder)).toHaveLength(1);
  }
});

test('a lock whose process number now belongs to another program is free', async () => {
  const folder = await temporaryFolder();
  await leaveLock(folder, idleProgram(), '1');
  await (await takeLock(folder, silent)).release();
});

test.runIf(process.platform === 'linux')('a lock whose holder ended and was not waited for is free', async () => {
  const folder = await temporaryFolder();
  const dead = await zombie();
  await leaveLock(folder, dead, await startOf(dead));
  await (await takeLock(folder, silent)).release();
});

test('a lock from another container counts while its holder touches it', async () => {
  const folder = await temporaryFolder();
  const link = join(folder, 'lock.1');
  await symlink('7 1234 elsewhere', link);
  const touching = setInterval(() => lutimes(link, new Date(), new Date()), 300);
  afterwards(() => clearInterval(touching));
  await expect(takeLock(folder, silent)).rejects.toMatchObject({ code: 'in_use' });
  clearInterval(touching);
  const aMomentAgo = new Date(Date.now() - 9_000);
  await lutimes(link, aMomentAgo, aMomentAgo);
  const log: string[] = [];
  await (await takeLock(folder, (line) => log.push(line))).release();
  expect(log).toHaveLength(1);
});

/** Puts a lock of process `pid` on this system into a folder. */
async function leaveLock(folder: string, pid: number, startedAt: string): Promise<void> {
  const probe = await temporaryFolder();
  const lock = await takeLock(probe, silent);
  const [, , ...system] = (await readlink(join(probe, 'lock.1'))).split(' ');
  await lock.release();
  await symlink([pid, startedAt, ...system].join(' '), join(folder, 'lock.7'));
}

async function startOf(pid: number): Promise<string> {
  const facts = await readFile(`/proc/${pid}/stat`, 'utf8');
  return facts.slice(facts.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown';
}

test('Ctrl-C in a terminal leaves PostgreSQL to the server, which finishes and then stops it', async () => {
  const folder = await dataFolder();
  const other = startOther(program, folder, { detached: true });
  const { where } = await started(other);
  const postmaster = await postmasterOf(where);
  process.kill(-other.pid, 'SIGINT');
  await other.ended;
  expect(other.lines).toContain('drained');
  expect(isRunning(postmaster)).toBe(false);
});
