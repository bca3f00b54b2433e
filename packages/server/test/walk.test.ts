import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { desk } from './support/desk.js';

/** More than two batches. */
const RINGS = 1_201;

let app: TestApplication;

beforeAll(async () => {
  app = await openApplication(desk);
  await app.database.pool.query(
    `insert into desk.ring (id, created_at, updated_at, bell_id, word)
     select gen_random_uuid(), now(), now(), bell.id, case when n % 2 = 0 then 'even' else 'odd' end
     from generate_series(1, $1) n, (select id from desk.bell order by id limit 1) bell`,
    [RINGS],
  );
});
afterAll(() => app?.close());

test.each([
  ['all of them', {}, RINGS],
  ['those with a value', { word: 'odd' }, 601],
  ['those without one', { byId: null, word: 'even' }, 600],
  ['none where there are none', { word: 'neither' }, 0],
])('a walk comes to %s, each once, in the order in which they are found', async (_, values, count) => {
  const [walked, found] = await app.seed(async (system) => {
    const ids: string[] = [];
    for await (const { id } of system.walk('Ring', values)) ids.push(id);
    return [ids, (await system.find('Ring', values)).map(({ id }) => id)];
  });
  expect(walked).toEqual(found);
  expect(walked).toHaveLength(count);
});

test('those that a walk has not come to are free for others', async () => {
  const free = async () => (await app.database.pool.query('select 1 from desk.ring for update skip locked')).rowCount;
  const counts = await app.seed(async (system) => {
    const seen: (number | null)[] = [];
    let come = 0;
    for await (const _ of system.walk('Ring', {})) if (come++ % 500 === 0) seen.push(await free());
    return seen;
  });
  expect(counts).toEqual([701, 201, 0]);
});
