import { NO_RATES } from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestAnswer } from '../../../packages/server/test/support/application.js';
import { openNode } from '../../../packages/server/test/support/nodes.js';
import { EVERYTHING } from '../src/bits.js';
import { type Notes, openNotes, type Who } from './notes.js';
import { idIn, sendRow } from './rows.js';

let notes: Notes;
beforeAll(async () => {
  notes = await openNotes();
});
afterAll(() => notes?.app.close());

const send = (who: Who, method: 'POST' | 'PATCH' | 'DELETE', url: string, body?: object): Promise<TestAnswer> =>
  sendRow(notes.app, { ...notes.as(who), method, url, ...(body === undefined ? {} : { body }) });
const account = (who: Who) => `/api/user_account/${notes.ids[who]}`;
const open = (entity: string, id: string) =>
  notes.app.seed((system) => system.update(entity, id, { permission: EVERYTHING }));
const world = (name: string) => notes.app.idOf('world', 'table_name', name);

/** However far bits are opened, nobody becomes somebody else by them. */
describe('where everything is open', () => {
  beforeAll(async () => {
    for (const entity of ['user_account', 'oauth_connect']) await open('world', await world(entity));
    await open('user_account', notes.ids.administrator);
    await open('user_account', notes.ids.stranger);
  });

  const NOT: readonly (readonly [string, Who, Who, object])[] = [
    ['sets the password of an administrator', 'stranger', 'administrator', { password: 'violet-harbour-castle' }],
    ['sets a password as a guest', 'guest', 'administrator', { password: 'violet-harbour-castle' }],
    ['sets their own without the one before', 'stranger', 'stranger', { password: 'violet-harbour-castle' }],
    ['changes what another logs in with', 'stranger', 'administrator', { email: 'mine@example.org' }],
    ['says that an address is theirs', 'stranger', 'stranger', { verified_email: 'administrator@example.org' }],
  ];
  test.each(NOT)('nobody %s', async (_, who, whose, body) => {
    const before = await notes.app.fingerprint();
    const { status, text } = await send(who, 'PATCH', account(whose), body);
    expect(status, text).toBe(403);
    expect(await notes.app.fingerprint()).toBe(before);
  });

  test('nobody writes a connection that people sign in with, but administrators', async () => {
    const evil = { name: 'evil', client_id: 'x', issuer: 'https://evil.example' };
    for (const flag of ['allow_login', 'allow_signup']) {
      const made = await send('stranger', 'POST', '/api/oauth_connect', { ...evil, [flag]: true });
      expect(made.status, made.text).toBe(403);
    }
    const made = await send('stranger', 'POST', '/api/oauth_connect', evil);
    expect(made.status, made.text).toBe(201);
    const url = `/api/oauth_connect/${idIn(made)}`;
    expect((await send('stranger', 'PATCH', url, { allow_login: true })).status).toBe(403);
    expect((await send('stranger', 'PATCH', url, { issuer: 'https://other.example' })).status).toBe(200);
    expect((await send('administrator', 'PATCH', url, { allow_login: true })).status).toBe(200);
    expect((await send('stranger', 'PATCH', url, { issuer: 'https://evil.example' })).status, 'in use').toBe(403);
  });

  test('everybody changes their own password, knowing the one before', async () => {
    const change = (whose: Who, currentPassword: string) =>
      send('stranger', 'POST', `${account(whose)}/change-password`, {
        currentPassword,
        newPassword: 'violet-harbour-castle',
      });
    expect((await change('stranger', 'wrong-guess')).status).toBe(401);
    expect((await change('administrator', 'ostiary-demo')).status).toBe(403);
    expect((await change('stranger', 'ostiary-demo')).status).toBe(204);
    const attributes = { email: 'stranger@example.org', password: 'violet-harbour-castle' };
    expect((await send('guest', 'POST', '/action/user_account/signin', { attributes })).status).toBe(200);
    const set = await send('administrator', 'PATCH', account('owner'), { password: 'copper-lantern-meadow' });
    expect(set.status, set.text).toBe(200);
  });

  test('guests who make accounts are counted as if they logged in: it costs as much', async () => {
    const node = await openNode(notes.app, { rates: { ...NO_RATES, credentials: 2 } });
    try {
      const make = () => node.server.inject({ method: 'POST', url: '/daptin/api/user_account', payload: {} });
      const statuses = [];
      for (let time = 0; time < 3; time += 1) statuses.push((await make()).statusCode);
      expect(statuses).toEqual([422, 422, 429]);
    } finally {
      await node.close();
    }
  });

  test('no address differs from another in capitals alone', async () => {
    const taken = await send('stranger', 'PATCH', account('stranger'), { email: 'Owner@example.org' });
    expect([taken.status, taken.text]).toEqual([422, expect.stringContaining('email')]);
    const moved = await send('stranger', 'PATCH', account('stranger'), { email: 'stranger@example.net' });
    expect(moved.status, moved.text).toBe(200);
  });
});

describe('the last administrator', () => {
  const administrators = async () => {
    const { rows } = await notes.app.database.pool.query<{ id: string }>(
      `select l.id from daptin.user_account_usergroup l join daptin.usergroup g on g.id = l.usergroup_id
        where g.name = 'administrators' order by l.id`,
    );
    return rows.map(({ id }) => `/api/user_account_usergroup/${id}`);
  };

  test('stays, or whoever asked next would be made one', async () => {
    const [only = '', ...others] = await administrators();
    expect(others).toEqual([]);
    const left = await send('administrator', 'DELETE', only);
    expect([left.status, left.text]).toEqual([409, expect.stringContaining('make another one first')]);
    expect((await send('administrator', 'DELETE', account('administrator'))).status).toBe(409);
    const become = await send('member', 'POST', '/action/world/become_an_administrator');
    expect(become.status, become.text).toBe(409);
  });

  test('is one of two who leave at once', async () => {
    const usergroup_id = await notes.app.idOf('usergroup', 'name', 'administrators');
    const member = { user_account_id: notes.ids.member, usergroup_id };
    expect((await send('administrator', 'POST', '/api/user_account_usergroup', member)).status).toBe(201);
    const both = await administrators();
    expect(both).toHaveLength(2);
    const answers = await Promise.all(both.map((url) => send('administrator', 'DELETE', url)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, expect.any(Number)]);
    expect(await administrators()).toHaveLength(1);
  });
});
