import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbedded } from '../src/storage/embedded/index.js';
import {
  afterwards,
  buildOtherServer,
  isRoot,
  postmasterOf,
  query,
  sayNotTested,
  start,
  startOther,
  temporaryFolder,
} from './support/embedded.js';

/** A folder that nobody but root can get to, as everything in the home of root. */
async function closedFolder(): Promise<string> {
  const closed = join(await temporaryFolder(), 'home-of-root');
  await mkdir(closed);
  await chmod(closed, 0o700);
  return closed;
}

if (!isRoot) sayNotTested('what happens when root starts it, as this is not root');

describe.runIf(isRoot)('started as root', () => {
  /** Modules and all where everybody can get to them: nothing is written there. */
  let open: string;
  let program: string;
  beforeAll(async () => {
    open = await mkdtemp(join(tmpdir(), 'ostiary-test-'));
    await chmod(open, 0o755);
    program = await buildOtherServer(open, true);
  });
  afterAll(() => rm(open, { recursive: true }));

  test('PostgreSQL runs as an ordinary user, who owns the database and nothing else', async () => {
    const folder = await temporaryFolder();
    await chmod(folder, 0o700);
    const cluster = await start({ folder });
    const owner = await stat(cluster.where);
    expect(owner.uid).not.toBe(0);
    expect((await stat(`/proc/${await postmasterOf(cluster.where)}`)).uid).toBe(owner.uid);
    expect((await stat(folder)).uid).toBe(0);
    expect((await stat(folder)).mode & 0o777).toBe(0o701);
    expect(cluster.where.startsWith(folder)).toBe(true);
  });

  test('a folder that this user cannot get to has its database elsewhere, and says where', async () => {
    const folder = join(await closedFolder(), 'data');
    const log: string[] = [];
    const first = await start({ folder, log: (line) => log.push(line) });
    const place = dirname(first.where);
    afterwards(() => rm(place, { recursive: true, force: true }));
    expect(first.where).not.toContain(folder);
    expect(log.join()).toContain(place);
    expect(await readFile(join(folder, 'WHERE-THE-DATABASE-IS.txt'), 'utf8')).toContain(`\n${place}\n`);
    await query(first, 'create table t as select 1 as n');
    await expect(startEmbedded({ folder })).rejects.toMatchObject({ code: 'in_use' });
    await first.stop();

    const second = await start({ folder, log: (line) => log.push(line) });
    expect(second.where).toBe(first.where);
    expect(await query(second, 'select n from t')).toEqual([{ n: 1 }]);
    await second.stop();

    await chmod(dirname(folder), 0o755);
    const moved = `${folder}-moved`;
    await rename(folder, moved);
    const third = await start({ folder: moved });
    expect(third.where).toBe(first.where);
    await third.stop();

    await chmod(dirname(folder), 0o700);
    const again = { code: 'broken', message: expect.stringContaining(`delete ${place} too`) };
    await expect(startEmbedded({ folder })).rejects.toMatchObject(again);
    await writeFile(join(folder, 'WHERE-THE-DATABASE-IS.txt'), `${place}\n`);
    await (await start({ folder })).stop();

    await rename(place, `${place}-gone`);
    afterwards(() => rm(`${place}-gone`, { recursive: true, force: true }));
    const refusal = { code: 'broken', message: expect.stringContaining(place) };
    await expect(startEmbedded({ folder: moved })).rejects.toMatchObject(refusal);
    expect(await readdir(moved)).toEqual(['WHERE-THE-DATABASE-IS.txt']);
  });

  test('a checkout that this user cannot get to still starts', async () => {
    const checkout = await closedFolder();
    const closed = await buildOtherServer(checkout, true);
    for (const folder of [join(checkout, 'data'), await temporaryFolder()]) {
      const other = startOther(closed, folder);
      const outcome = await other.outcome;
      if ('code' in outcome) throw new Error(outcome.message);
      const place = dirname(outcome.where);
      if (!place.startsWith(folder)) afterwards(() => rm(place, { recursive: true, force: true }));
      expect((await readdir(place)).filter((name) => name.startsWith('programs-'))).toEqual(['programs-18.4']);
      expect(await query(outcome, 'select 1 as n')).toEqual([{ n: 1 }]);
      other.child.kill('SIGINT');
      await other.ended;
    }
  });

  test('a user id without a name cannot create a database, and is told so', async () => {
    const folder = await temporaryFolder();
    await chown(folder, 54_321, 54_321);
    const other = startOther(program, folder, { uid: 54_321, gid: 54_321 });
    expect(await other.outcome).toMatchObject({ code: 'no_user', message: expect.stringContaining('54321') });
  });

  test('another user is refused the database of this one, and may not write to the folder of root', async () => {
    const [used, empty] = [await temporaryFolder(), await temporaryFolder()];
    await (await start({ folder: used })).stop();
    const nobody = { uid: 54_321, gid: 54_321 };
    expect(await startOther(program, used, nobody).outcome).toMatchObject({
      code: 'broken',
      message: expect.stringContaining('belongs to user'),
    });
    expect(await startOther(program, empty, nobody).outcome).toMatchObject({
      code: 'broken',
      message: expect.stringContaining('EACCES'),
    });
    expect(await readdir(empty)).toEqual([]);
  });

  test('somebody else cannot take the place of the socket folder', async () => {
    const folder = await temporaryFolder();
    const first = await start({ folder });
    const { host } = first.connection;
    await first.stop();
    await mkdir(host);
    await chown(host, 54_321, 54_321);
    afterwards(() => rm(host, { recursive: true, force: true }));
    const second = await start({ folder });
    expect(second.connection.host).not.toBe(host);
    expect(await query(second, 'select 1 as n')).toEqual([{ n: 1 }]);
  });
});
