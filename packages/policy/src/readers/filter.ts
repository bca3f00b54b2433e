import { ModelError } from '../language/mistakes.js';
import { type Policy, type Rule, rulesAbout, sidesOf } from '../language/rule.js';
import { remember } from '../remember.js';
import { isHeldDirectly } from '../sql/grants.js';
import { type Parameters, type Scope, write } from '../sql/write.js';
import {
  ALWAYS,
  type Condition,
  conjunction,
  disjunction,
  negation,
  type Operand,
  type Value,
} from '../tree/condition.js';
import type { Environment, Principal } from '../tree/facts.js';
import { fold, type Known, prune } from '../tree/fold.js';
import { type FieldSet, isSteady } from './decide.js';
import { covers } from './field-rights.js';

/** One way in which records are within reach: a rule, or an alternative of one. */
export interface Branch {
  readonly rules: readonly string[];
  readonly when: Condition;
  readonly fields: FieldSet;
  readonly view: string | null;
}

/** The records on which a principal may do an action. */
export interface Filter {
  readonly policy: Policy;
  readonly type: string;
  readonly principal: Principal;
  readonly branches: readonly Branch[];
  /** What is taken away from every branch. */
  readonly except: Condition;
  /** Fields that may be forbidden on some of the records. */
  readonly forbiddenFields: readonly string[];
  readonly environment: Environment;
  /**
   * Few enough scopes to send with a query, and to read the first page of each. More are looked up where they are kept,
   * and read scope by scope only where records in order do not fill a page soon.
   */
  readonly mostScopes: number;
}

/** At most so many branches are written side by side; what would make more stays one. */
const MOST_BRANCHES = 16;

const MOST_SCOPES = 100;

const known = new WeakMap<Principal, Map<string, Filter>>();

/**
 * Which records a principal may do an action on, for a query to ask. Kept with the principal and the attributes of types,
 * unless the rules ask for the time.
 * @param assumed fields that are taken to have these values, whatever the records hold; no references.
 * @param mostScopes as in `Filter`
 */
export function filter(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  environment: Environment,
  assumed: Readonly<Record<string, Value>> = {},
  mostScopes: number = MOST_SCOPES,
): Filter {
  const filters = remember(known, principal, () => new Map<string, Filter>());
  const key = `${mostScopes} ${action} ${type}`;
  const found = filters.get(key);
  const stands = found?.policy === policy && found.environment.types === environment.types;
  if (stands && Object.keys(assumed).length === 0) return { ...found, environment };
  const rules = rulesAbout(policy.rules, action, type);
  const made = makeFilter(policy, type, rules, { principal, environment, assumed, mostScopes });
  const keeps = Object.keys(assumed).length === 0 && rules.every(({ when }) => isSteady(when));
  if (keeps) filters.set(key, made);
  return made;
}

function makeFilter(
  policy: Policy,
  type: string,
  rules: readonly Rule[],
  known: Pick<Filter, 'principal' | 'environment' | 'mostScopes'> & {
    readonly assumed: Readonly<Record<string, Value>>;
  },
): Filter {
  const { principal, environment, assumed, mostScopes } = known;
  // What is granted on the records themselves comes in their order, however few: no ids are sent to be looked up.
  const staysOpen: Known['staysOpen'] = ({ role, scope, at }, scopes) =>
    scopes > mostScopes || (isItself(at) && isHeldDirectly(policy.model, principal.kind, role, scope));
  const left = (when: Condition) => prune(fold(when, { principal, environment, assumed, staysOpen }));
  const { allows, forbids, fieldForbids } = sidesOf(rules);
  const branches = new Map<string, Branch>();
  for (const rule of allows) {
    for (const when of alternatives(left(rule.when))) {
      const branch = { rules: [rule.id], when, fields: rule.fields ?? 'every', view: rule.view ?? null } as const;
      const key = JSON.stringify([when, branch.fields, branch.view]);
      const same = branches.get(key);
      branches.set(key, same ? { ...same, rules: [...new Set([...same.rules, rule.id])] } : branch);
    }
  }
  return {
    policy,
    type,
    principal,
    branches: [...branches.values()],
    except: disjunction(forbids.map(({ when }) => left(when))),
    forbiddenFields: fieldForbids.flatMap(({ when, fields = [] }) => (left(when).op === 'never' ? [] : fields)),
    environment,
    mostScopes,
  };
}

