import { readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { matrix, matrixMarkdown, matrixTable } from '@ostiary/policy/matrix';
import { Command } from 'commander';
import { type Found, findApplications } from '../applications.js';
import { differences } from '../diff.js';
import { EXIT_CODES } from '../exit-codes.js';
import { Failure } from '../failure.js';
import { print, say } from '../terminal.js';
import { appOption } from './options.js';

interface Options {
  readonly app?: string;
  readonly write?: boolean;
  readonly check?: boolean;
}

export function matrixCommand(ends: (code: number) => void): Command {
  return new Command('matrix')
    .description('who may do what: every kind of person × type × action, computed from the rules')
    .addOption(appOption())
    .option('--write', 'write it into matrix.golden.md of each application')
    .option('--check', 'compare it with matrix.golden.md; exits with 1 where they differ')
    .action(async (options: Options) => {
      const applications = await findApplications(options.app);
      for (const found of applications) {
        if (options.write) await write(found);
        else if (!options.check) print(matrixOf(found).trimEnd());
        if (options.check && !(await isGolden(found, options.app))) ends(EXIT_CODES.refused.code);
      }
    });
}

function matrixOf({ application, folder }: Found): string {
  const { policy, personas } = application;
  if (personas === undefined) {
    throw new Failure(
      'configuration',
      `The application in ${folder} has no 'personas': they are the columns of its matrix.`,
    );
  }
  return matrixMarkdown(policy, personas);
}

/** The files that show the matrix: the golden one, and a README with a place for some of its columns. */
async function filesOf(found: Found): Promise<readonly { path: string; was: string; is: string }[]> {
  const { folder, application } = found;
  const read = (path: string) => readFile(path, 'utf8').catch(() => '');
  const golden = join(folder, 'matrix.golden.md');
  const readme = join(folder, 'README.md');
  const text = await read(readme);
  return [
    { path: golden, was: await read(golden), is: matrixOf(found) },
    { path: readme, was: text, is: withTable(text, application) },
  ];
}

/** `<!-- matrix: Admin, No role -->` … `<!-- /matrix -->` holds these columns. */
function withTable(readme: string, { policy, personas = {} }: Found['application']): string {
  return readme.replace(/(<!-- matrix: (.*?) -->\n)[\s\S]*?(<!-- \/matrix -->)/, (_, start, names: string, end) => {
    const columns = names.split(', ').map((name) => {
      const persona = personas[name];
      if (persona === undefined) throw new Failure('usage', `There is no column '${name}' in the matrix.`);
      return [name, persona] as const;
    });
    return `${start}${matrixTable(matrix(policy, Object.fromEntries(columns)))}${end}`;
  });
}

async function write(found: Found): Promise<void> {
  for (const { path, was, is } of await filesOf(found)) {
    if (was === is) continue;
    await writeFile(path, is);
    say(`Wrote ${relative('.', path)}. Read the difference before you commit it: it is who may do what.`);
  }
}

async function isGolden(found: Found, app: string | undefined): Promise<boolean> {
  const wrong = (await filesOf(found)).filter(({ was, is }) => was !== is);
  for (const { path, was, is } of wrong) {
    for (const line of differences(was, is)) print(line);
    say(
      `${relative('.', path)} is not what the rules say. If they changed on purpose, run: npx ostiary matrix --write${
        app === undefined ? '' : ` --app ${app}`
      }`,
    );
  }
  return wrong.length === 0;
}
