import { inTransaction, makeAdministrator } from '@ostiary/server';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestAnswer } from '../../../packages/server/test/support/application.js';
import { EVERYTHING, permission } from '../src/bits.js';
import { type Notes, openNotes, type Who } from './notes.js';
import { idIn, rowIn, sendRow } from './rows.js';

let notes: Notes;
beforeAll(async () => {
  notes = await openNotes();
});
afterAll(() => notes?.app.close());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const send = (who: Who, method: Method, url: string, body?: object): Promise<TestAnswer> =>
  sendRow(notes.app, { ...notes.as(who), method, url, ...(body === undefined ? {} : { body }) });
const world = (name: string) => notes.app.idOf('world', 'table_name', name);
const group = (name: string) => notes.app.idOf('usergroup', 'name', name);
const isAdministrator = async (who: Who) => (await send(who, 'GET', '/api/oauth_connect')).status === 200;

describe('nobody gives themselves rights', () => {
  const ownedBy = (who: Who) => ({ user_account_id: notes.ids[who] || notes.ids.stranger });
  const NOT: readonly Who[] = ['guest', 'owner', 'member', 'stranger'];
  const RIGHTS: readonly (readonly [string, (who: Who) => Promise<readonly [Method, string, object?]>])[] = [
    ['opens an entity', async () => ['PATCH', `/api/world/${await world('note')}`, { permission: EVERYTHING }]],
    [
      'opens the table of entities',
      async () => ['PATCH', `/api/world/${await world('world')}`, { permission: EVERYTHING }],
    ],
    ['takes an entity', async (who) => ['PATCH', `/api/world/${await world('note')}`, ownedBy(who)]],
    [
      'takes an action',
      async (who) => ['PATCH', `/api/action/${await notes.app.idOf('action', 'action_name', 'signup')}`, ownedBy(who)],
    ],
    [
      'takes the group of administrators',
      async (who) => ['PATCH', `/api/usergroup/${await group('administrators')}`, ownedBy(who)],
    ],
    ['closes an entity', async () => ['DELETE', `/api/world/${await world('note')}`]],
    ['declares an entity', async () => ['POST', '/api/world', { table_name: 'mine', schema: {} }]],
    [
      'changes what new rows may be done with',
      async () => ['PATCH', `/api/world/${await world('user_account')}`, { default_permission: EVERYTHING }],
    ],
    [
      'gives a group an entity',
      async () => ['POST', '/api/world_usergroup', { world_id: await world('note'), usergroup_id: notes.ids.crew }],
    ],
    ['writes an action', async () => ['POST', '/api/action', { action_name: 'mine', world_id: await world('note') }]],
    [
      'opens an action',
      async () => [
        'PATCH',
        `/api/action/${await notes.app.idOf('action', 'action_name', 'signup')}`,
        { permission: EVERYTHING },
      ],
    ],
    [
      'adds a provider',
      async () => ['POST', '/api/oauth_connect', { name: 'evil', client_id: 'x', allow_login: true }],
    ],
    [
      'becomes an administrator',
      async (who) => [
        'POST',
        '/api/user_account_usergroup',
        { user_account_id: notes.ids[who] || notes.ids.stranger, usergroup_id: await group('administrators') },
      ],
    ],
    ['makes another group of administrators', async () => ['POST', '/api/usergroup', { name: 'administrators' }]],
    [
      'opens the group of administrators',
      async () => ['PATCH', `/api/usergroup/${await group('administrators')}`, { permission: EVERYTHING }],
    ],
    [
      'opens the group of users',
      async () => ['PATCH', `/api/usergroup/${await group('users')}`, { permission: EVERYTHING }],
    ],
    [
      'makes an account',
      async () => [
        'POST',
        '/api/user_account',
        { name: 'x', email: 'x@example.org', password: 'correct horse battery' },
      ],
    ],
    [
      'sets the password of another',
      async () => ['PATCH', `/api/user_account/${notes.ids.administrator}`, { password: 'correct horse battery' }],
    ],
  ];

  test.each(RIGHTS)('%s', async (_, ask) => {
    for (const who of NOT) {
      const before = await notes.app.fingerprint();
      const [method, url, body] = await ask(who);
      const { status, text } = await send(who, method, url, body);
      expect([403, 409], `${who}: ${text}`).toContain(status);
      expect(await notes.app.fingerprint(), `${who} changed something`).toBe(before);
      expect(await isAdministrator(who)).toBe(false);
    }
  });

  test('a name that is taken is the one conflict among these, and a fixed one the one mistake', async () => {
    expect((await send('stranger', 'POST', '/api/usergroup', { name: 'administrators' })).status).toBe(409);
    const url = `/api/usergroup/${await group('administrators')}`;
    expect((await send('administrator', 'PATCH', url, { name: 'others' })).status).toBe(422);
  });
});

