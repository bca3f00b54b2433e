import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ROOT } from './command.js';

const at = (file: string) => JSON.stringify(pathToFileURL(join(ROOT, 'packages/cli/dist', file)).href);

/**
 * Loads folders as commands do, and with a database opens an installation on it as `serve` does, one after the other.
 * Says of each `loaded <name>`, or the exit code with what the command would say.
 */
const PROGRAM = `
  import { openInstallation, systemRuntime } from '@ostiary/server';
  import { loadApplication, located } from ${at('application-folder.js')};
  import { openConfigured } from ${at('database.js')};
  import { EXIT_CODES } from ${at('exit-codes.js')};
  import { toFailure } from ${at('failure.js')};
  const opened = process.env.DATABASE_URL ? await openConfigured({}) : null;
  const load = async (folder) => {
    const application = await loadApplication(folder);
    if (opened !== null) {
      const { database } = opened;
      const rest = { production: false, environment: {}, demo: true };
      await openInstallation({ database, runtime: systemRuntime, applications: [application], ...rest });
    }
    return 'loaded ' + application.policy.model.name;
  };
  const answers = [];
  for (const folder of process.argv.slice(1)) {
    answers.push(
      await load(folder).catch((error) => {
        const { exit, message } = toFailure(located(error, [folder]));
        return EXIT_CODES[exit].code + ' ' + message;
      }),
    );
  }
  await opened?.close();
  console.log(JSON.stringify(answers));
`;

/** In one process for all of them, since starting one takes longer than what is tested. */
export async function loadAll(
  folders: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', PROGRAM, ...folders],
    // From where it finds the server's package.
    { cwd: ROOT, env },
  );
  return JSON.parse(stdout);
}
