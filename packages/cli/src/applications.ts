import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Application } from '@ostiary/server';
import { Failure } from './failure.js';

/** An application with the folder that it comes from. */
export interface Found {
  readonly folder: string;
  readonly application: Application;
}

/** Where applications live: beside the packages of this program. */
const APPS = fileURLToPath(new URL('../../../apps', import.meta.url));

/**
 * The applications to serve: those under `apps/`, or the one that was asked for.
 * @param asked a folder, or the name of one under `apps/`
 */
export async function findApplications(asked?: string): Promise<readonly [Found, ...Found[]]> {
  if (asked !== undefined) return [await findOne(asked)];
  const names = await readdir(APPS).catch(() => []);
  const found = await Promise.all(names.sort().map((name) => load(join(APPS, name))));
  const [first, ...more] = found.filter((one) => one !== null);
  if (first === undefined) throw new Failure('configuration', `There is no application in ${APPS}.`);
  requireDifferentNames([first, ...more]);
  return [first, ...more];
}

/** Those under `apps/`, and those that were asked for, which come before others of their name. */
export async function findAllApplications(asked: readonly string[]): Promise<readonly Found[]> {
  const named = await Promise.all(asked.map(findOne));
  const names = new Set(named.map(nameOf));
  const others = await findApplications();
  requireDifferentNames(named);
  return [...named, ...others.filter((found) => !names.has(nameOf(found)))];
}

export const nameOf = ({ application }: Found): string => application.policy.model.name;

/** The application that a command is about: the one that was asked for, or the only one there is. */
export function chooseApplication(all: readonly Found[]): Found {
  const [first, ...more] = all;
  if (first !== undefined && more.length === 0) return first;
  const names = all.map(({ folder }) => basename(folder)).join(', ');
  throw new Failure('usage', `There are several applications: say which one with --app (${names}).`);
}

async function findOne(asked: string): Promise<Found> {
  const folder = [resolve(asked), join(APPS, asked)].find((path) => existsSync(join(path, 'package.json')));
  if (folder === undefined) {
    throw new Failure('usage', `There is no application in ${resolve(asked)}: it has no package.json.`);
  }
  const found = await load(folder);
  if (found === null) throw new Failure('configuration', `${folder} exports no 'application'.`);
  return found;
}

/** Loads the application of a folder; null where there is none. */
async function load(folder: string): Promise<Found | null> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => null);
  if (text === null) return null;
  const entry = resolve(folder, entryOf(folder, text));
  if (!existsSync(entry)) {
    throw new Failure('configuration', `${folder} is not built: there is no ${entry}. Run \`npm run build\`.`);
  }
  try {
    const { application } = (await import(pathToFileURL(entry).href)) as { readonly application?: Application };
    return application === undefined ? null : { folder, application };
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new Failure('configuration', `The application in ${folder} can't be loaded. ${why}`, { cause });
  }
}

/** Where a package begins, by the `exports` or `main` of its package.json. */
function entryOf(folder: string, packageJson: string): string {
  try {
    const { exports, main } = JSON.parse(packageJson) as { readonly exports?: unknown; readonly main?: string };
    return target(exports) ?? main ?? 'index.js';
  } catch (cause) {
    throw new Failure('configuration', `${join(folder, 'package.json')} is not JSON.`, { cause });
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

function requireDifferentNames(all: readonly Found[]): void {
  const folders = new Map<string, string>();
  for (const { folder, application } of all) {
    const { name } = application.policy.model;
    const other = folders.get(name);
    if (other !== undefined) {
      throw new Failure(
        'configuration',
        `Two applications have the name '${name}': ${basename(other)} and ${basename(folder)}, in ${dirname(folder)}.`,
      );
    }
    folders.set(name, folder);
  }
}
