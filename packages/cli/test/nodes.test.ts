import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../server/test/support/cluster.js';
import { databaseUrl } from './support/database-url.js';
import { askNodes } from './support/nodes.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database?.drop());

/** It ends itself before the test's time is over, so that nothing is left running. */
const MOST = 240_000;

/** Ten thousand and more take two cores half a minute: node scripts/nodes.mjs */
test(
  'three servers that start at once on one database agree on every right, as soon as one has changed it',
  async () => {
    const signal = AbortSignal.timeout(MOST);
    const sent = await askNodes({ databaseUrl: databaseUrl(database.config), requests: 2_000, signal });
    expect(sent).toBeGreaterThanOrEqual(2_000);
    const { rows } = await database.pool.query(
      `select event, count(*)::int from ostiary.audit
       where event in ('account.created', 'logout') and application = 'open-data-capture' group by 1`,
    );
    const { 'account.created': accounts, logout } = Object.fromEntries(rows.map(({ event, count }) => [event, count]));
    expect(accounts, 'the demo data was loaded once: five accounts, and five of this test').toBe(10);
    expect(logout).toBeGreaterThan(0);
  },
  MOST + 60_000,
);
