import { evaluate, explainDecision } from '@ostiary/server';
import { Command } from 'commander';
import { EXIT_CODES } from '../exit-codes.js';
import { type CommonOptions, withApplication } from '../installation.js';
import { print } from '../terminal.js';
import { appOption, dataOption } from './options.js';
import { question, unknownPrincipal } from './question.js';

const SYSTEM = { principal: null, sessionId: null, requestId: null };

export function checkCommand(ends: (code: number) => void): Command {
  return new Command('check')
    .description('may <principal> do <action> on <type>? Prints yes or no, and why; exits with 0 or 1')
    .argument('<principal>', 'a user name or an id; with the kind in front where it is not obvious: user:JaneDoe')
    .argument('<action>', 'such as read')
    .argument('<type>', 'such as Session')
    .argument('[id]', 'of one record; without it: whether there could be a record on which it is allowed')
    .addOption(appOption())
    .addOption(dataOption())
    .action(async (principal: string, action: string, type: string, id: string | undefined, options: CommonOptions) => {
      await withApplication(options, async (context) => {
        const asked = question(context, principal, action, type, id);
        await explainDecision(context, SYSTEM, asked).catch(unknownPrincipal(principal));
        const { decision, context: why = {} } = await evaluate(context, SYSTEM, {
          ...asked,
          context: { reasons: true },
        });
        print(decision ? 'yes' : 'no');
        for (const rule of why.rules ?? []) print(`  by the rule ${rule}`);
        for (const missing of why.missing ?? []) print(`  missing: ${missing}`);
        ends(decision ? EXIT_CODES.done.code : EXIT_CODES.refused.code);
      });
    });
}