function isItself(at: Operand | null): boolean {
  return at?.from === 'record' && at.path.length === 1 && at.path[0] === 'id';
}

/** A condition as alternatives of which each can use an index of its own. */
function alternatives(condition: Condition): readonly Condition[] {
  if (condition.op === 'never') return [];
  if (condition.op === 'named') return alternatives(condition.of);
  if (condition.op === 'any') {
    const parts = condition.of.flatMap(alternatives);
    return parts.length <= MOST_BRANCHES ? parts : [condition];
  }
  if (condition.op === 'all') {
    let products: readonly Condition[] = [{ op: 'always' }];
    for (const part of condition.of) {
      const choices = alternatives(part);
      if (products.length * choices.length > MOST_BRANCHES) return [condition];
      products = products.flatMap((product) => choices.map((choice) => conjunction([product, choice])));
    }
    return products.filter((product) => product.op !== 'never');
  }
  return [condition];
}

/** Whether every record within reach shows a field as it is: only then may a list be filtered or sorted by it. */
export function showsField(of: Filter, field: string): boolean {
  if (of.forbiddenFields.includes(field)) return false;
  const views = of.policy.model.resources[of.type]?.views as Record<string, Record<string, string>> | undefined;
  const shows = (branch: Branch) =>
    covers(branch.fields, field) && (branch.view === null || views?.[branch.view]?.[field] === 'shown');
  if (of.branches.every(shows)) return true;
  // A branch that hides it does no harm where another shows it on the same records, or on all.
  const records = recordsOf(of);
  const shown = new Set(of.branches.flatMap((branch, index) => (shows(branch) ? (records[index] ?? []) : [])));
  return shown.has(JSON.stringify(ALWAYS)) || records.every((each) => shown.has(each));
}

const reached = new WeakMap<readonly Branch[], readonly string[]>();

/** Which records each branch reaches, as texts: the same ones are the same text, by whichever role, and however many. */
function recordsOf({ branches, principal }: Filter): readonly string[] {
  const inOrder = (key: string, value: unknown) => (key === 'value' && Array.isArray(value) ? value.toSorted() : value);
  return remember(reached, branches, () =>
    branches.map(({ when }) => JSON.stringify(fold(when, { principal }), inOrder)),
  );
}

/** The distinct conditions of a filter's branches: `always` makes the others needless. */
export function conditionsOf(of: Filter): readonly Condition[] {
  const parts = new Map(of.branches.map((branch) => [JSON.stringify(branch.when), branch.when]));
  const whole = [...parts.values()].find((part) => part.op === 'always');
  const except = negation(of.except);
  return (whole ? [whole] : [...parts.values()])
    .map((part) => conjunction([part, except]))
    .filter((part) => part.op !== 'never');
}

/**
 * The whole filter as one expression, for statements of an application's own: counts, single records. The server itself
 * reads pages; the tests hold this to the same answers.
 */
export function filterSql(of: Filter, parameters: Parameters, alias: string): string {
  return write(disjunction(conditionsOf(of)), scopeOf(of, parameters, alias));
}

/** What a condition of a filter is written over: its records under an alias. */
export function scopeOf(of: Filter, parameters: Parameters, alias: string): Scope {
  const { policy, type, principal, environment } = of;
  if (environment.now === '') throw new ModelError('a filter needs the time of the request');
  const record = { type, alias };
  return { model: policy.model, parameters, record, holder: principal, now: environment.now };
}
