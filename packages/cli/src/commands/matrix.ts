import { readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { matrixMarkdown } from '@ostiary/policy';
import { Command } from 'commander';
import { type Found, findApplications } from '../applications.js';
import { differences } from '../diff.js';
import { EXIT_CODES } from '../exit-codes.js';
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
        if (options.check && !(await isGolden(found))) ends(EXIT_CODES.refused.code);
      }
    });
}

function matrixOf({ application }: Found): string {
  return matrixMarkdown(application.policy, application.personas);
}

const golden = ({ folder }: Found) => join(folder, 'matrix.golden.md');

async function write(found: Found): Promise<void> {
  await writeFile(golden(found), matrixOf(found));
  say(`Wrote ${relative('.', golden(found))}. Read the difference before you commit it: it is who may do what.`);
}

async function isGolden(found: Found): Promise<boolean> {
  const written = await readFile(golden(found), 'utf8').catch(() => '');
  const lines = differences(written, matrixOf(found));
  if (lines.length === 0) return true;
  for (const line of lines) print(line);
  say(
    `${relative('.', golden(found))} is not what the rules say. If they changed on purpose, run: npx ostiary matrix --write`,
  );
  return false;
}
