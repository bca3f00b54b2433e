import { fieldOf, type Model, resourceOf, spaced } from '@ostiary/policy';
import type { Root } from '../../application/addresses.js';
import { type JsonSchema, Type } from '../../input/json-schema.js';
import { filterSchema } from '../../input/schemas.js';
import { Problem } from '../../problems.js';
import { parseListQuery } from '../../records/list-query.js';
import { type Counting, countRecords, PERIODS, type Period } from '../../records/statistics.js';
import { caller } from '../request.js';
import { answers } from '../responses.js';
import { named, type Operation } from './operation.js';

const answer = Type.Object({
  by: Type.String(),
  per: Type.Nullable(Type.Enum(PERIODS)),
  total: Type.Integer(),
  counts: Type.Array(Type.Object({ value: { type: ['string', 'boolean', 'null'] }, count: Type.Integer() }), {
    description:
      'In the order of the values. Null stands for records without one; a value without records is left out.',
  }),
});

/** How many records of a type there are, by what its model lets them be counted by. */
export function statisticsOperation(model: Model, root: Root, type: string): Operation {
  const by = resourceOf(model, type).counts?.by ?? [];
  return {
    method: 'GET',
    path: '/statistics',
    action: 'statistics',
    schema: {
      ...named(root, type, 'statistics', `Count ${spaced(type)}s, by ${by.map(spaced).join(', ')}`),
      querystring: filterSchema(model, type, ownSchema(by)),
      response: answers(200, answer),
    },
    handle: async (context, type, request) => {
      const asked = parseCounting(context.policy.model, type, request.query as Record<string, string>);
      return countRecords(context, caller(request), type, asked);
    },
  };
}

function ownSchema(by: readonly string[]): Readonly<Record<string, JsonSchema>> {
  const time = Type.String({ maxLength: 30, pattern: '^\\d{4}-\\d\\d-\\d\\d' });
  return {
    by: { ...Type.Enum(by), description: 'What to count by.' },
    per: Type.Optional({ ...Type.Enum(PERIODS), description: 'Of an instant or a date, in UTC: month unless given.' }),
    from: Type.Optional({ ...time, description: 'Of what is counted by, if that is an instant or a date: the first.' }),
    until: Type.Optional({ ...time, description: 'The first that is not counted any more.' }),
  };
}

/** Reads what to count: `from` and `until` are filters of the field that is counted by. */
function parseCounting(model: Model, type: string, raw: Readonly<Record<string, string>>): Counting {
  const { by = '', per, from, until, ...filters } = raw;
  const isTime = ['instant', 'date'].includes(fieldOf(model, type, by).kind);
  for (const [name, value] of Object.entries({ per, from, until })) {
    if (value !== undefined && !isTime) fail(name, `goes with an instant or a date, and '${by}' is neither`);
  }
  const bounds = { from: `${by}[ge]`, until: `${by}[lt]` };
  for (const [name, filter] of Object.entries(bounds)) {
    if (raw[name] !== undefined && raw[filter] !== undefined)
      fail(name, `says the same as '${filter}': send one of them`);
  }
  const asked = parseListQuery(model, type, {
    ...filters,
    ...(from === undefined ? {} : { [bounds.from]: from }),
    ...(until === undefined ? {} : { [bounds.until]: until }),
  });
  return { by, per: isTime ? ((per as Period | undefined) ?? 'month') : null, asked };
}

function fail(name: string, message: string): never {
  throw new Problem('invalid_input', { errors: [{ pointer: `/${name}`, message }] });
}
