import { fieldOf, principalTypeOf } from '../language/lookup.js';
import type { Policy } from '../language/rule.js';
import { tableOf } from '../sql/names.js';
import { type Parameters, write } from '../sql/write.js';
import { type Condition, mapAtoms, mapOperands } from '../tree/condition.js';
import type { Environment, RecordFacts } from '../tree/facts.js';
import { fold } from '../tree/fold.js';
import { verdict } from './decide.js';

export interface SearchPage {
  readonly limit: number;
  /** Those after this id. */
  readonly after?: string;
  /** Further conditions over the alias `p`. */
  readonly where?: readonly string[];
  /** Whether they are taken to be logged in; true unless given. */
  readonly loggedIn?: boolean;
  /** Fields of the record that name the principal itself, whoever it is: who creates it. */
  readonly madeBy?: readonly string[];
}

/**
 * The principals of a kind who may do an action on a record: a query of their ids, in order. The text belongs to the
 * values collected in `parameters`. A kind without records has nobody to find: ask `allows` about one of them.
 */
export function searchSql(
  policy: Policy,
  kind: string,
  action: string,
  type: string,
  record: RecordFacts,
  environment: Environment,
  parameters: Parameters,
  page: SearchPage,
): string {
  const { model } = policy;
  const principalType = principalTypeOf(model, kind);
  if (principalType === null) return 'select null::uuid as id where false';
  const asked = madeByPrincipal(policy, kind, type, verdict(policy, action, type), page.madeBy ?? []);
  const open = fold(asked, { record, environment, persona: { kind, loggedIn: page.loggedIn ?? true } });
  const where = [
    write(open, { model, parameters, now: environment.now, principal: { type: principalType, kind, alias: 'p' } }),
    ...(page.where ?? []),
    ...(page.after === undefined ? [] : [`p.id > ${parameters.add(page.after, 'uuid')}`]),
  ];
  return `select p.id from ${tableOf(model, principalType)} p where ${where.join(' and ')} order by p.id limit ${page.limit}`;
}

/** The condition with the principal itself in place of the fields that name it. */
function madeByPrincipal(
  { model }: Policy,
  kind: string,
  type: string,
  condition: Condition,
  fields: readonly string[],
): Condition {
  if (fields.length === 0) return condition;
  return mapAtoms(condition, (atom) => {
    if (atom.op === 'linked' || atom.op === 'may') return atom;
    return mapOperands(atom, (operand) => {
      const [first = '', ...rest] = operand.from === 'record' ? operand.path : [];
      if (!fields.includes(first)) return operand;
      // A principal of another kind is no record of the type that the field refers to: it stays empty.
      const { to } = fieldOf(model, type, first);
      const fits = to === null || to === principalTypeOf(model, kind);
      return fits
        ? { from: 'principal', kind, path: rest.length === 0 ? ['id'] : rest }
        : { from: 'constant', value: null };
    });
  });
}
