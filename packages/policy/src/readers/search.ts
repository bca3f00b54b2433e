import { principalTypeOf } from '../language/model.js';
import type { Policy } from '../language/rule.js';
import { tableOf } from '../sql/names.js';
import { type Parameters, write } from '../sql/write.js';
import type { Environment, RecordFacts } from '../tree/facts.js';
import { fold } from '../tree/fold.js';
import { verdict } from './decide.js';

/**
 * The principals of a kind who may do an action on a record: a query of their ids, in order. The text belongs to the
 * values collected in `parameters`. A kind without records has nobody to find: ask `allows` about one of them.
 * @param page at most so many, and those after an id.
 */
export function searchSql(
  policy: Policy,
  kind: string,
  action: string,
  type: string,
  record: RecordFacts,
  environment: Environment,
  parameters: Parameters,
  page: { readonly limit: number; readonly after?: string },
): string {
  const { model } = policy;
  const principalType = principalTypeOf(model, kind);
  if (principalType === null) return 'select null::uuid as id where false';
  const open = fold(verdict(policy, action, type), { record, environment, kind });
  const where = [
    write(open, { model, parameters, now: environment.now, principal: { type: principalType, kind, alias: 'p' } }),
    ...(page.after === undefined ? [] : [`p.id > ${parameters.add(page.after, 'uuid')}`]),
  ];
  return `select p.id from ${tableOf(model, principalType)} p where ${where.join(' and ')} order by p.id limit ${page.limit}`;
}
