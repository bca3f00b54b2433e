import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chown, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedError } from './error.js';
import type { Home } from './home.js';
import { type LogFile, lastComplaint } from './logfile.js';
import { type Programs, spawnOptions } from './programs.js';
import { requireUserName } from './user.js';

/** The role that owns everything in the cluster. */
export const ROLE = 'ostiary';
export const DATABASE = 'ostiary';

const DRAFT = 'initialising-';

/**
 * Makes a new cluster. It is made under another name and then renamed: a cluster under its own name is always whole.
 * Throws EmbeddedError `no_user` or `not_started`.
 */
export async function initialise(
  cluster: string,
  programs: Programs,
  home: Home,
  logFile: LogFile,
  quick: boolean,
): Promise<void> {
  if (home.user === undefined) requireUserName();
  await removeDrafts(home.path);
  const draft = join(home.path, `${DRAFT}${randomUUID()}`);
  await mkdir(draft, { mode: 0o700 });
  try {
    if (home.user) await chown(draft, home.user.uid, home.user.gid);
    await runInitdb(draft, programs, home, logFile, quick);
    await rename(draft, cluster);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
  await flush(home.path);
}

async function runInitdb(
  folder: string,
  programs: Programs,
  home: Home,
  logFile: LogFile,
  quick: boolean,
): Promise<void> {
  // Sorts by code point and knows upper and lower case of all letters, the same on every system.
  const locale =
    programs.major >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
      : ['--locale=C.UTF-8'];
  // Trust is right here: only the user of the database can enter the folder of its socket.
  const settings = ['--username', ROLE, '--auth=trust', '--encoding=UTF8', ...locale, '--data-checksums'];
  const program = spawn(join(programs.folder, 'initdb'), ['-D', folder, ...settings, ...(quick ? ['--no-sync'] : [])], {
    ...spawnOptions(home.user),
    stdio: ['ignore', logFile.descriptor, logFile.descriptor],
    detached: true,
  });
  const [code] = (await once(program, 'exit')) as [number | null];
  if (code !== 0) {
    throw new EmbeddedError(
      'not_started',
      `The database could not be created: ${lastComplaint(await logFile.added())}. All that was said is in ${logFile.path}.`,
    );
  }
}

async function removeDrafts(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (name.startsWith(DRAFT)) await rm(join(home, name), { recursive: true, force: true, maxRetries: 5 });
  }
}

async function flush(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}
