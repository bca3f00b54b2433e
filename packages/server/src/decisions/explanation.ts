import { type Explanation, explain } from '@ostiary/policy';
import { environment } from '../access/access.js';
import type { Asker, Context } from '../application/context.js';
import { Problem } from '../problems.js';
import { isSelf, tellable } from './asking.js';
import { Lookup } from './lookup.js';
import type { Question } from './question.js';
import { resolve } from './resolve.js';

/**
 * Explains a decision: every rule with a trace, and the least that is missing.
 * @throws Refusal, Problem `malformed_request` or `not_found`
 */
export async function explainDecision(context: Context, asker: Asker, question: Question): Promise<Explanation> {
  const { principal, action, type, record } = await resolve(asker, question, new Lookup(context));
  if (principal === null) throw new Problem('not_found', { detail: 'There is no such principal.' });
  const facts = tellable(context, asker, type, record);
  const person = isSelf(asker, principal) ? 'you' : 'they';
  return explain(context.policy, principal, action, type, facts, environment(context), person);
}
