import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { auditCommand } from './commands/audit.js';
import { backupCommand } from './commands/backup.js';
import { checkCommand } from './commands/check.js';
import { explainCommand } from './commands/explain.js';
import { keysCommand } from './commands/keys.js';
import { matrixCommand } from './commands/matrix.js';
import { restoreCommand } from './commands/restore.js';
import { serveCommand } from './commands/serve.js';
import { serviceKeyCommand } from './commands/service-key.js';
import { setupLinkCommand } from './commands/setup-link.js';
import { signOnCommand } from './commands/sign-on.js';
import { userCommand } from './commands/user.js';
import { EXIT_CODES, exitCodeHelp } from './exit-codes.js';
import { report } from './failure.js';

export const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

/** Runs the command that the arguments name. Returns the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  let code: number = EXIT_CODES.done.code;
  const ends = (with_: number) => {
    code = with_;
  };
  const program = new Command('ostiary')
    .description('Identity and access control for health-research data.')
    .version(VERSION)
    .showHelpAfterError('(--help tells what there is)')
    .addHelpText('after', exitCodeHelp())
    .exitOverride();
  const commands = [
    serveCommand(VERSION),
    checkCommand(ends),
    explainCommand(ends),
    matrixCommand(ends),
    userCommand(),
    setupLinkCommand(),
    serviceKeyCommand(),
    signOnCommand(),
    backupCommand(),
    restoreCommand(),
    keysCommand(),
    auditCommand(ends),
  ];
  for (const command of commands) program.addCommand(inherit(command, program));
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return report(error);
  }
}

/** Commands that are added, in place of made by their parent, don't take over how it reports. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const inner of command.commands) inherit(inner, command);
  return command;
}
