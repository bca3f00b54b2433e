import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigurationError, readSignOn } from '@ostiary/server';
import type { SignOnOptions } from '@ostiary/server/http';
import { Failure } from '../failure.js';

/**
 * The sign-on that the file in OSTIARY_SIGN_ON describes; undefined where none is named. Files that it names are found
 * beside it.
 * @param url the address that people use; undefined where nobody knows it
 */
export async function signOn(
  applications: readonly string[],
  url: string | undefined,
): Promise<SignOnOptions | undefined> {
  const file = process.env.OSTIARY_SIGN_ON;
  if (!file) return undefined;
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const why = (cause as { readonly code?: string }).code ?? 'it is no file';
    throw new Failure('configuration', `OSTIARY_SIGN_ON: ${file} can't be read (${why}).`, { cause });
  });
  if (url === undefined) {
    throw new Failure(
      'configuration',
      'Signing in with other accounts needs the public address, which providers send browsers back to: set OSTIARY_URL.',
    );
  }
  const { protocol, hostname } = new URL(url);
  if (protocol !== 'https:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) {
    throw new Failure('configuration', `Signing in with other accounts needs https, and OSTIARY_URL is '${url}'.`);
  }
  const sources = {
    environment: process.env,
    readFile: (path: string) => readFile(resolve(dirname(file), path), 'utf8'),
  };
  try {
    return { ...(await readSignOn(text, applications, sources)), url };
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause;
    throw new Failure('configuration', `OSTIARY_SIGN_ON: ${file}: ${cause.message}.`, { cause });
  }
}