describe('the group of administrators', () => {
  test('is never deleted, and its members do everything from their next request on, and no longer than they are in it', async () => {
    expect((await send('administrator', 'DELETE', `/api/usergroup/${await group('administrators')}`)).status).toBe(403);
    expect(await isAdministrator('stranger')).toBe(false);
    const member = { user_account_id: notes.ids.stranger, usergroup_id: await group('administrators') };
    const made = await send('administrator', 'POST', '/api/user_account_usergroup', member);
    expect(made.status, made.text).toBe(201);
    expect(await isAdministrator('stranger')).toBe(true);
    await send('administrator', 'DELETE', `/api/user_account_usergroup/${idIn(made)}`);
    expect(await isAdministrator('stranger')).toBe(false);
  });

  test('has whom a set-up link makes', async () => {
    const { app } = notes;
    const values = { name: 'First', email: 'first@example.org', password: 'correct horse battery' };
    await inTransaction(app.context, (transaction) => makeAdministrator(app.context, transaction, values));
    await app.login('first@example.org', values.password);
    expect((await app.request({ as: 'first@example.org', url: '/api/oauth_connect' })).status).toBe(200);
  });
});

describe('what is one’s own', () => {
  test('has its owner from who makes it, its permission from its entity, and the default groups of that', async () => {
    const [entity, crew] = [await world('note'), notes.ids.crew];
    await notes.permitType(EVERYTHING);
    const defaults = {
      default_permission: permission('UserRead', 'UserUpdate', 'GroupRead'),
      default_group_ids: [crew],
    };
    expect((await send('administrator', 'PATCH', `/api/world/${entity}`, defaults)).status).toBe(200);
    const made = await send('stranger', 'POST', '/api/note', { title: 'mine' });
    expect(rowIn(made)).toMatchObject({ user_account_id: notes.ids.stranger, permission: defaults.default_permission });
    const url = `/api/note/${idIn(made)}`;
    expect((await send('member', 'GET', url)).status, 'the crew reads it').toBe(200);
    expect((await send('owner', 'GET', url)).status, 'others do not').toBe(403);
    const guests = await send('guest', 'POST', '/api/note', { title: 'left' });
    expect(guests.status).toBe(201);
    const left = await send('administrator', 'GET', `/api/note/${idIn(guests)}`);
    expect(rowIn(left).user_account_id, 'a guest owns nothing').toBe(null);
    expect((await send('guest', 'GET', `/api/note/${idIn(guests)}`)).status).toBe(403);

    for (const field of ['permission', 'user_account_id']) {
      const body = { title: 'mine', [field]: field === 'permission' ? EVERYTHING : notes.ids.owner };
      expect([403, 422], field).toContain((await send('stranger', 'POST', '/api/note', body)).status);
    }
    expect((await send('stranger', 'PATCH', url, { permission: EVERYTHING })).status, 'its owner opens it').toBe(200);
    expect((await send('owner', 'GET', url)).status).toBe(200);
  });

  test('is not what a group may close to itself: who updates a row could still, as it will be', async () => {
    await notes.permitType(EVERYTHING);
    await notes.permitNote('owned', permission('GroupRead', 'GroupUpdate'), null);
    const url = `/api/note/${notes.ids.owned}`;
    const change = (bits: number) => send('member', 'PATCH', url, { permission: bits });
    expect((await change(0)).status).toBe(403);
    expect((await change(permission('GroupRead'))).status).toBe(403);
    expect((await change(permission('GroupUpdate'))).status).toBe(200);
  });

  test('a group is of who makes it, and its members see it', async () => {
    const made = await send('stranger', 'POST', '/api/usergroup', { name: 'reading circle' });
    expect(rowIn(made)).toMatchObject({ user_account_id: notes.ids.stranger, permission: 65408 });
    const url = `/api/usergroup/${idIn(made)}`;
    expect((await send('owner', 'GET', url)).status).toBe(403);
    const join = { user_account_id: notes.ids.stranger, usergroup_id: idIn(made) };
    expect((await send('stranger', 'POST', '/api/user_account_usergroup', join)).status).toBe(201);
    const others = { user_account_id: notes.ids.owner, usergroup_id: idIn(made) };
    expect((await send('stranger', 'POST', '/api/user_account_usergroup', others)).status, 'nobody is drawn in').toBe(
      403,
    );
    expect((await send('owner', 'POST', '/api/user_account_usergroup', others)).status, 'nor comes unasked').toBe(403);
    await send('stranger', 'PATCH', url, { permission: 65408 | permission('GuestRefer') });
    expect((await send('owner', 'POST', '/api/user_account_usergroup', others)).status, 'an open group').toBe(201);
    expect((await send('owner', 'GET', url)).status).toBe(200);
  });

  test('an account is its own, and tells neither its password nor what others write of it', async () => {
    const url = `/api/user_account/${notes.ids.stranger}`;
    expect(rowIn(await send('stranger', 'GET', url))).toMatchObject({ email: 'stranger@example.org' });
    expect((await send('stranger', 'GET', url)).text).not.toContain('password');
    expect((await send('owner', 'GET', url)).status).toBe(403);
    expect((await send('stranger', 'PATCH', url, { name: 'Stranger' })).status).toBe(200);
  });
});

