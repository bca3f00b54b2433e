import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { desk } from './support/desk.js';

/** As many as a walk loads at once. */
const BATCH = 500;

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

test('a walk ends, though its work adds to what it walks through', async () => {
  await app.database.pool.query(
    `insert into desk.ring (id, created_at, updated_at, bell_id, word)
     select ('01000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now(), now(), bell.id, 'early'
     from generate_series(1, $1) n, (select id from desk.bell order by id limit 1) bell`,
    [BATCH],
  );
  const come = await app.seed(async (system) => {
    let count = 0;
    for await (const { values } of system.walk('Ring', { word: 'early' })) {
      count += 1;
      if (count === 1 || count >= BATCH) await system.create('Ring', { bellId: values.bellId, word: 'early' });
      if (count > BATCH + 10) break;
    }
    return count;
  });
  expect(come, 'the walk goes on with what its own work adds: it would never end').toBe(BATCH);
});
