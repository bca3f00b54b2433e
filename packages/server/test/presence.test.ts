import { drain } from '@ostiary/server/http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestApplication } from './support/application.js';
import { type Node, openNode } from './support/nodes.js';
import { onCall } from './support/on-call.js';
import { type Knock, openSocket, socketUrl, soon, type TestSocket } from './support/sockets.js';

const LOCAL = { host: '127.0.0.1', port: 0 };
const BEAT = 1;

let app: TestApplication;
/** Another server on the same database. */
let other: Node;
let here: string;
let there: string;
let ids: Readonly<Record<string, string>>;
const opened: TestSocket[] = [];

beforeAll(async () => {
  app = await openApplication(onCall, { beatSeconds: BEAT });
  other = await openNode(app, { beatSeconds: BEAT });
  await app.server.listen(LOCAL);
  await other.server.listen(LOCAL);
  here = socketUrl(app.server);
  there = socketUrl(other.server);
  const id = (type: string, field: string, value: string) => app.idOf(type, field, value);
  const entries = ['chief', 'anna', 'bea', 'sam', 'sue'].map(async (name) => [name, await id('Nurse', 'name', name)]);
  const devices = ['monitor', 'pump'].map(async (name) => [name, await id('Device', 'name', name)]);
  const calls = ['bed 1', 'bed 2'].map(async (from) => [from, await id('Call', 'from', from)]);
  ids = Object.fromEntries(await Promise.all([...entries, ...devices, ...calls]));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((socket) => socket.close()));
  await soon(online).toEqual([]);
});
afterAll(async () => {
  await other?.close();
  await app?.close();
});

async function tokenOf(kind: string, name: string): Promise<string> {
  if (kind === 'nurse') return app.login(name);
  const body = { name, password: 'ostiary-demo' };
  return (await app.request({ method: 'POST', url: `/auth/${kind}`, body })).body.accessToken;
}

async function enter(url: string, knock: Knock): Promise<TestSocket> {
  const socket = await openSocket(url, knock);
  opened.push(socket);
  return socket;
}

async function nurse(name: string, url = here): Promise<TestSocket> {
  return enter(url, { token: await tokenOf('nurse', name) });
}

/** Every principal that has a socket, on any server. */
async function online(): Promise<readonly string[]> {
  const { rows } = await app.database.pool.query('select distinct principal_id::text as id from ostiary.socket');
  return rows.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id) ?? id).sort();
}

const listOnline = async (as: string, query = '', type = 'nurses') =>
  (await app.request({ as, url: `/api/${type}/online${query}` })).body;
const namesIn = ({ items }: JsonBody) => items.map(({ name }: JsonBody) => name).sort();
const summary = ({ told }: TestSocket) =>
  told.map(({ event, about }) => `${event} ${Object.keys(ids).find((name) => ids[name] === about.id) ?? 'new'}`);

/** Everything that was emitted before has been told to a nurse, when this has. */
async function settled(...sockets: readonly (readonly [string, TestSocket])[]): Promise<void> {
  const note = `mark ${Math.random()}`;
  const body = { note, nurses: sockets.map(([name]) => ids[name]) };
  await app.request({ as: 'anna', method: 'POST', url: `/api/calls/${ids['bed 1']}/ring`, body });
  for (const [, { told }] of sockets) {
    await soon(() => told.some(({ detail }) => detail.note === note)).toBe(true);
    told.splice(
      told.findIndex(({ detail }) => detail.note === note),
      1,
    );
  }
}

const ring = (as: string, call: string, body: object = {}) =>
  app.request({ as, method: 'POST', url: `/api/calls/${ids[call]}/ring`, body });

