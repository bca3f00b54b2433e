import { type Policy, type Rule, rulesAbout } from '../language/rule.js';
import { atomsOf, type Condition, operandsOf } from '../tree/condition.js';
import type { Environment, Principal, RecordFacts } from '../tree/facts.js';
import { fold, prune } from '../tree/fold.js';
import { verdict } from './decide.js';
import { inWords, type Person } from './words.js';

export type Truth = 'yes' | 'no' | 'unknown';

/** A condition with what came of it, and of its parts. */
export interface Trace {
  readonly says: string;
  readonly holds: Truth;
  readonly parts?: readonly Trace[];
}

export interface RuleTrace {
  readonly id: string;
  readonly effect: Rule['effect'];
  readonly says: string;
  readonly source: string;
  readonly fields?: readonly string[];
  readonly view?: string;
  readonly holds: Truth;
  readonly trace: Trace;
}

export interface Explanation {
  /** `unknown` where it depends on a record, and none was given. */
  readonly allowed: Truth;
  readonly rules: readonly RuleTrace[];
  /** The least that would have to be otherwise for the action to be allowed, in words; empty where it is. */
  readonly missing: readonly string[];
}

/**
 * Explains a decision: every rule that speaks of the action with a trace, and the least that was missing.
 * @param record null for the explanation that holds whatever the record: it tells nothing about any.
 */
export function explain(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  record: RecordFacts | null,
  environment: Environment,
  person: Person = 'you',
): Explanation {
  const known = record === null ? { principal, environment } : { principal, record, environment };
  const truth = ({ op }: Condition): Truth => (op === 'always' ? 'yes' : op === 'never' ? 'no' : 'unknown');
  const judge = (condition: Condition) => truth(prune(fold(condition, known)));
  // To be given a first group is nearer than to become someone else, though without any no record can be in it.
  const near = (condition: Condition) => truth(fold(condition, known));
  const rules = rulesAbout(policy.rules, action, type);
  const traced = rules.map((rule): RuleTrace => {
    const { id, effect, says, source, fields, view } = rule;
    return {
      id,
      effect,
      says,
      source,
      ...(fields ? { fields } : {}),
      ...(view === undefined ? {} : { view }),
      holds: judge(rule.when),
      trace: trace(rule.when, judge, person),
    };
  });
  const allowed = judge(verdict(policy, action, type));
  return { allowed, rules: traced, missing: allowed === 'yes' ? [] : missing(rules, near, person) };
}

function trace(condition: Condition, judge: (condition: Condition) => Truth, person: Person): Trace {
  const says = inWords(condition, person);
  const holds = judge(condition);
  switch (condition.op) {
    case 'all':
    case 'any':
      return {
        says: condition.op === 'all' ? 'all of' : 'any of',
        holds,
        parts: condition.of.map((part) => trace(part, judge, person)),
      };
    case 'not':
      return { says: 'not', holds, parts: [trace(condition.of, judge, person)] };
    case 'named':
      return { says, holds, parts: [trace(condition.of, judge, person)] };
    default:
      return { says, holds };
  }
}

/** What a fix costs: a leaf that is false weighs more than one that depends on a record which is not known. */
interface Fix {
  readonly cost: number;
  readonly words: readonly string[];
}

/** The least that is missing: from the rule that comes nearest, and whatever forbids. */
function missing(rules: readonly Rule[], judge: (condition: Condition) => Truth, person: Person): readonly string[] {
  const fixes = rules
    .filter((rule) => rule.effect === 'allow')
    .map((rule) => leastPrivilege(rule, fix(rule.when, judge, person)))
    .sort((a, b) => a.cost - b.cost);
  const forbidden = rules
    .filter((rule) => rule.effect === 'forbid' && !rule.fields && judge(rule.when) !== 'no')
    .map((rule) => `a rule forbids it: ${rule.says}`);
  const [nearest] = fixes;
  if (nearest === undefined) return ['no rule allows this to anyone', ...forbidden];
  return [...new Set([...nearest.words, ...forbidden])];
}

/** A rule that opens every record to whoever fulfils it asks for more than one that looks at the record. */
function leastPrivilege(rule: Rule, { cost, words }: Fix): Fix {
  return { cost: cost > 0 && !asksRecord(rule.when) ? cost + 4 : cost, words };
}

function asksRecord(condition: Condition): boolean {
  return atomsOf(condition).some(
    (atom) => atom.op === 'linked' || atom.op === 'may' || operandsOf(atom).some(({ from }) => from === 'record'),
  );
}

function fix(condition: Condition, judge: (condition: Condition) => Truth, person: Person): Fix {
  const truth = judge(condition);
  if (truth === 'yes') return { cost: 0, words: [] };
  const weight = truth === 'no' ? 3 : 2;
  switch (condition.op) {
    case 'never':
      return { cost: 1000, words: ['nothing: it is never allowed'] };
    case 'all': {
      const parts = condition.of.map((part) => fix(part, judge, person));
      return { cost: sum(parts.map((part) => part.cost)), words: parts.flatMap((part) => part.words) };
    }
    case 'any': {
      const [nearest] = condition.of.map((part) => fix(part, judge, person)).sort((a, b) => a.cost - b.cost);
      return nearest ?? { cost: 1000, words: [] };
    }
    case 'not':
      return { cost: weight, words: [inWords(condition, person)] };
    case 'holds':
      // To be given a permission is the last resort, and to be made something everywhere a large step.
      return {
        cost: weight + (condition.role.startsWith('may ') ? 4 : condition.scope === null ? 2 : 0),
        words: [inWords(condition, person)],
      };
    default:
      return { cost: isWho(condition) ? weight + 1 : weight, words: [inWords(condition, person)] };
  }
}

/** Whether a condition asks who somebody is: to be somebody else takes more than another value in a record. */
function isWho(condition: Condition): boolean {
  if (condition.op === 'named') return isWho(condition.of);
  if (condition.op !== 'equal') return false;
  return operandsOf(condition).some((operand) => operand.from === 'principal' && operand.path[0] === 'id');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
