import { createServiceKey } from '@ostiary/server';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openApplication, type TestApplication } from './support/application.js';
import { BITS, bitsApplication, LOGINS } from './support/bits.js';
import { type Node, openNode } from './support/nodes.js';

let app: TestApplication;
let elsewhere: Node;
let ids: Readonly<Record<'kind' | 'link' | 'group' | 'owner' | 'owned' | 'ownerless', string>>;

const { read, update } = BITS;
const EVERYBODY = [undefined, ...LOGINS];

beforeAll(async () => {
  app = await openApplication(bitsApplication);
  elsewhere = await openNode(app, {});
  const { rows } = await app.database.pool.query('select id from bits.kind_in_group');
  ids = {
    kind: await app.idOf('Kind', 'name', 'Note'),
    link: rows[0].id,
    group: await app.idOf('Group', 'name', 'Crew'),
    owner: await app.idOf('User', 'login', 'owner'),
    owned: await app.idOf('Note', 'text', 'owned'),
    ownerless: await app.idOf('Note', 'text', 'ownerless'),
  };
});
afterAll(async () => {
  await elsewhere?.close();
  await app?.close();
});

const change = (url: string, body: object) => app.request({ as: 'admin', method: 'PATCH', url, body });
const permitType = (permission: number) => change(`/api/kinds/${ids.kind}`, { permission });
const permitLink = (permission: number | null) => change(`/api/kind-in-groups/${ids.link}`, { permission });

/** The notes that somebody sees: in a list, on another server as well; empty where there is no list for them. */
async function seen(as: string | undefined): Promise<readonly string[]> {
  const headers = as === undefined ? {} : { authorization: `Bearer ${await app.login(as)}` };
  const urls = { method: 'GET', url: '/bits/api/notes', headers } as const;
  const [here, there] = await Promise.all([app.server.inject(urls), elsewhere.server.inject(urls)]);
  const texts = ({ statusCode, body }: typeof here): readonly string[] => {
    expect([200, 403]).toContain(statusCode);
    const { items = [] } = JSON.parse(body);
    return items.map(({ text }: { text: string }) => text).sort();
  };
  expect(texts(there), 'another server says the same').toEqual(texts(here));
  return texts(here);
}

describe('what a type permits holds from the next request, on every server', () => {
  beforeEach(async () => {
    await app.database.pool.query('update bits.note set permission = $1', [read.everybody]);
    await permitLink(null);
  });
  const BOTH = ['owned', 'ownerless'];

  test.each<[string, number, readonly (string | undefined)[]]>([
    ['everybody', read.everybody, EVERYBODY],
    ['nobody', 0, ['admin']],
    ['its owner', read.owner, ['admin', 'owner']],
    ['its groups', read.group, ['admin', 'member']],
    ['something else', update.everybody | update.group, ['admin']],
  ])('%s', async (_, permission, who) => {
    expect((await permitType(permission)).status).toBe(200);
    for (const as of EVERYBODY) expect(await seen(as), as ?? 'a guest').toEqual(who.includes(as) ? BOTH : []);
  });

  test('a group by what its link has, and by the type where that has nothing', async () => {
    await permitType(0);
    await permitLink(read.group);
    expect(await seen('member')).toEqual(BOTH);
    expect(await seen('stranger')).toEqual([]);
    await permitType(read.group);
    await permitLink(0);
    expect(await seen('member'), 'what the link has decides').toEqual([]);
    await permitLink(null);
    expect(await seen('member')).toEqual(BOTH);
  });

  test('a group that is taken away, and given', async () => {
    await permitType(read.group);
    const link = await app.request({ as: 'admin', url: `/api/kind-in-groups/${ids.link}` });
    await app.request({ as: 'admin', method: 'DELETE', url: `/api/kind-in-groups/${ids.link}` });
    expect(await seen('member')).toEqual([]);
    const { kindId, groupId } = link.body;
    const made = await app.request({
      as: 'admin',
      method: 'POST',
      url: '/api/kind-in-groups',
      body: { kindId, groupId },
    });
    ids = { ...ids, link: made.body.id };
    expect(await seen('member')).toEqual(BOTH);
  });

  test('a type that has no record permits nothing', async () => {
    await permitType(read.everybody);
    await change(`/api/kinds/${ids.kind}`, { name: 'Nothing' });
    expect([await seen(undefined), await seen('owner')]).toEqual([[], []]);
    await change(`/api/kinds/${ids.kind}`, { name: 'Note' });
    expect(await seen(undefined)).toEqual(BOTH);
  });

  test('a change of it is a change of rights in the trail', async () => {
    await permitType(read.owner);
    await app.audit();
    await permitType(read.everybody);
    expect((await app.audit()).filter(({ event }) => event === 'rights.changed')).toMatchObject([
      { resource_type: 'Kind', record_id: ids.kind },
    ]);
  });

  test('so is it that a record is shared with a group, and that it is no longer', async () => {
    const noteId = ids.ownerless;
    await app.database.pool.query('delete from bits.note_in_group where note_id = $1', [noteId]);
    await app.audit();
    const body = { noteId, groupId: ids.group };
    const made = await app.request({ as: 'admin', method: 'POST', url: '/api/note-in-groups', body });
    await app.request({ as: 'admin', method: 'DELETE', url: `/api/note-in-groups/${made.body.id}` });
    const none = { noteId: null, groupId: null };
    expect((await app.audit()).filter(({ event }) => event === 'rights.changed')).toMatchObject([
      { resource_type: 'NoteInGroup', detail: { before: none, after: body } },
      { resource_type: 'NoteInGroup', detail: { before: body, after: none } },
    ]);
    await app.seed((system) => system.create('NoteInGroup', body));
  });

  test('so is one of the bits of a record, with what they were and what they became', async () => {
    await change(`/api/notes/${ids.owned}`, { permission: read.owner });
    await app.audit();
    await change(`/api/notes/${ids.owned}`, { permission: read.everybody });
    await change(`/api/notes/${ids.owned}`, { text: 'owned' });
    expect((await app.audit()).filter(({ event }) => event === 'rights.changed')).toMatchObject([
      {
        resource_type: 'Note',
        record_id: ids.owned,
        detail: { before: { permission: read.owner }, after: { permission: read.everybody } },
      },
    ]);
  });
});