describe('to be online', () => {
  test('is to have a socket open, on any server; those who may know are told', async () => {
    const anna = await nurse('anna');
    const sam = await nurse('sam');
    await app.audit();
    const bea = await nurse('bea', there);
    await soon(() => summary(anna)).toEqual(['online bea']);
    expect(anna.told[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      at: expect.stringMatching(/^2026-.*Z$/),
      event: 'online',
      about: { type: 'Nurse', id: ids.bea },
      detail: {},
    });
    expect(namesIn(await listOnline('anna'))).toEqual(['anna', 'bea']);
    expect(namesIn(await listOnline('sam'))).toEqual(['sam']);
    await bea.close();
    await soon(() => summary(anna)).toEqual(['online bea', 'offline bea']);
    expect(namesIn(await listOnline('anna'))).toEqual(['anna']);
    await settled(['sam', sam]);
    expect(summary(sam), 'nobody of another ward is told').toEqual([]);
    const events = (await app.audit()).filter(({ event }) => event.startsWith('socket.'));
    expect(events.map(({ event, principal_id, detail }) => [event, principal_id, detail.code])).toEqual([
      ['socket.opened', ids.bea, undefined],
      ['socket.closed', ids.bea, 1005],
    ]);
  });

  test('begins with the first socket, and ends with the last', async () => {
    const anna = await nurse('anna');
    const first = await nurse('bea');
    const second = await nurse('bea', there);
    await first.close();
    await settled(['anna', anna]);
    expect(summary(anna)).toEqual(['online bea']);
    expect(namesIn(await listOnline('anna'))).toEqual(['anna', 'bea']);
    await second.close();
    await soon(() => summary(anna)).toEqual(['online bea', 'offline bea']);
  });

  test('is shown as far as its reader may read, a page at a time', async () => {
    for (const name of ['anna', 'bea', 'sam']) await nurse(name);
    const all = await listOnline('chief');
    expect(all.items).toHaveLength(3);
    expect(
      all.items.find(({ id }: JsonBody) => id === ids.sam),
      'of what is not read, the id alone',
    ).toEqual({ id: ids.sam });
    expect(all.items.find(({ id }: JsonBody) => id === ids.anna)).toMatchObject({
      name: 'anna',
      wardId: expect.any(String),
    });
    const page = await listOnline('chief', '?limit=2');
    expect(page.items).toHaveLength(2);
    expect((await listOnline('chief', `?limit=2&cursor=${page.next}`)).items).toHaveLength(1);
    expect((await listOnline('chief', '?name=sam')).items, 'nothing is found by what is not read').toEqual([]);
    expect(namesIn(await listOnline('chief', '?name=anna'))).toEqual(['anna']);
    expect(namesIn(await listOnline('chief', '?sort=-name'))).toEqual(['anna', 'bea']);
    const refused = await app.request({ token: await tokenOf('visitor', 'guest'), url: '/api/nurses/online' });
    expect([refused.status, refused.body.code]).toEqual([403, 'not_allowed']);
  });

  test('is told to whoever may know, and to nobody who may read the record alone', async () => {
    const monitor = await enter(here, { token: await tokenOf('device', 'monitor') });
    const chief = await nurse('chief');
    await nurse('bea');
    await nurse('sam');
    await soon(() => summary(chief)).toEqual(['online bea', 'online sam']);
    await ring('anna', 'bed 1');
    await soon(() => summary(monitor).at(-1)).toBe('call.rung bed 1');
    expect(summary(monitor), 'a device reads who works on its ward, and may not know who is there').toEqual([
      'call.rung bed 1',
    ]);
  });

  test('is a decision like others', async () => {
    const ask = (subject: string, id: string | undefined) =>
      app.request({
        as: subject,
        method: 'POST',
        url: '/access/v1/evaluation',
        body: {
          subject: { type: 'nurse', id: ids[subject] },
          action: { name: 'online' },
          resource: { type: 'Nurse', id },
        },
      });
    expect((await ask('anna', ids.bea)).body).toEqual({ decision: true });
    expect((await ask('anna', ids.sam)).body).toEqual({ decision: false });
    expect((await ask('chief', ids.sam)).body).toEqual({ decision: true });
  });

  test('ends for who was on a server that died', async () => {
    const dying = await openNode(app, { beatSeconds: 1000 });
    await dying.server.listen(LOCAL);
    const anna = await nurse('anna');
    const bea = await nurse('bea', socketUrl(dying.server));
    await soon(() => summary(anna)).toEqual(['online bea']);
    await app.database.pool.query(
      `update ostiary.socket_server set ends_at = now() where id = (select server from ostiary.socket where principal_id = $1)`,
      [ids.bea],
    );
    expect(namesIn(await listOnline('anna')), 'at once').toEqual(['anna']);
    await soon(() => summary(anna)).toEqual(['online bea', 'offline bea']);
    expect(await online()).toEqual(['anna']);
    bea.wire.terminate();
    await dying.close();
  });

  test('outlasts a PostgreSQL that lost what a crash may lose', async () => {
    const anna = await nurse('anna');
    await nurse('bea', there);
    await app.database.pool.query('truncate ostiary.socket_server, ostiary.socket');
    await soon(online).toEqual(['anna', 'bea']);
    await soon(() => summary(anna)).toContain('online bea');
  });
});

