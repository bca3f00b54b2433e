import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/cluster.js';
import { INSTANTS, rulebookArb, store, tables, typesArb, worldArb } from './support/random-model.js';
import { agree } from './support/random-model-answers.js';

/** Set to repeat a run: the seed that a failure printed. */
const seed = Number(process.env.ONE_TREE_SEED ?? 20_260_301);
const CASES = 10_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
  for (const statement of tables()) await database.pool.query(statement);
});
afterAll(() => database?.drop());

test(`every reader gives the same answer to ${CASES} questions (seed ${seed})`, async () => {
  let cases = 0;
  const client = await database.pool.connect();
  try {
    await fc.assert(
      fc.asyncProperty(
        worldArb,
        rulebookArb,
        fc.constantFrom(...INSTANTS),
        typesArb,
        async (world, rulebook, now, types) => {
          await store(client, world);
          cases += await agree(client, { world, rulebook, environment: { now, ...(types ? { types } : {}) } });
        },
      ),
      { seed, numRuns: 40, interruptAfterTimeLimit: 45_000, markInterruptAsFailure: true },
    );
  } finally {
    client.release();
  }
  expect(cases).toBeGreaterThanOrEqual(CASES);
});