describe('every reader knows it', () => {
  const ask = async (at: string, body: object) =>
    (await app.request({ as: 'admin', method: 'POST', url: `/access/v1/${at}`, body })).body;
  const subject = () => ({ type: 'user', id: 'stranger' });
  const question = () => ({ subject: subject(), action: { name: 'read' }, resource: { type: 'Note', id: ids.owned } });
  const names = (found: { readonly results: readonly { readonly id: string }[] }) => found.results.map(({ id }) => id);

  test.each([
    ['permitted', read.everybody, true],
    ['not permitted', read.group, false],
  ] as const)('%s', async (_, permission, allowed) => {
    await app.database.pool.query('update bits.note set permission = $1', [read.everybody]);
    await permitType(permission);
    expect(await ask('evaluation', question())).toEqual({ decision: allowed });
    const resources = await ask('search/resource', { ...question(), resource: { type: 'Note' } });
    expect(names(resources)).toEqual(allowed ? [ids.owned, ids.ownerless].sort() : []);
    const people = await ask('search/subject', { ...question(), subject: { type: 'user' } });
    expect(people.results).toHaveLength(allowed ? 4 : 2);
    const { results } = await ask('search/action', { ...question(), action: undefined });
    expect(results.map(({ name }: { name: string }) => name)).toEqual(allowed ? ['list', 'read'] : []);
    const { missing } = await ask('explanation', question());
    expect(missing.join('; ')).toMatch(allowed ? /^$/ : /of the type Note/);
    const rights = await app.request({ as: 'stranger', url: '/access/v1/rights' });
    expect(Object.keys(rights.body.verdicts).includes('Note read')).toBe(allowed);
  });
});

test('a program is told by what stands now, about guests as well', async () => {
  const key = { name: 'door', trusted: false, expiresAt: null };
  const { key: token } = await createServiceKey(app.installation, 'bits', key);
  const ask = async () => {
    const subject = { type: 'guest', id: '' };
    const body = { subject, action: { name: 'read' }, resource: { type: 'Note', id: ids.owned } };
    const url = '/bits/access/v1/evaluation';
    const headers = { authorization: `Bearer ${token}` };
    return (await elsewhere.server.inject({ method: 'POST', url, headers, payload: body })).json();
  };
  await app.database.pool.query('update bits.note set permission = $1', [read.everybody]);
  await permitType(read.everybody);
  expect(await ask()).toEqual({ decision: true });
  await permitType(read.group);
  expect(await ask()).toEqual({ decision: false });
});

test('what is listed is what can be read and found, whatever the bits', { timeout: 60_000 }, async () => {
  const permission = fc.integer({ min: 0, max: 255 });
  const maybe = fc.option(permission);
  const tried = fc.record({
    type: permission,
    link: maybe,
    notes: fc.tuple(permission, permission),
    links: fc.tuple(maybe, maybe),
  });
  const { pool } = app.database;
  const notes = ['owned', 'ownerless'] as const;
  await fc.assert(
    fc.asyncProperty(tried, async ({ type, link, notes: own, links }) => {
      await pool.query('update bits.kind set permission = $1', [type]);
      await pool.query('update bits.kind_in_group set permission = $1', [link]);
      for (const [index, name] of notes.entries()) {
        await pool.query('update bits.note set permission = $1 where id = $2', [own[index], ids[name]]);
        await pool.query('update bits.note_in_group set permission = $1 where note_id = $2', [links[index], ids[name]]);
      }
      for (const as of EVERYBODY) {
        const listed = await seen(as);
        for (const [index, name] of notes.entries()) {
          const answer = await app.request({ ...(as === undefined ? {} : { as }), url: `/api/notes/${ids[name]}` });
          expect(answer.status === 200, `${as ?? 'a guest'} reads ${name}`).toBe(listed.includes(name));
          const has = (mask: number, bits: number | null | undefined) => ((bits ?? 0) & mask) !== 0;
          const level = (bits: number | undefined, joined: number | null | undefined, owns: boolean) =>
            has(read.everybody, bits) ||
            (owns && has(read.owner, bits)) ||
            (as === 'member' && has(read.group, joined ?? bits));
          const expected =
            as === 'admin' ||
            (level(type, link, as === 'owner') && level(own[index], links[index], as === 'owner' && name === 'owned'));
          expect(listed.includes(name), `${as ?? 'a guest'} and ${name}`).toBe(expected);
        }
      }
    }),
    { numRuns: 15 },
  );
});
