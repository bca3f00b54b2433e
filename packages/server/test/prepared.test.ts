import { Parameters } from '@ostiary/policy/sql';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keep, MOST_RECURRING, prepare, preparing } from '../src/storage/prepared.js';
import { openApplication } from './support/application.js';
import { type TestDatabase, testDatabase } from './support/cluster.js';
import { trials } from './support/trials.js';

let data: TestDatabase;
let db: Kysely<unknown>;

beforeEach(async () => {
  data = await testDatabase();
  data.pool.options.max = 1;
  db = new Kysely({ dialect: new PostgresDialect({ pool: preparing(data.pool) }) });
});
afterEach(() => data?.drop());

const run = (text: string, values: unknown[] = [1], on = db) => on.executeQuery(CompiledQuery.raw(text, values));
const numbered = (number: number) => prepare(`select $1::int + ${number} as n`);

async function prepared(on = db): Promise<readonly string[]> {
  const { rows } = await run('select statement from pg_prepared_statements order by prepare_time, name', [], on);
  return rows.map((row) => (row as { statement: string }).statement);
}

test('what is kept is prepared at once, what recurs at its second time, all else never', async () => {
  const texts = { kept: keep('select $1::int'), recurring: prepare('select $1::int'), plain: 'select $1::int' };
  for (const text of Object.values(texts)) await run(text);
  expect(await prepared()).toEqual([texts.kept]);
  for (const text of Object.values(texts)) expect((await run(text, [7])).rows).toEqual([{ int4: 7 }]);
  expect(await prepared()).toEqual([texts.kept, texts.recurring]);
});

test('what was not asked for the longest makes place, and never what is kept', async () => {
  const kept = keep('select $1::int as kept');
  await run(kept);
  const count = MOST_RECURRING + 20;
  for (let number = 0; number < count; number += 1) {
    await run(numbered(number));
    await run(numbered(number));
    await run(numbered(0));
  }
  const now = await prepared();
  expect(now).toHaveLength(MOST_RECURRING + 1);
  expect(now).toEqual(expect.arrayContaining([kept, numbered(0), numbered(count - 1)]));
  expect(now).not.toContain(numbered(1));
  for (const number of [0, 1, 1, 1]) expect((await run(numbered(number), [5])).rows).toEqual([{ n: 5 + number }]);
  expect(await prepared()).toContain(numbered(1));
});

test('place is made in a transaction that has failed as well', async () => {
  const broken = prepare('select $1::int from nowhere');
  for (const _ of [1, 2, 3]) await expect(run(broken)).rejects.toThrow('nowhere');
  for (let number = 0; number < MOST_RECURRING; number += 1) for (const _ of [1, 2]) await run(numbered(number));
  const failing = db.transaction().execute(async (transaction) => {
    for (const number of [-1, -2]) {
      for (const _ of [1, 2]) {
        const asked = run(numbered(number), [number === -2 ? 'no number' : 1], transaction as typeof db);
        await asked.catch(() => {});
      }
    }
    await run(numbered(3), [1], transaction as typeof db);
  });
  await expect(failing).rejects.toThrow('aborted');
  expect((await run(numbered(4), [5])).rows).toEqual([{ n: 9 }]);
  expect((await prepared()).length).toBeLessThanOrEqual(MOST_RECURRING);
});

test('pages of every size share a few statements', async () => {
  const app = await openApplication(trials);
  try {
    for (let limit = 1; limit <= 20; limit += 1) {
      for (const _ of [1, 2]) {
        const { body } = await app.request({ as: 'director', url: `/api/samples?limit=${limit}` });
        expect(body.items).toHaveLength(Math.min(limit, 10));
        expect(body.next === null).toBe(limit >= 10);
      }
    }
    const { db: own } = app.installation.database;
    const lists = (await prepared(own as unknown as typeof db)).filter((text) => text.includes('page cross join'));
    expect(lists.length, 'a caller can have as many statements prepared as there are limits').toBeLessThanOrEqual(3);
    expect(lists.length).toBeGreaterThan(0);
  } finally {
    await app.close();
  }
});

test('the statement of a list over HTTP is written once for its reader, and asked with other values', async () => {
  const app = await openApplication(trials);
  const written = vi.spyOn(Parameters.prototype, 'add');
  try {
    for (const url of ['/api/samples?limit=2', '/api/samples?limit=2&sort=-label']) {
      const labels: string[] = [];
      // The first page and those after it are two statements, so nothing is written from the third on.
      for (let cursor = '', count = 0; count < 4; count += 1) {
        written.mockClear();
        const { body } = await app.request({ as: 'siteadmin', url: `${url}${cursor}` });
        labels.push(...body.items.map(({ label }: { readonly label: string }) => label));
        if (count === 0) expect(written, 'this no longer sees how a statement is written').toHaveBeenCalled();
        if (count > 1) expect(written, `page ${count + 1} of ${url} wrote its statement anew`).not.toHaveBeenCalled();
        cursor = body.next === null ? '' : `&cursor=${body.next}`;
      }
      // Three pages, and the first once more.
      const all = ['a1', 'a2', 'a3', 'a4', 'a5'];
      const listed = url.includes('sort') ? all.toReversed() : all;
      expect(labels).toEqual([...listed, ...listed.slice(0, 2)]);
    }
  } finally {
    written.mockRestore();
    await app.close();
  }
});
