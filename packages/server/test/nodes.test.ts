import { application as openDataCapture } from '@ostiary/open-data-capture';
import { createServer, openDatabase, openInstallation, systemRuntime } from '@ostiary/server';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from './support/cluster.js';

/** Two servers on one database, with nothing in common but that. */
let database: TestDatabase;
const nodes: { readonly server: FastifyInstance; close(): Promise<void> }[] = [];
const ROOT = '/open-data-capture';

beforeAll(async () => {
  database = await testDatabase();
  const opened = await Promise.all(
    [1, 2].map(async () => {
      const own = openDatabase(database.config);
      const installation = await openInstallation({
        database: own,
        runtime: systemRuntime,
        applications: [openDataCapture],
        production: false,
        environment: {},
        demo: true,
      });
      const server = await createServer({ installation, version: '0.0.0-test' });
      return { server, close: () => server.close().then(() => own.close()) };
    }),
  );
  nodes.push(...opened);
});
afterAll(async () => {
  for (const node of nodes) await node.close();
  await database?.drop();
});

async function send(node: number, method: 'GET' | 'POST' | 'PATCH', path: string, token?: string, payload?: object) {
  const answer = await nodes[node]?.server.inject({
    method,
    url: `${ROOT}${path}`,
    ...(payload ? { payload } : {}),
    ...(token ? { headers: { authorization: `Bearer ${token}` } } : {}),
  });
  if (!answer) throw new TypeError(`there is no node ${node}`);
  return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() };
}

const login = async (node: number, username: string): Promise<string> =>
  (await send(node, 'POST', '/auth/login', undefined, { username, password: 'ostiary-demo' })).body.accessToken;

test('both start at once on an empty database, and load the demo data once', async () => {
  const { rows } = await database.pool.query('select count(*)::int as accounts from ostiary.account');
  expect(rows[0].accounts).toBe(openDataCapture.demo?.accounts.length);
});

test("each takes the other's tokens, and refuses what the other revoked from the next request on", async () => {
  const admin = await login(0, 'admin');
  const jane = await login(1, 'JaneDoe');
  const { body: me } = await send(0, 'GET', '/auth/me', jane);
  for (let round = 0; round < 50; round += 1) {
    const level = round % 2 === 0 ? null : 'GROUP_MANAGER';
    const changed = await send(round % 3 === 0 ? 1 : 0, 'PATCH', `/api/users/${me.id}`, admin, {
      basePermissionLevel: level,
    });
    expect(changed.status).toBe(200);
    for (const node of [0, 1]) {
      const { status } = await send(node, 'GET', '/api/sessions', jane);
      expect(status, `node ${node} answered by rights that had changed before it was asked`).toBe(level ? 200 : 403);
    }
  }
});

test('who logs out on one is logged out on the other', async () => {
  const token = await login(0, 'JohnSmith');
  expect((await send(1, 'GET', '/auth/me', token)).status).toBe(200);
  expect((await send(1, 'POST', '/auth/logout', token)).status).toBe(204);
  expect((await send(0, 'GET', '/auth/me', token)).status).toBe(401);
});
