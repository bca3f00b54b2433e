import { chmod, lchown, lstat, mkdir, rmdir, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedError, ignoring } from './error.js';
import { canEnter, type Home, shortName } from './home.js';

/** Only names the socket: nothing listens on the network. */
export const PORT = 5432;

const SOCKET = `.s.PGSQL.${PORT}`;
/** What the address of a socket can hold on every system, in bytes. */
const LONGEST = 103;

/**
 * Makes a folder for the socket that only the user of PostgreSQL can enter, with a path that is short enough, and
 * clears away what a killed PostgreSQL left in it. The same home has the same folder at every start.
 * Throws EmbeddedError `not_started` when there is no place for one.
 */
export async function makeSocketFolder(home: Home): Promise<string> {
  for (const parent of [tmpdir(), '/tmp', home.path]) {
    const folder = join(parent, shortName(home.path));
    if (Buffer.byteLength(join(folder, SOCKET)) > LONGEST) continue;
    if (await claim(folder, parent, home).catch(() => false)) return folder;
  }
  throw new EmbeddedError(
    'not_started',
    `There is no place for the socket of the database: neither ${tmpdir()} nor /tmp can be written to, or somebody ` +
      `else made ${shortName(home.path)} there.`,
  );
}

/** Removes the folder when the server has stopped. */
export async function removeSocketFolder(folder: string): Promise<void> {
  await clearSocketFolder(folder);
  await rmdir(folder).catch(() => {});
}

async function claim(folder: string, parent: string, { user }: Home): Promise<boolean> {
  if (user && !(await canEnter(parent, user))) return false;
  const us = process.geteuid?.();
  await mkdir(folder, { mode: 0o700 }).catch(ignoring('EEXIST'));
  const found = await lstat(folder);
  if (!found.isDirectory() || ![us, user?.uid].includes(found.uid)) return false;
  if (found.uid === us) await chmod(folder, 0o700);
  if (found.uid === us && user) await lchown(folder, user.uid, user.gid);
  if (((await lstat(folder)).mode & 0o077) !== 0) return false;
  await clearSocketFolder(folder);
  return true;
}

/** Clears away what a killed PostgreSQL left in it. */
export async function clearSocketFolder(folder: string): Promise<void> {
  for (const name of [SOCKET, `${SOCKET}.lock`]) await unlink(join(folder, name)).catch(ignoring('ENOENT'));
}
