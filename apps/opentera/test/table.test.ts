import { DEMO_PASSWORD, type System } from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  openApplication,
  type TestAnswer,
  type TestRequest,
} from '../../../packages/server/test/support/application.js';
import { application } from '../src/index.js';
import { ASKS, type Ask, type Cell, COLUMNS, type Column, ELSEWHERE, ROWS } from './table.js';
import {
  type Asked,
  type Asker,
  askDecisions,
  askEngine,
  askHttp,
  openWorld,
  type Place,
  userAsker,
  type World,
} from './world.js';

/** One question to all three, and what they said. */
interface Case {
  readonly row: string;
  readonly column: Column;
  readonly where: 'in reach' | 'out of reach';
  readonly granted: boolean;
  readonly asked: Asked;
  /** The same of a record of its own, since it will be done. */
  readonly done: Asked;
  engine?: boolean;
  decision?: boolean | undefined;
  http?: TestAnswer;
}

let world: World;
const cases: Case[] = [];
let [before, after] = ['', ''];

beforeAll(async () => {
  world = await openWorld(await openApplication(application));
  const askers = new Map<Column, Asker>();
  for (const column of COLUMNS) askers.set(column, await userAsker(world.app, column));
  const asker = (column: Column) => askers.get(column) as Asker;

  await world.app.seed(async (system) => {
    for (const [row, cells] of ROWS) for (const ask of ASKS[row] ?? []) await prepare(system, row, cells, ask);
  });
  for (const one of cases) one.engine = await askEngine(world, asker(one.column), one.asked);
  for (const column of COLUMNS) {
    const own = cases.filter((one) => one.column === column);
    const questions = own.map(({ asked }) => asked);
    const answers = await askDecisions(world, asker(column), questions);
    for (const [index, one] of own.entries()) one.decision = answers[index];
  }
  const request = async (one: Case) => {
    one.http = await askHttp(world, asker(one.column), one.done);
  };
  // What is refused comes first, all of it together, and leaves everything as it was.
  before = await world.app.fingerprint();
  for (const one of cases) if (!one.granted) await request(one);
  after = await world.app.fingerprint();
  for (const one of cases) if (one.granted) await request(one);
});
afterAll(() => world?.app.close());

/** Makes what a row asks about: one record for all who only look or are refused, and one for each who makes or deletes. */
async function prepare(system: System, row: string, cells: Readonly<Record<Column, Cell>>, ask: Ask): Promise<void> {
  const shared = new Map<Place, Asked>();
  for (const column of COLUMNS) {
    // What 'limited' means is in limited.test.ts. A super administrator reaches everything.
    if (cells[column] === 'L') continue;
    const isFar = cells[column] === 'Y' && column !== 'superadmin';
    for (const at of isFar ? [world.near, world.far] : [world.near]) {
      const asked = (!ask.ofColumn && shared.get(at)) || (await ask.of(world, system, at, column, false));
      shared.set(at, asked);
      const granted = cells[column] === 'Y' && at === world.near;
      // What can be done once is done to a record of one's own.
      const again = granted && !['read', 'list', 'update'].includes(asked.action);
      const done = again ? await ask.of(world, system, at, column, true) : asked;
      cases.push({ row, column, where: at === world.near ? 'in reach' : 'out of reach', granted, asked, done });
    }
  }
}

test('the table has its 65 rows, and each is asked', () => {
  expect(ROWS).toHaveLength(65);
  expect(ROWS.filter(([row]) => !ASKS[row] && !ELSEWHERE[row]).map(([row]) => row)).toEqual([]);
});

describe.each(ROWS.filter(([row]) => ASKS[row]))('%s', (row, cells) => {
  test.each(COLUMNS.filter((column) => cells[column] !== 'L'))('%s', (column) => {
    const own = cases.filter((one) => one.row === row && one.column === column);
    expect(own.length).toBeGreaterThan(0);
    for (const one of own) {
      const { asked, engine, decision, http, where, granted } = one;
      const should = granted ? 'may' : 'may not';
      const said = `${column} ${should} ${asked.action} ${asked.type} ${where} (${row}, table.md): change src/rules, not the table`;
      expect(engine, `the engine: ${said}`).toBe(granted);
      expect(decision, `/access/v1/evaluation: ${said}`).toBe(granted);
      const status = http?.status ?? 0;
      expect(granted ? status >= 200 && status < 300 : status === 403, `${status} ${http?.text}: ${said}`).toBe(true);
    }
  });
});

test('what was refused changed nothing', () => {
  expect(after, 'a refused request wrote something: find it by asking fewer rows of table.md').toBe(before);
});

test.each(COLUMNS)('Login and Logout: %s', async (username) => {
  const send = (way: string, more: Partial<TestRequest>) =>
    world.app.request({ method: 'POST', url: `/api/user/${way}`, ...more });
  const login = await send('login', { body: { username, password: DEMO_PASSWORD } });
  expect(login.status, login.text).toBe(200);
  const { accessToken: token, refreshToken } = login.body;
  const me = await send('me', { method: 'GET', token });
  expect(me.status, me.text).toBe(200);
  expect((await send('logout', { token })).status).toBe(204);
  expect((await send('me', { method: 'GET', token })).status, 'the token outlived its session').toBe(401);
  expect((await send('refresh', { body: { refreshToken } })).status, 'so did the refresh token').toBe(401);
});
