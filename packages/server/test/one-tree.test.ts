import { type Condition, not, policy } from '@ostiary/policy';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type TestDatabase, testDatabase } from './support/cluster.js';
import { INSTANTS, MODEL, store, tables, worldArb } from './support/random-model.js';
import { agree } from './support/random-model-answers.js';
import { run } from './support/random-model-run.js';

/** Set to repeat a run: the seed that a failure printed. `scripts/one-tree.mjs` asks as many as you like. */
vi.setConfig({ testTimeout: 300_000 });
const seed = Number(process.env.ONE_TREE_SEED ?? 20_260_301);

let database: TestDatabase;
beforeEach(async () => {
  database = await testDatabase();
});
afterEach(() => database?.drop());

test.each([
  { cases: 12_000, materialised: true },
  { cases: 200, materialised: false },
])(`every reader gives one answer to each of %j, seed ${seed}`, async ({ cases, materialised }) => {
  const client = await database.pool.connect();
  try {
    expect(await run(client, { cases, materialised, seed, shrinking: 15_000 })).toBeGreaterThanOrEqual(cases);
  } finally {
    client.release();
  }
});

/** What chance finds too seldom. */
test.each<{ readonly what: string; readonly when: Condition }>([
  {
    what: 'a json null is missing, as null is',
    when: { op: 'present', value: { from: 'record', path: ['extra'] } },
  },
  {
    what: 'the same principal at another time has other records',
    when: { op: 'less', left: { from: 'record', path: ['createdAt'] }, right: { from: 'now' } },
  },
])('$what', async ({ when }) => {
  for (const statement of tables(true)) await database.pool.query(statement);
  const rule = { effect: 'allow', type: 'Session', says: 'A rule.', source: 'random' } as const;
  const made = policy(MODEL, [
    {
      type: 'Session',
      rules: [
        { ...rule, id: 'Session/so', actions: ['read'], when },
        { ...rule, id: 'Session/not', actions: ['update'], when: not(when) },
      ],
      limits: [],
    },
  ]);
  for (const world of fc.sample(worldArb, { numRuns: 3, seed })) {
    await store(database.pool, world, true);
    await agree(database.pool, {
      world,
      rulebook: { type: 'Session', policy: made },
      environment: { now: INSTANTS[2] as string },
    });
  }
});
