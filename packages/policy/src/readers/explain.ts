import { rolesOfKind } from '../language/holders.js';
import { type Policy, type Rule, rulesAbout, sidesOf } from '../language/rule.js';
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
  const { kind } = principal;
  const persona = { kind, roles: rolesOfKind(policy.model, kind) };
  // To be given a first group is nearer than to become someone else, though without any no record can be in it.
  const near = (condition: Condition) =>
    fold(condition, { persona }).op === 'never' ? 'never' : truth(fold(condition, known));
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

/** How near a condition is; `never` where it is fulfilled by nobody of that kind of principal. */
type Nearness = Truth | 'never';
type Judge = (condition: Condition) => Nearness;

/** A leaf that is false weighs more than one that depends on a record which is not known. */
const WEIGHT: Readonly<Record<Nearness, number>> = { yes: 0, unknown: 2, no: 3, never: 6 };

/** What a fix costs, and all that it needs. */
interface Fix {
  readonly cost: number;
  readonly words: readonly string[];
  /** Where it needs one thing alone, said in few words: that, and what would do as well. */
  readonly ways: readonly string[];
}

/** Of more ways than these the others are not told. */
const MOST_WAYS = 3;

const NO_WAY: Fix = { cost: 1000, words: [], ways: [] };

/** The least that is missing: from the rule that comes nearest, and whatever forbids. */
function missing(rules: readonly Rule[], judge: Judge, person: Person): readonly string[] {
  const { allows, forbids } = sidesOf(rules);
  const [nearest] = byCost(allows.map((rule) => leastPrivilege(rule, fix(rule.when, judge, person))));
  const needed = nearest?.words ?? ['no rule allows this to anyone'];
  const forbidden = forbids.flatMap(({ when, says }) => {
    const truth = judge(when);
    return truth === 'yes' ? `a rule forbids it: ${says}` : truth === 'unknown' ? `a rule may forbid it: ${says}` : [];
  });
  return [...new Set([...needed, ...forbidden])];
}

const byCost = (fixes: readonly Fix[]) => fixes.toSorted((a, b) => a.cost - b.cost);

/** The cheapest of some fixes, with the others that are as cheap, as long as each is said in few words. */
function cheapest(fixes: readonly Fix[]): Fix {
  const [nearest = NO_WAY] = byCost(fixes);
  if (nearest.ways.length === 0) return nearest;
  const ways = [...new Set(fixes.filter(({ cost }) => cost === nearest.cost).flatMap((one) => one.ways))];
  const words = ways.length < 2 ? ways : [`one of: ${ways.slice(0, MOST_WAYS).join('; ')}`];
  return { cost: nearest.cost, words, ways };
}

/** A rule that opens every record to whoever fulfils it asks for more than one that looks at the record. */
function leastPrivilege(rule: Rule, nearest: Fix): Fix {
  const opensAll = nearest.cost > 0 && !asksRecord(rule.when);
  return opensAll ? { ...nearest, cost: nearest.cost + 4 } : nearest;
}

function asksRecord(condition: Condition): boolean {
  return atomsOf(condition).some(
    (atom) => atom.op === 'linked' || atom.op === 'may' || operandsOf(atom).some(({ from }) => from === 'record'),
  );
}

function fix(condition: Condition, judge: Judge, person: Person): Fix {
  const weight = WEIGHT[judge(condition)];
  if (weight === 0) return { cost: 0, words: [], ways: [] };
  const words = [inWords(condition, person)];
  const simple = (more: number): Fix => ({ cost: weight + more, words, ways: words });
  switch (condition.op) {
    case 'never':
      return { ...NO_WAY, words: ['nothing: it is never allowed'] };
    case 'all': {
      const parts = condition.of.map((part) => fix(part, judge, person)).filter((part) => part.words.length > 0);
      const [only] = parts;
      if (only !== undefined && parts.length === 1) return only;
      const cost = parts.reduce((sum, part) => sum + part.cost, 0);
      return { cost, words: parts.flatMap((part) => part.words), ways: [] };
    }
    case 'any':
      return cheapest(condition.of.map((part) => fix(part, judge, person)));
    case 'linked':
      return { cost: weight, words, ways: [] };
    case 'holds': {
      // To be given a permission is the last resort; and the wider the scope, the larger the step.
      const { role, scope, at } = condition;
      const width = at !== null && 'path' in at ? at.path.length - 1 : 0;
      return simple(role.startsWith('may ') ? 4 : scope === null ? 2 : width);
    }
    default:
      return simple(isWho(condition) ? 1 : 0);
  }
}

/** Whether a condition asks who somebody is: to be somebody else takes more than another value in a record. */
function isWho(condition: Condition): boolean {
  if (condition.op === 'named') return isWho(condition.of);
  if (condition.op !== 'equal') return false;
  return operandsOf(condition).some((operand) => operand.from === 'principal' && operand.path[0] === 'id');
}
