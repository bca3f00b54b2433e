import { chmod, mkdir, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { inject } from 'vitest';

/**
 * Makes a folder for data that every user can enter, and lends it the programs of PostgreSQL. In a clone that is closed
 * to others, as everything in the home of root, each would get a copy of its own: sixty megabytes in a thousand files.
 */
export async function makeDataFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  const programs = inject('programs');
  if (programs !== null) await symlink(programs, join(folder, basename(programs)));
  return folder;
}
