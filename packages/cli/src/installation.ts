import {
  type Context,
  createTables,
  type Database,
  findInstallation,
  type Installation,
  openInstallation,
  type Runtime,
  seal,
  systemRuntime,
} from '@ostiary/server';
import { chooseApplication, type Found, findApplications, nameOf } from './applications.js';
import { type Opened, openConfigured, requireDatabase } from './database.js';
import { Failure } from './failure.js';
import { fieldSecrets } from './field-secrets.js';
import { say } from './terminal.js';

/** What a command about the audit trail works on. */
export interface Trail {
  readonly database: Database;
  readonly runtime: Runtime;
  readonly applications: readonly string[];
}

/** What every command that works on an installation can be told. */
export interface CommonOptions {
  readonly data: string;
  readonly app?: string;
  /** That an installation is made where there is none yet. */
  readonly new?: boolean;
}

/**
 * Opens the installation for one command, beside a running server if there is one, and closes it afterwards. All of
 * its applications have to be among those given. Nothing is added to an installation: that is for the server to do.
 */
export async function withInstallation<T>(
  options: Pick<CommonOptions, 'data'>,
  applications: readonly Found[],
  work: (installation: Installation) => Promise<T>,
): Promise<T> {
  return withDatabase(options, async (opened) => {
    const { applications: names } = await requireInstallation(opened);
    requireAll(names, applications.map(nameOf), opened.where);
    return work(
      await open(
        opened,
        applications.filter((one) => names.includes(nameOf(one))),
        options.data,
      ),
    );
  });
}

/** The same for a command that is about one application. It makes an installation where `--new` allows it. */
export async function withApplication<T>(options: CommonOptions, work: (context: Context) => Promise<T>): Promise<T> {
  const applications = await findApplications(options.app);
  return withDatabase(options, async (opened) => {
    const isNew = options.new && (await findInstallation(opened.database)) === null;
    if (isNew) say(`Making an installation without demo data in ${opened.where} ...`);
    const there = isNew ? applications.map(nameOf) : (await requireInstallation(opened)).applications;
    const chosen = chooseApplication(requireInstalled(applications, there, opened.where));
    return work(contextOf(await open(opened, [chosen], options.data), nameOf(chosen)));
  });
}

/**
 * The same for a command that is about the audit trail, which needs no application.
 * @param asFound whether what guards the trail is left as it is found, for the command to tell of
 */
export async function withTrail<T>(
  options: Pick<CommonOptions, 'data'>,
  work: (trail: Trail) => Promise<T>,
  asFound = false,
): Promise<T> {
  return withDatabase(options, async (opened) => {
    const { applications } = await requireInstallation(opened);
    const putBack = await createTables(opened.database, [], asFound);
    if (putBack.length > 0)
      say('Warning: triggers that keep the audit trail as it is were gone or disabled, and are back.');
    return work({ database: opened.database, runtime: systemRuntime, applications });
  });
}

/** What is in the database; it refuses where that is no installation. */
export async function requireInstallation({ database, where }: Opened) {
  const found = await findInstallation(database);
  if (found === null) throw new Failure('usage', `There is no installation in ${where}. Start the server first.`);
  return found;
}

async function withDatabase<T>(options: CommonOptions, work: (opened: Opened) => Promise<T>): Promise<T> {
  if (!options.new) await requireDatabase(options.data);
  const opened = await openConfigured({ data: options.data, progress: say, join: true });
  try {
    const done = await work(opened);
    // As a server does when it stops. Where it fails the work is done anyway, and the next process seals what is left.
    await seal({ database: opened.database, runtime: systemRuntime }, false).catch(() => null);
    return done;
  } finally {
    await opened.close();
  }
}

function open({ database }: Opened, applications: readonly Found[], data: string): Promise<Installation> {
  return openInstallation({
    database,
    runtime: systemRuntime,
    applications: applications.map(({ application }) => application),
    // No token is issued here: that a secret is missing is for the server to say.
    production: false,
    environment: process.env,
    fieldSecrets: () => fieldSecrets(data),
    demo: false,
    progress: say,
  });
}

function requireInstalled(all: readonly Found[], installed: readonly string[], where: string): readonly Found[] {
  const found = all.filter((one) => installed.includes(nameOf(one)));
  if (found.length > 0) return found;
  throw new Failure(
    'usage',
    `The installation in ${where} has ${installed.join(', ') || 'no application'}, and not ${all.map(nameOf).join(', ')}: ` +
      'say with --app <folder> where its application is, or with --data <folder> which installation you mean.',
  );
}

/** Refuses where an application that is needed is not among those that were found. */
export function requireAll(needed: readonly string[], found: readonly string[], where: string): void {
  const missing = needed.filter((name) => !found.includes(name));
  if (missing.length === 0) return;
  throw new Failure(
    'usage',
    `${where} holds ${missing.join(', ')}, which is not under apps/: say with --app <folder> where it is. Nothing was changed.`,
  );
}

function contextOf(installation: Installation, name: string): Context {
  const context = installation.contexts.get(name);
  if (context === undefined) throw new TypeError(`the application ${name} was not opened`);
  return context;
}