describe('a socket is closed', () => {
  /** What ends it, on a server that it is not on. */
  const patch = (as: string, url: string, body: object) => app.request({ as, method: 'PATCH', url, body });
  const cases: readonly (readonly [string, string, number, (id: string, token: string) => Promise<unknown>])[] = [
    [
      'when its session is logged out',
      'nurse',
      4401,
      (_id, token) => app.request({ token, method: 'POST', url: '/auth/logout' }),
    ],
    [
      'when the password is set',
      'nurse',
      4401,
      (id) => patch('chief', `/api/nurses/${id}`, { password: 'a rather odd pass phrase' }),
    ],
    ['when the account is disabled', 'nurse', 4401, (id) => patch('chief', `/api/nurses/${id}`, { left: true })],
    [
      'when the account is deleted',
      'nurse',
      4401,
      (id) => app.request({ as: 'chief', method: 'DELETE', url: `/api/nurses/${id}` }),
    ],
    [
      'when its kind may be online no longer',
      'device',
      4403,
      (id) => patch('anna', `/api/devices/${id}`, { onlineable: false }),
    ],
  ];
  test.each(cases)('%s', async (what, kind, code, end) => {
    const name = `somebody ${what}`;
    const wardId = await app.idOf('Ward', 'name', 'North');
    const password = 'ostiary-demo';
    const id = await app.seed((system) =>
      kind === 'nurse'
        ? system.create('Nurse', { name, password, wardId })
        : system.create('Device', { name, password, wardId, onlineable: true }),
    );
    const body = { name, password };
    const token = (await app.request({ method: 'POST', url: `/auth/${kind}`, body })).body.accessToken;
    const socket = await enter(there, { token });
    await end(id, token);
    expect(await socket.closed).toBe(code);
    await soon(online).toEqual([]);
  });

  test('when its session is over, with the next beat', async () => {
    const body = { name: 'sue', password: 'ostiary-demo' };
    const token = (await app.request({ method: 'POST', url: '/auth/nurse', body })).body.accessToken;
    const socket = await enter(here, { token });
    const before = app.clock.now();
    app.clock.advance(3601);
    expect(await socket.closed).toBe(4401);
    app.clock.set(before);
  });

  test('when the static token is another, that it was opened with', async () => {
    const url = `/api/devices/${ids.monitor}/rotate-token`;
    const rotate = async () => (await app.request({ as: 'anna', method: 'POST', url })).body.token;
    const token = await rotate();
    const ticket = (await app.request({ token, method: 'POST', url: '/api/socket/ticket' })).body.ticket;
    const [socket, byTicket] = [await enter(there, { token }), await enter(here, { ticket })];
    await ring('anna', 'bed 1');
    await soon(() => summary(socket)).toEqual(['call.rung bed 1']);
    const other = await rotate();
    expect(await Promise.all([socket.closed, byTicket.closed])).toEqual([4401, 4401]);
    await enter(there, { token: other });
  });

  test('when its server stops: others go on', async () => {
    const node = await openNode(app, { beatSeconds: BEAT });
    await node.server.listen(LOCAL);
    const anna = await nurse('anna');
    const bea = await nurse('bea', socketUrl(node.server));
    await drain(node.server, 60_000);
    expect(await bea.closed).toBe(1001);
    await node.installation.database.close();
    await soon(() => summary(anna)).toEqual(['online bea', 'offline bea']);
  });
});

