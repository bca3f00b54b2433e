import { type Context, findInstallation, type Installation, openInstallation, systemRuntime } from '@ostiary/server';
import { chooseApplication, findApplications } from './applications.js';
import { openConfigured, requireDataFolder } from './database.js';
import { Failure } from './failure.js';
import { say } from './terminal.js';

/** What every command that works on an installation can be told. */
export interface CommonOptions {
  readonly data: string;
  readonly app?: string;
}

export interface Work {
  readonly installation: Installation;
  readonly where: string;
}

/**
 * Opens the installation for one command, beside a running server if there is one, and closes it afterwards.
 * @param make whether one is made where there is none yet, without demo data; the command is refused otherwise.
 */
export async function withInstallation<T>(
  options: CommonOptions,
  make: boolean,
  work: (opened: Work) => Promise<T>,
): Promise<T> {
  const applications = await findApplications(options.app);
  if (!make) requireDataFolder(options.data);
  const opened = await openConfigured({ data: options.data, progress: say, join: true });
  try {
    if ((await findInstallation(opened.database)) === null) {
      if (!make) throw new Failure('usage', `There is no installation in ${opened.where}. Start the server first.`);
      say(`Making an installation without demo data in ${opened.where} ...`);
    }
    const installation = await openInstallation({
      database: opened.database,
      runtime: systemRuntime,
      applications: applications.map(({ application }) => application),
      // No token is issued here: that a secret is missing is for the server to say.
      production: false,
      environment: process.env,
      demo: false,
      progress: say,
    });
    return await work({ installation, where: opened.where });
  } finally {
    await opened.close();
  }
}

/** The same for a command that is about one application. */
export async function withApplication<T>(
  options: CommonOptions,
  make: boolean,
  work: (context: Context) => Promise<T>,
): Promise<T> {
  const chosen = chooseApplication(await findApplications(options.app), options.app);
  return withInstallation({ ...options, app: chosen.folder }, make, ({ installation }) =>
    work(contextOf(installation, chosen.application.policy.model.name)),
  );
}

function contextOf(installation: Installation, name: string): Context {
  const context = installation.contexts.get(name);
  if (context === undefined) throw new TypeError(`the application ${name} was not opened`);
  return context;
}
