import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventually, openApplication, type TestApplication } from './support/application.js';
import { type Node, openNode } from './support/nodes.js';
import { trials } from './support/trials.js';

let app: TestApplication;
const HERE = '203.0.113.7';
const ELSEWHERE = '203.0.113.8';

beforeAll(async () => {
  app = await openApplication(trials);
});
beforeEach(() => app.audit());
afterAll(() => app?.close());

/** Asks with a bad token, or with none, one after the other. */
async function ask(node: Node, times: number, from: string, token?: string): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const { statusCode } = await node.server.inject({ url: '/trials/api/samples', remoteAddress: from, headers });
    expect(statusCode).toBe(401);
  }
}

/** The entries since this was last asked: those in full, and what the others say. */
async function entries() {
  const rows = await app.audit();
  return {
    inFull: rows.filter(({ request_id }) => request_id !== null).map(({ event }) => event),
    counted: rows
      .filter(({ request_id }) => request_id === null)
      .map(({ application, event, outcome, detail }) => [application, event, outcome, detail.address, detail.more]),
  };
}

test('of the refusals of an address the first are in the trail in full, and of the rest how many, by kind', async () => {
  const node = await openNode(app, { refusalsInFull: 3 });
  try {
    await ask(node, 2, HERE);
    await ask(node, 5, HERE, 'bad');
    await ask(node, 4, HERE);
    await ask(node, 2, ELSEWHERE);
    const { inFull, counted } = await entries();
    expect(inFull).toEqual(['access.refused', 'access.refused', 'token.refused', 'access.refused', 'access.refused']);
    expect(counted, 'the window has not ended').toEqual([]);
    node.clock.advance(61);
    await ask(node, 4, HERE, 'bad');
    expect((await entries()).inFull, 'in the next window as many again').toHaveLength(3);
  } finally {
    await node.close();
  }
  expect((await entries()).counted, 'a server that stops says the rest').toEqual([
    ['trials', 'token.refused', 'refused', HERE, 5],
    ['trials', 'access.refused', 'refused', HERE, 4],
  ]);
});

test('what was counted is written when the window ends, and once', async () => {
  const node = await openNode(app, { refusalsInFull: 1, rateWindowSeconds: 0.05 });
  try {
    await ask(node, 3, HERE, 'bad');
    let more = 0;
    await eventually(async () => {
      for (const { detail } of await app.audit()) more += Number(detail.more ?? 0);
      return more > 0;
    });
    await ask(node, 1, HERE, 'bad');
    await node.close();
    for (const [, , , , rest] of (await entries()).counted) more += Number(rest);
    expect(more).toBe(3);
  } finally {
    await node.close();
  }
});

test('what the database does not take is counted on', async () => {
  const node = await openNode(app, { refusalsInFull: 1, rateWindowSeconds: 0.01 });
  try {
    await ask(node, 1, HERE, 'bad');
    await app.database.pool.query('alter table ostiary.audit_unsealed rename to away');
    await ask(node, 5, HERE, 'bad');
    await new Promise((resolve) => setTimeout(resolve, 50));
  } finally {
    await app.database.pool.query('alter table ostiary.away rename to audit_unsealed');
    await node.close();
  }
  expect((await entries()).counted).toEqual([['trials', 'token.refused', 'refused', HERE, 5]]);
});

test('60 are in full unless a server is told otherwise', async () => {
  const node = await openNode(app, {});
  await ask(node, 64, HERE).finally(() => node.close());
  const { inFull, counted } = await entries();
  expect([inFull.length, counted]).toEqual([60, [['trials', 'access.refused', 'refused', HERE, 4]]]);
});