describe('an event', () => {
  test('is told to whoever may read what it is about', async () => {
    const [anna, bea, sam] = [await nurse('anna'), await nurse('bea', there), await nurse('sam', there)];
    const monitor = await enter(there, { token: await tokenOf('device', 'monitor') });
    for (const { told } of [anna, bea, sam]) told.length = 0;
    await settled(['anna', anna], ['bea', bea], ['sam', sam]);
    for (const { told } of [anna, bea, sam]) told.length = 0;
    await ring('anna', 'bed 1', { note: 'now' });
    await soon(() => summary(bea)).toEqual(['call.rung bed 1']);
    expect(bea.told[0].detail).toEqual({ note: 'now' });
    await soon(() => summary(monitor)).toEqual(['call.rung bed 1']);
    await settled(['anna', anna], ['sam', sam]);
    expect(summary(anna), 'who caused it, too').toEqual(['call.rung bed 1']);
    expect(summary(sam), 'nobody of another ward').toEqual([]);
  });

  test('is told to who is named, and to nobody else', async () => {
    const [bea, sam] = [await nurse('bea'), await nurse('sam', there)];
    await settled(['bea', bea], ['sam', sam]);
    for (const { told } of [bea, sam]) told.length = 0;
    await ring('anna', 'bed 1', { nurses: [ids.sam] });
    await soon(() => summary(sam)).toEqual(['call.rung bed 1']);
    await settled(['bea', bea]);
    expect(summary(bea)).toEqual([]);
  });

  test('is decided on when it is told: with rights that were taken or given since the socket was opened', async () => {
    const [north, south] = [await app.idOf('Ward', 'name', 'North'), await app.idOf('Ward', 'name', 'South')];
    const [bea, sue] = [await nurse('bea', there), await nurse('sue', there)];
    const move = (name: string, wardId: string) =>
      app.request({ as: 'chief', method: 'PATCH', url: `/api/nurses/${ids[name]}`, body: { wardId } });
    await move('bea', south);
    await move('sue', north);
    await settled(['bea', bea], ['sue', sue]);
    for (const { told } of [bea, sue]) told.length = 0;
    await ring('anna', 'bed 1');
    await settled(['bea', bea], ['sue', sue]);
    expect(summary(bea)).toEqual([]);
    expect(summary(sue)).toEqual(['call.rung bed 1']);
    await move('bea', north);
    await move('sue', south);
  });

  test('is told with the write that it is of, and not at all where that is rolled back', async () => {
    const bea = await nurse('bea');
    const wardId = await app.idOf('Ward', 'name', 'North');
    await settled(['bea', bea]);
    bea.told.length = 0;
    expect((await ring('anna', 'bed 1', { fail: true })).status).toBe(409);
    const made = await app.request({ as: 'anna', method: 'POST', url: '/api/calls', body: { wardId, from: 'bed 3' } });
    await soon(() => summary(bea)).toEqual(['call.made new']);
    await app.request({ as: 'anna', method: 'DELETE', url: `/api/calls/${made.body.id}` });
    await settled(['bea', bea]);
    expect(summary(bea), 'of what is gone, only who may read all of its type is told').toEqual(['call.made new']);
  });

  test('that is no short one is a mistake of its author', async () => {
    expect((await ring('anna', 'bed 1', { note: 'x'.repeat(2_000) })).status).toBe(500);
    const bea = await nurse('bea');
    const crowd = Array.from({ length: 300 }, () => app.installation.runtime.id());
    await ring('anna', 'bed 1', { nurses: [...crowd, ids.bea] });
    await soon(() => summary(bea)).toContain('call.rung bed 1');
  });

  test('is heard again after the connection that hears was cut, and what was revoked meanwhile is noticed', async () => {
    const [bea, sam] = [await nurse('bea'), await nurse('sam')];
    const token = await tokenOf('nurse', 'sam');
    const { rows } = await app.database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ~* '^(listen|select 1$)'`,
    );
    expect(rows.length).toBeGreaterThan(1);
    await app.request({ token, method: 'POST', url: '/auth/logout' });
    app.forget('sam');
    expect(await sam.closed).toBe(4401);
    await soon(async () => {
      await ring('anna', 'bed 1');
      return summary(bea);
    }).toContain('call.rung bed 1');
  });
});

test('the metrics have sockets by kind, and events that were delivered', async () => {
  const metric = async (series: string) => {
    const { text } = await app.root({ url: '/metrics', headers: { host: 'localhost' } });
    const line = text.split('\n').find((each) => each.startsWith(series));
    return line === undefined ? 0 : Number(line.split(' ').at(-1));
  };
  const delivered = () => metric('ostiary_events_total{application="on-call",outcome="delivered"}');
  const bea = await nurse('bea');
  await nurse('anna');
  await enter(here, { token: await tokenOf('device', 'monitor') });
  await settled(['bea', bea]);
  expect(await metric('ostiary_sockets{application="on-call",kind="nurse"}')).toBe(2);
  expect(await metric('ostiary_sockets{application="on-call",kind="device"}')).toBe(1);
  const before = await delivered();
  await ring('anna', 'bed 1', { nurses: [ids.bea] });
  await soon(delivered).toBe(before + 1);
});
