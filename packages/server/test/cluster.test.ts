import { afterEach, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/cluster.js';

const databases: TestDatabase[] = [];
afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

async function open(...args: Parameters<typeof testDatabase>): Promise<TestDatabase> {
  const database = await testDatabase(...args);
  databases.push(database);
  return database;
}

test('every database is empty and its own', async () => {
  const [one, two] = await Promise.all([open(), open()]);
  await one.pool.query('create table t (n int)');
  await expect(two.pool.query('select * from t')).rejects.toThrow('does not exist');
});

test('a preparation runs once and every database starts with it', async () => {
  let runs = 0;
  const prepare = {
    name: 'cluster_test',
    setUp: async (pool: TestDatabase['pool']) => {
      runs += 1;
      await pool.query('create table t as select 42 as n');
    },
  };
  const [one, two] = await Promise.all([open(prepare), open(prepare)]);
  await one.pool.query('delete from t');
  expect((await two.pool.query('select n from t')).rows).toEqual([{ n: 42 }]);
  expect(runs).toBe(1);
});

test('upper and lower case are known beyond ASCII', async () => {
  const { pool } = await open();
  expect((await pool.query(`select lower('ÄÉŽ') as l, 'a' > 'B' as by_code_point`)).rows).toEqual([
    { l: 'äéž', by_code_point: true },
  ]);
});
