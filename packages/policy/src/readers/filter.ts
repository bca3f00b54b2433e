import { ModelError } from '../language/model.js';
import type { Policy } from '../language/rule.js';
import { columnOf, tableOf } from '../sql/names.js';
import { type Parameters, type Row, write } from '../sql/write.js';
import { ALWAYS, type Condition, conjunction, disjunction, negation, type Value } from '../tree/condition.js';
import type { Environment, Principal } from '../tree/facts.js';
import { fold } from '../tree/fold.js';
import { covers, type FieldSet, prune, rulesFor } from './decide.js';

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
  readonly branches: readonly Branch[];
  /** What is taken away from every branch. */
  readonly except: Condition;
  /** Fields that may be forbidden on some of the records. */
  readonly forbiddenFields: readonly string[];
  readonly environment: Environment;
}

/** At most so many branches are written side by side; what would make more stays one. */
const MOST_BRANCHES = 16;

/**
 * Which records a principal may do an action on, for a query to ask.
 * @param assumed fields that are taken to have these values, whatever the records hold; no references.
 */
export function filter(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  environment: Environment,
  assumed: Readonly<Record<string, Value>> = {},
): Filter {
  const rules = rulesFor(policy, action, type);
  const left = (when: Condition) => prune(fold(when, { principal, environment, assumed }));
  const branches = new Map<string, Branch>();
  for (const rule of rules) {
    if (rule.effect !== 'allow') continue;
    for (const when of alternatives(left(rule.when))) {
      const branch = { rules: [rule.id], when, fields: rule.fields ?? 'every', view: rule.view ?? null } as const;
      const key = JSON.stringify([when, branch.fields, branch.view]);
      const same = branches.get(key);
      branches.set(key, same ? { ...same, rules: [...new Set([...same.rules, rule.id])] } : branch);
    }
  }
  const forbids = rules.filter((rule) => rule.effect === 'forbid');
  return {
    policy,
    type,
    branches: [...branches.values()],
    except: disjunction(forbids.filter((rule) => !rule.fields).map((rule) => left(rule.when))),
    forbiddenFields: forbids
      .filter((rule) => rule.fields && left(rule.when).op !== 'never')
      .flatMap((rule) => rule.fields ?? []),
    environment,
  };
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
  // A branch that hides it does no harm where another shows it on the same records, or on all.
  const shown = new Set(of.branches.filter(shows).map(({ when }) => JSON.stringify(when)));
  return shown.has(JSON.stringify(ALWAYS)) || of.branches.every(({ when }) => shown.has(JSON.stringify(when)));
}

/** The distinct conditions of a filter's branches: `always` makes the others needless. */
function conditions(of: Filter): readonly Condition[] {
  const parts = new Map(of.branches.map((branch) => [JSON.stringify(branch.when), branch.when]));
  const whole = [...parts.values()].find((part) => part.op === 'always');
  const except = negation(of.except);
  return (whole ? [whole] : [...parts.values()])
    .map((part) => conjunction([part, except]))
    .filter((part) => part.op !== 'never');
}

/** The whole filter as one expression, for counting and for single records. */
export function filterSql(of: Filter, parameters: Parameters, alias: string): string {
  return write(disjunction(conditions(of)), scope(of, parameters, { type: of.type, alias }));
}

export interface Page {
  /** Fields to sort by; the id is always the last. */
  readonly order: readonly { readonly field: string; readonly descending: boolean }[];
  readonly limit: number;
  /** Further conditions over the alias `t`: the caller's own filters, and where the last page ended. */
  readonly where: readonly string[];
}

/**
 * The ids of one page, in order: the union of the first `limit` of each branch, so that each branch reads no more of
 * its own index than a page. The text belongs to the values collected in `parameters`.
 */
export function pageSql(of: Filter, parameters: Parameters, page: Page): string {
  const parts = conditions(of);
  const last = page.order.at(-1);
  const keys =
    last?.field === 'id' ? page.order : [...page.order, { field: 'id', descending: last?.descending ?? false }];
  const columns = keys.map(({ field }, index) => `t.${columnOf(field)} as k${index}`).join(', ');
  const direction = (descending: boolean) => (descending ? ' desc' : '');
  const inner = keys.map(({ field, descending }) => `t.${columnOf(field)}${direction(descending)}`).join(', ');
  const outer = keys.map(({ descending }, index) => `k${index}${direction(descending)}`).join(', ');
  const idKey = `k${keys.length - 1}`;
  const from = tableOf(of.policy.model, of.type);
  const selects = parts.map((part) => {
    const where = [write(part, scope(of, parameters, { type: of.type, alias: 't' })), ...page.where];
    return `select ${columns} from ${from} t where ${where.join(' and ')} order by ${inner} limit ${page.limit}`;
  });
  // The caller's conditions stay in the text: their values are among the parameters already.
  if (selects.length === 0) return `select t.id from ${from} t where ${['false', ...page.where].join(' and ')}`;
  if (selects.length === 1) return `select ${idKey} as id from (${selects[0]}) page order by ${outer}`;
  const union = selects.map((select) => `(${select})`).join(' union ');
  return `select ${idKey} as id from (${union}) page order by ${outer} limit ${page.limit}`;
}

function scope(of: Filter, parameters: Parameters, record: Row) {
  if (of.environment.now === '') throw new ModelError('a filter needs the time of the request');
  return { model: of.policy.model, parameters, record, now: of.environment.now };
}
