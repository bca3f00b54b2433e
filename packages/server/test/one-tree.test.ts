import { type Condition, negation, policy } from '@ostiary/policy';
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
test('a json null is missing, as null is', async () => {
  for (const statement of tables(true)) await database.pool.query(statement);
  const set: Condition = { op: 'present', value: { from: 'record', path: ['extra'] } };
  const rule = { effect: 'allow', type: 'Session', says: 'A rule.', source: 'random' } as const;
  const made = policy(MODEL, [
    {
      type: 'Session',
      rules: [
        { ...rule, id: 'Session/set', actions: ['read'], when: set },
        { ...rule, id: 'Session/unset', actions: ['update'], when: negation(set) },
      ],
      limits: [],
    },
  ]);
  for (const world of fc.sample(worldArb, { numRuns: 5, seed })) {
    await store(database.pool, world, true);
    await agree(database.pool, {
      world,
      rulebook: { type: 'Session', policy: made },
      environment: { now: INSTANTS[2] as string },
    });
  }
});