describe('a row’s link to a group', () => {
  beforeEach(async () => {
    await notes.permitType(EVERYTHING);
    await notes.permitNote('owned', permission('UserRead', 'UserUpdate', 'UserRefer'));
  });
  const linkOf = async () => {
    const { rows } = await notes.app.database.pool.query('select id from daptin.note_usergroup where note_id = $1', [
      notes.ids.owned,
    ]);
    return `/api/note_usergroup/${rows[0].id}`;
  };
  const reads = async (who: Who) => (await send(who, 'GET', `/api/note/${notes.ids.owned}`)).status === 200;

  test('has a permission of its own, which decides where it is set', async () => {
    const url = await linkOf();
    expect(await reads('member')).toBe(false);
    expect((await send('administrator', 'PATCH', url, { permission: permission('GroupRead') })).status).toBe(200);
    expect(await reads('member')).toBe(true);
    await notes.permitNote('owned', permission('GroupRead'), 0);
    expect(await reads('member'), 'the row permits it, but its link does not').toBe(false);
    await notes.permitNote('owned', permission('GroupRead'), null);
    expect(await reads('member')).toBe(true);
  });

  test('is written by who may update the row and refer to the group', async () => {
    const club = await send('owner', 'POST', '/api/usergroup', { name: 'club' });
    const body = { note_id: notes.ids.owned, usergroup_id: idIn(club) };
    expect((await send('stranger', 'POST', '/api/note_usergroup', body)).status, 'not their note').toBe(403);
    const crew = { note_id: notes.ids.owned, usergroup_id: await group('users') };
    expect((await send('owner', 'POST', '/api/note_usergroup', crew)).status, 'not their group').toBe(403);
    const bits = await send('owner', 'POST', '/api/note_usergroup', { ...body, permission: EVERYTHING });
    expect(bits.status, 'bits come afterwards').toBe(403);
    const made = await send('owner', 'POST', '/api/note_usergroup', body);
    expect(made.status, made.text).toBe(201);
    const url = `/api/note_usergroup/${idIn(made)}`;
    expect((await send('owner', 'PATCH', url, { permission: permission('GroupRead') })).status).toBe(200);
    expect((await send('stranger', 'DELETE', url)).status).toBe(403);
    expect((await send('owner', 'DELETE', url)).status).toBe(204);
  });
});

test('an action is executed by who may execute it, and on the entity that it is on', async () => {
  const ask = async (who: Who, action_name: string) => {
    const subject = who === 'guest' ? { type: 'guest', id: '' } : { type: 'user', id: notes.ids[who] };
    const id = await notes.app.idOf('action', 'action_name', action_name);
    const body = { subject, action: { name: 'execute' }, resource: { type: 'action', id } };
    return (await send('administrator', 'POST', '/access/v1/evaluation', body)).body.decision;
  };
  expect([await ask('guest', 'signin'), await ask('guest', 'signup')]).toEqual([true, false]);
  const entity = `/api/world/${await world('user_account')}`;
  const was = Number(rowIn(await send('administrator', 'GET', entity)).permission);
  await send('administrator', 'PATCH', entity, { permission: was & ~permission('GuestExecute') });
  expect(await ask('guest', 'signin'), 'guests may execute nothing on accounts').toBe(false);
  expect(await ask('administrator', 'signin')).toBe(true);
  await send('administrator', 'PATCH', entity, { permission: was });
  const signup = `/api/action/${await notes.app.idOf('action', 'action_name', 'signup')}`;
  await send('administrator', 'PATCH', signup, { permission: 2085152 });
  expect(await ask('guest', 'signup'), 'opened by its permission').toBe(true);
});

describe('an entity that an administrator declares', () => {
  const schema = { columns: [{ name: 'text', kind: 'text' }] };

  test('is open to users at once, with their own rows', async () => {
    const made = await send('administrator', 'POST', '/api/world', { table_name: 'diary', schema });
    expect(made.status, made.text).toBe(201);
    const entry = await send('stranger', 'POST', '/api/diary', { text: 'Today.' });
    expect(rowIn(entry), entry.text).toMatchObject({ permission: 2097057, user_account_id: notes.ids.stranger });
    const url = `/api/diary/${idIn(entry)}`;
    expect((await send('stranger', 'GET', url)).status).toBe(200);
    expect((await send('owner', 'GET', url)).status).toBe(403);
    expect((await send('guest', 'POST', '/api/diary', { text: 'Mine.' })).status).toBe(403);
  });

  test('is refused with its reason where it is not sound, and then nothing is made', async () => {
    const before = await notes.app.fingerprint();
    const wrong = { table_name: 'wrong', schema: { columns: [{ name: 'text', kind: 'words' }] } };
    const { status, body } = await send('administrator', 'POST', '/api/world', wrong);
    expect([status, body.errors[0].detail]).toEqual([
      422,
      expect.stringContaining("world 'wrong', column 'text' has no kind"),
    ]);
    const none = await send('administrator', 'POST', '/api/world', { table_name: 'wrong' });
    expect(none.status, none.text).toBe(403);
    expect(none.text).toContain('An entity is declared with a schema');
    expect(await notes.app.fingerprint()).toBe(before);
  });
});
