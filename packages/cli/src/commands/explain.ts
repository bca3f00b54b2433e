import type { Explanation, RuleTrace, Trace, Truth } from '@ostiary/policy';
import { explainDecision } from '@ostiary/server';
import { Command } from 'commander';
import { EXIT_CODES } from '../exit-codes.js';
import { type CommonOptions, withApplication } from '../installation.js';
import { print } from '../terminal.js';
import { appOption, dataOption } from './options.js';
import { question, sentence, unknownPrincipal } from './question.js';

const SYSTEM = { principal: null, sessionId: null, requestId: null };

export function explainCommand(ends: (code: number) => void): Command {
  return new Command('explain')
    .description('why, or why not: every rule with its reference, what holds of it, and the least that is missing')
    .argument('<principal>', 'a user name or an id; with the kind in front where it is not obvious: user:JaneDoe')
    .argument('<action>', 'such as read')
    .argument('<type>', 'such as Session')
    .argument('[id]', 'of one record')
    .addOption(appOption())
    .addOption(dataOption())
    .action(async (principal: string, action: string, type: string, id: string | undefined, options: CommonOptions) => {
      await withApplication(options, async (context) => {
        const asked = question(context, principal, action, type, id);
        const explanation = await explainDecision(context, SYSTEM, asked).catch(unknownPrincipal(principal));
        print(`${sentence(asked)}: ${VERDICTS[explanation.allowed]}`);
        for (const line of tree(explanation)) print(line);
        ends(explanation.allowed === 'no' ? EXIT_CODES.refused.code : EXIT_CODES.done.code);
      });
    });
}

const VERDICTS: Readonly<Record<Truth, string>> = { yes: 'yes', no: 'no', unknown: 'it depends on the record' };
const MARKS: Readonly<Record<Truth, string>> = { yes: '✓', no: '✗', unknown: '?' };

/** An explanation as lines of text: the rules, each with its condition as a tree. */
function tree({ rules, missing }: Explanation): readonly string[] {
  const told = rules.length === 0 ? ['', 'No rule speaks of this, and nothing is allowed by default.'] : [];
  const least = missing.length === 0 ? [] : ['', 'Missing:', ...missing.map((words) => `  - ${words}`)];
  return [...told, ...rules.flatMap(ruleLines), ...least];
}

function ruleLines({ id, effect, says, source, fields, view, holds, trace }: RuleTrace): readonly string[] {
  const parts = [
    effect === 'forbid' ? 'forbids' : 'allows',
    ...(fields ? [`only ${fields.join(', ')}`] : []),
    ...(view === undefined ? [] : [`as ${view}`]),
  ];
  return ['', `${MARKS[holds]} ${id} ${parts.join(', ')}`, `  "${says}" (${source})`, ...traceLines(trace, '  ')];
}

function traceLines({ says, holds, parts = [] }: Trace, indent: string): readonly string[] {
  return [`${indent}${MARKS[holds]} ${says}`, ...parts.flatMap((part) => traceLines(part, `${indent}  `))];
}
