import { model, resource, texts } from '@ostiary/policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestApplication } from './support/application.js';
import { wards } from './support/wards.js';

let app: TestApplication;
let east: string;
let nora: string;

beforeAll(async () => {
  app = await openApplication(wards);
  east = await app.idOf('Ward', 'name', 'East');
  nora = await app.idOf('Nurse', 'login', 'nora');
});
afterAll(() => app?.close());

const ask = (as: string, query: string) => app.request({ as, url: `/api/visits/statistics?${query}` });
const inWords = ({ counts, total }: JsonBody) =>
  `${counts.map(({ value, count }: JsonBody) => `${value}: ${count}`).join(', ')} = ${total}`;

describe('counts what is within reach', () => {
  test.each([
    // who, by what, and what comes out
    ['nora', 'by=at', '2025-12: 1, 2026-01: 2, 2026-03: 1 = 4'],
    ['chief', 'by=at', '2025-12: 2, 2026-01: 4, 2026-03: 2 = 8'],
    ['nora', 'by=at&per=year', '2025: 1, 2026: 3 = 4'],
    ['nora', 'by=at&per=day', '2025-12-31: 1, 2026-01-01: 1, 2026-01-31: 1, 2026-03-01: 1 = 4'],
    ['nora', 'by=on&per=month', '2025-12: 1, 2026-01: 2, null: 1 = 4'],
    ['nora', 'by=at&from=2026-01-01&until=2026-03-01', '2026-01: 2 = 2'],
    ['nora', 'by=at&from=2026-01-01T00:00:00.001Z', '2026-01: 1, 2026-03: 1 = 2'],
    ['nora', 'by=on&until=2026-01-31', '2025-12: 1, 2026-01: 1 = 2'],
    ['nora', 'by=status', 'done: 1, planned: 3 = 4'],
    ['nora', 'by=status&at[ge]=2026-03-01', 'planned: 1 = 1'],
    ['nora', 'by=urgent&status=planned', 'false: 2, true: 1 = 3'],
    ['nora', 'by=nurseId', 'NORA: 2, null: 2 = 4'],
    ['chief', 'by=status&wardId=EAST', 'done: 1, planned: 3 = 4'],
    ['nora', 'by=status&at[lt]=2000-01-01', ' = 0'],
    ['carl', 'by=status', 'done: 1, planned: 3 = 4'],
    // May count both wards, and list one: the other is not counted.
    ['both', 'by=at', '2025-12: 1, 2026-01: 2, 2026-03: 1 = 4'],
  ])('%s, %s', async (as, query, wanted) => {
    const answer = await ask(as, query.replace('EAST', east));
    expect(answer.status, answer.text).toBe(200);
    expect(inWords(answer.body)).toBe(wanted.replace('NORA', nora));
  });

  test('says what was counted by', async () => {
    expect((await ask('nora', 'by=at')).body).toMatchObject({ by: 'at', per: 'month' });
    expect((await ask('nora', 'by=status')).body).toMatchObject({ by: 'status', per: null });
  });
});

describe('tells nothing that a list would not', () => {
  test.each([
    ['by a field that is not shown', 'carl', 'by=nurseId', 403, 'field_not_allowed'],
    ['filtered by one', 'carl', 'by=status&patient=p1', 403, 'field_not_allowed'],
    ['between two values of one', 'carl', 'by=on&from=2026-01-01', 403, 'field_not_allowed'],
    ['who counts and reads nothing', 'cora', 'by=status', 403, 'not_allowed'],
    ['who may not count', 'temp', 'by=status', 403, 'not_allowed'],
    ['by what the model does not count by', 'chief', 'by=patient', 422, 'invalid_input'],
    ['by a field that there is not', 'chief', 'by=nothing', 422, 'invalid_input'],
    ['by nothing', 'chief', '', 422, 'invalid_input'],
    ['a period of what has none', 'chief', 'by=status&per=day', 422, 'invalid_input'],
    ['from a value of what has no order', 'chief', 'by=status&from=2026-01-01', 422, 'invalid_input'],
    ['two beginnings', 'chief', 'by=at&from=2026-01-01&at[ge]=2026-02-01T00:00:00.000Z', 422, 'invalid_input'],
    ['another period', 'chief', 'by=at&per=week', 422, 'invalid_input'],
    ['a time that is none', 'chief', 'by=at&from=2026-99-99', 422, 'invalid_input'],
    ['an order', 'chief', 'by=at&sort=at', 422, 'invalid_input'],
  ])('%s', async (_, as, query, status, code) => {
    const answer = await ask(as, query);
    expect([answer.status, answer.body.code], answer.text).toEqual([status, code]);
  });

  test('more values than can be told are refused, rather than cut', async () => {
    await app.database.pool.query(
      `insert into wards.visit (id, created_at, updated_at, ward_id, patient, at)
         select gen_random_uuid(), now(), now(), $1, 'x', timestamptz '1990-01-01' + i * interval '1 day'
         from generate_series(1, 1001) i`,
      [east],
    );
    expect((await ask('nora', 'by=at&per=day')).body.errors[0].pointer).toBe('/by');
    expect((await ask('nora', 'by=at&per=day&until=1990-01-04')).body.total).toBe(2);
    await app.database.pool.query(`delete from wards.visit where patient = 'x'`);
  });

  test('counting sensitive records is on the trail, with what was asked', async () => {
    await app.audit();
    await ask('nora', 'by=at&status=done');
    expect(await app.audit()).toMatchObject([
      {
        event: 'record.counted',
        login: 'nora',
        resource_type: 'Visit',
        detail: { by: 'at', per: 'month', filters: { status: 'done' } },
      },
    ]);
  });
});

test('a model that counts by what can’t be counted by is refused', () => {
  const fields = { tags: texts() };
  const made = (actions: readonly string[]) => () =>
    model({
      name: 'm',
      title: 'M',
      principals: {},
      resources: { Thing: resource({ fields, actions, counts: { by: ['tags'] } }) },
    });
  expect(made([])).toThrow("Thing: it is counted, but has no action 'statistics'");
  expect(made(['statistics'])).toThrow('Thing.tags is nothing to count by');
});
