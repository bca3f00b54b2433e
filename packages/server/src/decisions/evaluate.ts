import { decide, explain, possible } from '@ostiary/policy';
import { environment } from '../access/access.js';
import type { Asker, Context } from '../application/context.js';
import { isSelf, tellable } from './asking.js';
import { Lookup } from './lookup.js';
import { UnknownName } from './names.js';
import type { Question } from './question.js';
import { type Resolved, resolve } from './resolve.js';

/** A decision (AuthZEN 1.0 §5.5), with its reasons where they were asked for. */
export interface Answer {
  readonly decision: boolean;
  readonly context?: AnswerContext;
}

export interface AnswerContext {
  /** Why a question could not be answered otherwise. */
  readonly error?: { readonly status: number; readonly message: string };
  /** The rules that allowed it, or that forbade it. */
  readonly rules?: readonly string[];
  /** The least that would have to be otherwise, in words. */
  readonly missing?: readonly string[];
  /** The same for people, by status (§5.5.2): not for the user, and for the user. */
  readonly reason_admin?: Readonly<Record<string, string>>;
  readonly reason_user?: Readonly<Record<string, string>>;
}

/**
 * Answers a question. What does not exist may nothing, and nothing may be done on it: that it does not exist is told
 * of names that the application's documentation has, and of nothing else.
 * @throws Refusal where others are asked about by whom may not; Problem `malformed_request`
 */
export async function evaluate(
  context: Context,
  asker: Asker,
  question: Question,
  lookup: Lookup = new Lookup(context),
): Promise<Answer> {
  try {
    const resolved = await resolve(asker, question, lookup);
    const wanted = question.context?.reasons === true;
    const answer = wanted ? withReasons(context, asker, resolved) : { decision: isAllowed(context, resolved) };
    context.decisions.count(resolved.action, answer.decision ? 'allowed' : 'refused');
    return answer;
  } catch (error) {
    if (error instanceof UnknownName) return unknown(error);
    throw error;
  }
}

/** That a question names something which the application does not know. */
export function unknown(error: UnknownName): { readonly decision: false; readonly context: AnswerContext } {
  return { decision: false, context: { error: { status: 404, message: error.message } } };
}

/** The decision alone. */
export function isAllowed(context: Context, { principal, action, type, record, named }: Resolved): boolean {
  if (principal === null) return false;
  const { policy } = context;
  const now = environment(context);
  if (!named) return possible(policy, principal, action, type, now);
  return record !== null && decide(policy, principal, action, type, record.facts, now).allowed;
}

function withReasons(context: Context, asker: Asker, resolved: Resolved): Answer {
  const { principal, action, type, record } = resolved;
  if (principal === null) {
    const missing = ['there is no such principal, or its account is disabled'];
    return refused([], missing, missing);
  }
  const { policy } = context;
  const now = environment(context);
  const decided = record === null ? null : decide(policy, principal, action, type, record.facts, now);
  if (isAllowed(context, resolved)) {
    return { decision: true, context: { rules: decided?.permits.map(({ rule }) => rule) ?? [], missing: [] } };
  }
  const facts = tellable(context, asker, type, record);
  const missing = (person: 'you' | 'they') => explain(policy, principal, action, type, facts, now, person).missing;
  const rules = facts === null ? [] : (decided?.forbiddenBy ?? []);
  return refused(rules, missing(isSelf(asker, principal) ? 'you' : 'they'), missing('you'));
}

function refused(rules: readonly string[], missing: readonly string[], toUser: readonly string[]): Answer {
  const admin = rules.length > 0 ? `Forbidden by ${rules.join(', ')}.` : 'Not allowed by any rule.';
  return {
    decision: false,
    context: {
      rules,
      missing,
      reason_admin: { '403': admin },
      reason_user: { '403': `Not allowed. What is missing: ${toUser.join('; ')}.` },
    },
  };
}
