import { DEFAULT_RATES, NO_RATES, openDatabase, parseRates, type Rates } from '@ostiary/server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { query } from '../src/storage/query.js';
import { PLATFORM_DDL } from '../src/storage/tables.js';
import { Throttle } from '../src/throttle/throttle.js';
import { type Clock, clockAt, START } from './support/application.js';
import { type TestDatabase, testDatabase } from './support/cluster.js';

/** Three servers on one database, whose clocks differ. */
let shared: TestDatabase;
let databases: ReturnType<typeof openDatabase>[];
let clocks: Clock[];

beforeAll(async () => {
  shared = await testDatabase();
  databases = [1, 2, 3].map(() => openDatabase(shared.config));
  for (const statement of PLATFORM_DDL) await shared.pool.query(statement);
});
afterAll(async () => {
  for (const database of databases ?? []) await database.close();
  await shared?.drop();
});
beforeEach(async () => {
  await shared.pool.query('truncate ostiary.rate');
  clocks = [0, 40, -40].map((off) => clockAt(new Date(START.getTime() + off * 1000)));
});

const nodesAt = (rates: Partial<Rates>): Throttle[] =>
  databases.map((database, index) => {
    const clock = clocks[index];
    if (clock === undefined) throw new TypeError('each server has a clock');
    return new Throttle(database, clock, { ...NO_RATES, ...rates });
  });

/** Asks all servers at once, each as often. Returns how many were let through. */
async function flood(nodes: readonly Throttle[], who: string, each: number) {
  const asked = nodes.flatMap((node) => Array.from({ length: each }, () => node.take('read', who)));
  const answers = await Promise.all(asked);
  return {
    allowed: answers.filter((answer) => answer?.allowed).length,
    first: answers.filter((answer) => answer?.first).length,
  };
}

const windowEnds = async () => {
  await shared.pool.query('update ostiary.rate set ends_at = now()');
  for (const clock of clocks) clock.advance(61);
};

describe('three servers', () => {
  test.each([1, 2, 7, 19, 30, 39])('together let through exactly %d, a small rate', async (read) => {
    expect(await flood(nodesAt({ read }), 'one', read + 5)).toEqual({ allowed: read, first: 1 });
  });

  test.each([40, 99, 100, 1_234])('together let through %d at most, and two lots less at least', async (read) => {
    const { allowed, first } = await flood(nodesAt({ read }), 'one', read);
    expect(allowed).toBeLessThanOrEqual(read);
    expect(allowed).toBeGreaterThanOrEqual(read - 2 * Math.floor(read / 20));
    expect(first, 'the trail is told once').toBe(1);
  });

  test('let through the whole rate when one of them gets all requests', async () => {
    const [node] = nodesAt({ read: 1_234 });
    expect((await flood(node ? [node] : [], 'one', 1_300)).allowed).toBe(1_234);
  });

  test('let in again when the window ends', async () => {
    const nodes = nodesAt({ read: 10 });
    for (let window = 0; window < 3; window += 1) {
      expect(await flood(nodes, 'one', 10)).toEqual({ allowed: 10, first: 1 });
      expect(await flood(nodes, 'one', 10)).toEqual({ allowed: 0, first: 0 });
      await windowEnds();
    }
  });

  test('spend nothing of a window in the next one', async () => {
    const nodes = nodesAt({ read: 100 });
    for (const node of nodes) await node.take('read', 'one');
    await windowEnds();
    const { allowed } = await flood(nodes, 'one', 100);
    expect(allowed).toBeLessThanOrEqual(100);
  });

  test('hold each caller, and each rate, to itself', async () => {
    const nodes = nodesAt({ read: 10, write: 10 });
    expect((await flood(nodes, 'one', 20)).allowed).toBe(10);
    expect((await flood(nodes, 'two', 20)).allowed).toBe(10);
    expect((await nodes[0]?.take('write', 'one'))?.allowed).toBe(true);
  });

  test('ask the database seldom, and not at all about who has used up a rate', async () => {
    const [node] = nodesAt({ read: 1_000 });
    if (!node) throw new TypeError('there are three');
    let draws = 0;
    const end = node.database.statements.watch(({ operation }) => {
      if (operation === 'insert') draws += 1;
    });
    for (let request = 0; request < 1_000; request += 1) await node.take('read', 'one');
    expect(draws).toBe(20);
    for (let request = 0; request < 100; request += 1) await node.take('read', 'one');
    expect(draws).toBe(21);
    end();
    expect(node.usedUp('read', 'one')).toMatchObject({ allowed: false, remaining: 0 });
    expect(node.usedUp('read', 'two')).toBeNull();
  });

  test('delete what is over', async () => {
    const [node] = nodesAt({ read: 10 });
    await node?.take('read', 'one');
    await windowEnds();
    await node?.take('read', 'two');
    await expect
      .poll(() => query(databases[0]?.db as never, 'select key from ostiary.rate'))
      .toEqual([{ key: 'read two' }]);
  });
});

test('a caller is told what is left, and for how long', async () => {
  const [node] = nodesAt({ read: 100 });
  expect(await node?.take('read', 'one')).toEqual({
    allowed: true,
    rate: 100,
    remaining: 99,
    resetSeconds: 60,
    first: false,
  });
});

test('a rate that is off counts nothing', async () => {
  const [node] = nodesAt({});
  expect(await node?.take('read', 'one')).toBeNull();
  expect((await shared.pool.query('select from ostiary.rate')).rowCount).toBe(0);
});

test('a database that does not answer lets nobody through', async () => {
  const gone = openDatabase({ host: '127.0.0.1', port: 1 });
  const node = new Throttle(gone, clockAt(START), { ...NO_RATES, read: 10 });
  await expect(node.take('read', 'one')).rejects.toThrow('ECONNREFUSED');
  await gone.close();
});

describe('rates are written', () => {
  test.each<[string, Rates]>([
    ['off', NO_RATES],
    ['read=5', { ...DEFAULT_RATES, read: 5 }],
    ['read=5,write=off', { ...DEFAULT_RATES, read: 5, write: null }],
    [' credentials = 1 , guests = 1000000000 ', { ...DEFAULT_RATES, credentials: 1, guests: 1_000_000_000 }],
  ])('%s', (text, rates) => {
    expect(parseRates(text)).toEqual(rates);
  });

  test.each([
    '',
    'read',
    'read=',
    'read=0',
    'read=-1',
    'read=1.5',
    'read=1e3',
    'read=1000000001',
    'reads=1',
    'Read=1',
    'read=1;write=1',
    'read=1,',
    'read=off,off',
  ])("not: '%s'", (text) => {
    expect(() => parseRates(text)).toThrow(
      /it is written name=number or name=off, where the name is one of credentials, /,
    );
  });

  test('not the same twice', () => {
    expect(() => parseRates('read=1,read=2')).toThrow("'read' is given twice");
  });
});
