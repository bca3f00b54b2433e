import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Failure } from './failure.js';

/** The file in the data folder with the secrets that encrypt fields, a line each. No backup of the database has it. */
const FILE = 'secret.key';

/** Whether the secrets come from the environment, rather than from the file. */
export function secretsAreConfigured(): boolean {
  return Boolean(process.env.OSTIARY_SECRET_KEY);
}

/**
 * The secrets that encrypt fields, the one that encrypts first: OSTIARY_SECRET_KEY, where blanks stand between several;
 * or those in the data folder, of which the first is made here.
 */
export async function fieldSecrets(data: string): Promise<readonly string[]> {
  const configured = process.env.OSTIARY_SECRET_KEY;
  if (configured) return words(configured);
  if (process.env.DATABASE_URL) {
    throw new Failure(
      'configuration',
      'OSTIARY_SECRET_KEY is missing: all servers on one database encrypt with the same one. Set it to 32 random characters or more.',
    );
  }
  const folder = resolve(data);
  await mkdir(folder, { recursive: true });
  const made = `${newSecret()}\n`;
  // Of several processes that begin at once, one makes it.
  await writeFile(join(folder, FILE), made, { mode: 0o600, flag: 'wx' }).catch((error: { readonly code?: string }) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return words(await readFile(join(folder, FILE), 'utf8'));
}

/** Lets a new secret encrypt from now on. The one before stays, for what a running server still encrypts with it. */
export async function rotateSecret(data: string): Promise<void> {
  await replace(data, [newSecret(), ...(await fieldSecrets(data))]);
}

/** Forgets all but the newest two, once nothing is encrypted with the others. */
export async function forgetOldSecrets(data: string): Promise<void> {
  await replace(data, (await fieldSecrets(data)).slice(0, 2));
}

async function replace(data: string, secrets: readonly string[]): Promise<void> {
  const file = join(resolve(data), FILE);
  const draft = `${file}.new`;
  await rm(draft, { force: true });
  await writeFile(draft, `${secrets.join('\n')}\n`, { mode: 0o600, flag: 'wx' });
  await rename(draft, file);
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
