import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { snakeCase } from '@ostiary/policy';
import type { Application } from '@ostiary/server';
import { holdsApplication, loadApplication } from './application-folder.js';
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
  const [first, ...more] = await findBeside();
  if (first === undefined) {
    throw new Failure('configuration', `There is no application in ${APPS}: say with --app <folder> where one is.`);
  }
  return [first, ...more];
}

async function findBeside(): Promise<readonly Found[]> {
  const names = await readdir(APPS).catch(() => []);
  const folders = names.sort().map((name) => join(APPS, name));
  const found = await Promise.all(folders.filter(holdsApplication).map(load));
  requireDifferentNames(found);
  return found;
}

/** Those under `apps/`, and those that were asked for, which come before others of their name. */
export async function findAllApplications(asked: readonly string[]): Promise<readonly Found[]> {
  const named = await Promise.all(asked.map(findOne));
  const names = new Set(named.map(nameOf));
  const others = await findBeside();
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
  const folder = [resolve(asked), join(APPS, asked)].find(holdsApplication);
  if (folder !== undefined) return load(folder);
  throw new Failure('usage', `There is no application in ${resolve(asked)}: it has no package.json and no index.js.`);
}

async function load(folder: string): Promise<Found> {
  return { folder, application: await loadApplication(folder) };
}

/** Also where only hyphens differ: an application's tables are in a schema of its name. */
function requireDifferentNames(all: readonly Found[]): void {
  const folders = new Map<string, string>();
  for (const { folder, application } of all) {
    const { name } = application.policy.model;
    const other = folders.get(snakeCase(name));
    if (other !== undefined) {
      throw new Failure(
        'configuration',
        `Two applications have the name '${name}': those in ${other} and ${folder}. Change the name of one.`,
      );
    }
    folders.set(snakeCase(name), folder);
  }
}
