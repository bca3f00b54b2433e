import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Application, ApplicationError, checkApplication } from '@ostiary/server';
import { Failure } from './failure.js';
import { shareOwnPackages } from './own-packages.js';

/** Where an application begins, in a folder whose package.json names nothing else. */
const ENTRIES = ['index.js', 'index.mjs', 'index.ts'];
const PATIENCE_SECONDS = 10;

/** Whether a folder is meant to hold an application. */
export function holdsApplication(folder: string): boolean {
  return ['package.json', ...ENTRIES].some((name) => existsSync(join(folder, name)));
}

/**
 * Loads the application that a folder's module exports as `application`.
 * @throws Failure that names the place, and says what to do
 */
export async function loadApplication(asked: string): Promise<Application> {
  const folder = realpathSync(asked);
  const entry = await entryOf(folder);
  shareOwnPackages(folder);
  const exported = await settled(import(pathToFileURL(entry).href), folder).catch((cause: unknown) => {
    throw cause instanceof Failure ? cause : broken(folder, entry, cause);
  });
  if (!('application' in exported)) throw noApplication(entry, Object.keys(exported));
  try {
    return checkApplication(exported.application);
  } catch (cause) {
    if (!(cause instanceof ApplicationError)) throw cause;
    throw new Failure('configuration', `The application in ${folder} can't be served. ${cause.message}.`, { cause });
  }
}

async function entryOf(folder: string): Promise<string> {
  const named = entryInPackage(folder, await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}'));
  const found = named ?? ENTRIES.find((name) => existsSync(join(folder, name)));
  if (found === undefined) {
    throw new Failure('configuration', `${folder} has no index.js, and its package.json names no other 'exports'.`);
  }
  const entry = resolve(folder, found);
  if (!existsSync(entry)) {
    throw new Failure(
      'configuration',
      `The application in ${folder} is not built: there is no ${entry}, which its package.json names. Build it (npx tsc), or name another file.`,
    );
  }
  // Since Node 22.18 TypeScript is run as it is, without its types.
  if (/\.[cm]?ts$/.test(entry) && !('typescript' in process.features && process.features.typescript)) {
    throw new Failure(
      'configuration',
      `${entry} is TypeScript, which Node runs since 22.18, and this is ${process.versions.node}. Compile it (npx tsc) and name the result in package.json, as 'exports'; or write index.js.`,
    );
  }
  return entry;
}

/** Where a package begins, by the `exports` or `main` of its package.json. */
function entryInPackage(folder: string, packageJson: string): string | undefined {
  try {
    const { exports, main } = JSON.parse(packageJson) as { readonly exports?: unknown; readonly main?: string };
    return target(exports) ?? main;
  } catch (cause) {
    throw new Failure('configuration', `${join(folder, 'package.json')} is not JSON: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

function target(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  const conditions = exports as Readonly<Record<string, unknown>>;
  for (const key of ['.', 'node', 'import', 'default']) {
    const found = target(conditions[key]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A module that waits for what never comes would be waited for as long. */
async function settled<T>(loading: Promise<T>, folder: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `The application in ${folder} is still loading after ${PATIENCE_SECONDS} s: what does it await?`;
      reject(new Failure('configuration', message));
    }, PATIENCE_SECONDS * 1000);
  });
  return Promise.race([loading, late]).finally(() => clearTimeout(timer));
}

function noApplication(entry: string, names: readonly string[]): Failure {
  const there = names.length === 0 ? 'nothing' : `only ${names.join(', ')}`;
  const form = "write: export const application = { policy, … }. Ostiary takes nothing else from a module's exports";
  return new Failure('configuration', `${entry} exports no 'application', but ${there}: ${form}.`);
}

function broken(folder: string, entry: string, cause: unknown): Failure {
  const why = cause instanceof Error ? `${cause.name}: ${cause.message.split('\n', 1)[0]}` : String(cause);
  const place = placeOf(cause, folder) ?? (cause instanceof SyntaxError ? placeOfSyntax(folder, entry) : undefined);
  const form =
    'An application is an ES module: write import in place of require, and name it .mjs or say "type": "module" in package.json.';
  const hint = /require is not defined|Cannot find module '@ostiary\//.test(why) ? `. ${form}` : '';
  const at = place === undefined ? '' : ` (${place})`;
  return new Failure('configuration', `The application in ${folder} can't be loaded. ${why}${at}${hint}`, { cause });
}

/** Where Node can't read a file it says so only as it ends: so another one is let read it, and end. */
function placeOfSyntax(folder: string, entry: string): string | undefined {
  const program = `import { shareOwnPackages } from ${JSON.stringify(new URL('own-packages.js', import.meta.url).href)};
    shareOwnPackages(${JSON.stringify(folder)});
    await import(${JSON.stringify(pathToFileURL(entry).href)});`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: PATIENCE_SECONDS * 1000,
  });
  return placeIn(stderr ?? '', folder);
}

/** Adds to what is wrong with an application in which line of its folder it arose. */
export function located(error: unknown, folders: readonly string[]): unknown {
  if (!(error instanceof ApplicationError)) return error;
  const [place] = folders.flatMap((folder) => placeOf(error.cause, folder) ?? []);
  return place === undefined ? error : new ApplicationError(`${error.message} (${place})`, { cause: error });
}

/** The line of the folder's own code in which an error arose: `index.js:12`. */
function placeOf(error: unknown, folder: string): string | undefined {
  return error instanceof Error ? placeIn(error.stack ?? '', folder) : undefined;
}

function placeIn(stack: string, folder: string): string | undefined {
  const path = realpathSync(folder);
  for (const root of [pathToFileURL(path).href, path]) {
    const [, rest = ''] = stack.split(`${root}/`, 2);
    const [, file, line] = /^([^\s:()]+\.[a-z]+):(\d+)/.exec(rest) ?? [];
    if (file !== undefined && !file.includes('node_modules/')) return `${decodeURI(file)}:${line}`;
  }
  return undefined;
}
