import { createHash, randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, lstat, mkdir, readdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { EmbeddedError, ignoring, systemCode } from './error.js';
import { chooseUser, type OtherUser } from './user.js';

/** Where the cluster and what belongs to it is kept, and who runs it. */
export interface Home {
  readonly path: string;
  readonly user: OtherUser | undefined;
}

/** In a data folder whose cluster had to be put elsewhere: tells people, and the next start, where. */
const NOTE = 'WHERE-THE-DATABASE-IS.txt';
const CLUSTER = /^postgresql-\d+$/;

/** A short name that is always the same for the same path. */
export function shortName(path: string): string {
  return `ostiary-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`;
}

/** The names of the clusters in a home: `postgresql-18` and the like. */
export async function clustersIn(home: string): Promise<readonly string[]> {
  return (await readdir(home)).filter((name) => CLUSTER.test(name)).sort();
}

/** Whether a data folder has a cluster: in it, or elsewhere. Makes nothing. */
export async function holdsDatabase(folder: string): Promise<boolean> {
  try {
    return (await readdir(resolve(folder))).some((name) => name === NOTE || CLUSTER.test(name));
  } catch (error) {
    // What else is wrong with it is said when it is opened.
    return !['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
  }
}

/**
 * Finds where the cluster of a data folder lives, or shall live: in the folder itself, unless PostgreSQL has to run as
 * a user that cannot enter it. Makes the folder when it is missing.
 * Throws EmbeddedError `broken` or `no_user`.
 */
export async function findHome(folder: string, log: (line: string) => void): Promise<Home> {
  const own = await openFolder(folder);
  const path = (await readNote(own)) ?? own;
  if (path !== own) log(`The database of ${own} is in ${path}.`);
  const [cluster] = await clustersIn(path);
  const user = await chooseUser(cluster === undefined ? undefined : join(path, cluster));
  if (user === undefined || cluster !== undefined || path !== own || (await letIn(own, user))) return { path, user };
  const elsewhere = await makeElsewhere(own, user);
  log(`PostgreSQL cannot run as root, and its user cannot enter ${own}: the database is put into ${elsewhere}.`);
  return { path: elsewhere, user };
}

/** Whether `user` can reach everything below `folder`, going by the permissions of all folders above it. */
export async function canEnter(folder: string, user: OtherUser): Promise<boolean> {
  const above = dirname(folder);
  return admits(await stat(folder), user) && (above === folder || canEnter(above, user));
}

async function openFolder(folder: string): Promise<string> {
  const wanted = resolve(folder);
  try {
    await makeFolder(wanted);
    const path = await realpath(wanted);
    await readdir(path);
    return path;
  } catch (cause) {
    const code = systemCode(cause);
    const why = code === 'ENOTDIR' || code === 'EEXIST' ? 'there is a file where the folder should be' : String(cause);
    throw new EmbeddedError('broken', `The data folder ${wanted} cannot be used: ${why}.`, { cause });
  }
}

/** Makes a folder and those above it, one by one: Node's own way of it never ends in a place such as /proc. */
async function makeFolder(path: string): Promise<void> {
  if ((await stat(path).catch(ignoring('ENOENT'))) !== undefined) return;
  await makeFolder(dirname(path));
  await mkdir(path).catch(ignoring('EEXIST'));
}

function admits(folder: Stats, user: OtherUser): boolean {
  const bit = folder.uid === user.uid ? 0o100 : folder.gid === user.gid ? 0o010 : 0o001;
  return (folder.mode & bit) !== 0;
}

/** Sees to it that `user` can pass through `folder`. False when only folders above it could change that. */
async function letIn(folder: string, user: OtherUser): Promise<boolean> {
  if (!(await canEnter(dirname(folder), user))) return false;
  const stats = await stat(folder);
  if (admits(stats, user)) return true;
  if (stats.uid !== 0) return false;
  await chmod(folder, stats.mode | 0o001);
  return admits(await stat(folder), user);
}

async function readNote(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, NOTE), 'utf8').catch(ignoring('ENOENT'));
  if (text === undefined) return undefined;
  const place = text.split('\n').find((line) => line.startsWith('/'));
  if (place !== undefined && (await lstat(place).catch(() => undefined))?.isDirectory()) return place;
  throw new EmbeddedError(
    'broken',
    `${join(folder, NOTE)} says that the database is in ${place ?? 'a place that it does not name'}, and it is not ` +
      'there. Put it back; or, to start over with an empty database, delete that file.',
  );
}

async function makeElsewhere(folder: string, user: OtherUser): Promise<string> {
  // Not a temporary folder if it can be helped: those are emptied from time to time.
  for (const parent of ['/var/lib', '/var/tmp', tmpdir()]) {
    const path = join(parent, shortName(folder));
    try {
      if (!(await canEnter(parent, user))) continue;
      await mkdir(path).catch(ignoring('EEXIST'));
      const stats = await lstat(path);
      if (!stats.isDirectory() || stats.uid !== 0) continue;
      await chmod(path, 0o711);
    } catch {
      continue;
    }
    await requireUnused(path, folder);
    await writeNote(folder, path);
    return path;
  }
  throw new EmbeddedError(
    'broken',
    `PostgreSQL cannot run as root, and the user that it would run as cannot enter ${folder}. ` +
      'Use a data folder outside the home of root, such as /srv/ostiary.',
  );
}

/** A folder that was deleted has left its database behind: nobody gets that by accident, and nobody loses it. */
async function requireUnused(place: string, folder: string): Promise<void> {
  if ((await clustersIn(place)).length === 0) return;
  throw new EmbeddedError(
    'broken',
    `The data folder ${folder} was deleted or emptied, but its database is still there, in ${place}. To start anew, ` +
      `delete ${place} too. To go on with it, write that path into the file ${join(folder, NOTE)}. Nothing was changed.`,
  );
}

async function writeNote(folder: string, place: string): Promise<void> {
  const draft = join(folder, `${NOTE}.${randomUUID()}`);
  const text = `The database of this folder is in

${place}

because it has to run as a user that cannot enter this folder.
The two belong together: move or delete them together. Make copies with the backup command.
`;
  await writeFile(draft, text, { flag: 'wx' });
  await rename(draft, join(folder, NOTE));
}
