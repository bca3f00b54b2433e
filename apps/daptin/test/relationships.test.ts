import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TestAnswer } from '../../../packages/server/test/support/application.js';
import { type BitName, EVERYTHING, permission } from '../src/bits.js';
import { type Notes, openNotes, type Who } from './notes.js';
import { codeIn, idIn, rowIn, sendRow } from './rows.js';

let notes: Notes;
beforeAll(async () => {
  notes = await openNotes();
});
beforeEach(async () => {
  await notes.permitType(EVERYTHING);
  await notes.permitNote('owned', EVERYTHING);
  await permitEntity('task', EVERYTHING);
});
afterAll(() => notes?.app.close());

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
const send = (who: Who, method: Method, url: string, body?: object): Promise<TestAnswer> =>
  sendRow(notes.app, { ...notes.as(who), method, url, ...(body === undefined ? {} : { body }) });

const permitEntity = async (name: string, bits: number) => {
  const id = await notes.app.idOf('world', 'table_name', name);
  await notes.app.seed((system) => system.update('world', id, { permission: bits }));
};
/** Sets what may be done with an account, whose own bits stay. */
const openAccount = (who: Who, ...bits: readonly BitName[]) =>
  notes.app.seed((system) =>
    system.update('user_account', notes.ids[who as 'owner'], { permission: 16289 | permission(...bits) }),
  );
/** A task that everybody may do everything with. */
const newTask = (note_id: string | null = null) =>
  notes.app.seed((system) => system.create('task', { note_id, permission: EVERYTHING }));
const identifier = (type: string, id: string) => ({ type, id });

describe('a relationship at its own address', () => {
  const change = (who: Who, task: string, note: string | null) =>
    send(who, 'PATCH', `/api/task/${task}/relationships/note_id`, {
      data: note === null ? null : identifier('note', note),
    });

  test.each<[string, readonly BitName[], number]>([
    ['Peek, Update and Refer', ['GuestPeek', 'GuestUpdate', 'GuestRefer'], 204],
    ['Read in place of Peek', ['GuestRead', 'GuestUpdate', 'GuestRefer'], 204],
    ['no Refer', ['GuestPeek', 'GuestUpdate'], 403],
    ['no Peek', ['GuestUpdate', 'GuestRefer'], 403],
    ['no Update', ['GuestPeek', 'GuestRefer'], 403],
  ])('is changed where the entity of its row has %s', async (_, bits, status) => {
    await permitEntity('task', permission(...bits));
    for (const who of ['guest', 'stranger'] as const) {
      const answer = await change(who, await newTask(), notes.ids.owned);
      expect(answer.status, answer.text).toBe(status);
    }
  });

  test('needs no Refer on the entity of its row where the row itself is written', async () => {
    await permitEntity('task', permission('GuestPeek', 'GuestUpdate'));
    const url = `/api/task/${await newTask()}`;
    expect((await send('stranger', 'PATCH', url, { note_id: notes.ids.owned })).status).toBe(200);
  });

  test.each<[string, number, number, number]>([
    ['the entity and the row', permission('GuestRefer'), permission('GuestRefer'), 204],
    ['the row alone', 0, permission('GuestRefer'), 403],
    ['the entity alone', permission('GuestRefer'), 0, 403],
  ])('is set, and emptied, with Refer on %s that it leads to', async (_, onType, onRow, status) => {
    const [empty, full] = [await newTask(), await newTask(notes.ids.owned)];
    await notes.permitType(onType | permission('GuestPeek'));
    await notes.permitNote('owned', onRow);
    const before = await notes.app.fingerprint();
    expect((await change('stranger', empty, notes.ids.owned)).status).toBe(status);
    expect((await change('stranger', full, null)).status).toBe(status);
    if (status === 403) expect(await notes.app.fingerprint(), 'a refused change wrote something').toBe(before);
  });

  test('to groups: is added to, and taken from, with Update on the row and Refer on the group', async () => {
    const url = `/api/note/${notes.ids.owned}/relationships/usergroups`;
    const club = idIn(await send('owner', 'POST', '/api/usergroup', { name: 'rowers' }));
    const data = [identifier('usergroup', club)];
    const ways = async (who: Who) => [
      (await send(who, 'POST', url, { data })).status,
      (await send(who, 'DELETE', url, { data })).status,
    ];
    expect(await ways('owner')).toEqual([204, 204]);
    // What is not there is not taken away, so it is put there first.
    await send('owner', 'POST', url, { data });
    expect((await send('stranger', 'DELETE', url, { data })).status, 'no Refer on the group').toBe(403);
    await send('owner', 'DELETE', url, { data });
    expect((await send('stranger', 'POST', url, { data })).status, 'no Refer on the group').toBe(403);
    await notes.permitNote('owned', EVERYTHING & ~permission('UserUpdate', 'GuestUpdate', 'GroupUpdate'));
    expect((await send('owner', 'POST', url, { data })).status, 'no Update on the row').toBe(403);
    await notes.permitNote('owned', EVERYTHING);
    await notes.permitType(EVERYTHING & ~permission('UserRefer', 'GuestRefer', 'GroupRefer'));
    expect((await send('owner', 'POST', url, { data })).status, 'no Refer on the entity').toBe(403);
  });

  test.each<[string, readonly BitName[], number]>([
    ['Read', ['GuestRead'], 200],
    ['Peek alone', ['GuestPeek'], 403],
    ['nothing', [], 403],
  ])('is read as the row is: with %s', async (_, bits, status) => {
    await notes.permitType(permission('GuestPeek'));
    await notes.permitNote('owned', permission(...bits));
    const at = `/api/note/${notes.ids.owned}`;
    for (const address of [at, `${at}/relationships/user_account_id`, `${at}/relationships/usergroups`]) {
      expect((await send('stranger', 'GET', address)).status, address).toBe(status);
    }
  });
});

describe('the owner of a row', () => {
  const GUEST = permission('GuestRead', 'GuestUpdate');
  const own = () => notes.app.seed((system) => system.create('note', { title: 'Handed on', ...bits(GUEST) }));
  const bits = (of: number) => ({ permission: of, user_account_id: notes.ids.owner });
  const give = (who: Who, note: string, to: Who | null) =>
    send(who, 'PATCH', `/api/note/${note}`, { user_account_id: to === null ? null : notes.ids[to] });
  const ownerOf = async (note: string) => {
    const owner = rowIn(await send('administrator', 'GET', `/api/note/${note}`)).user_account_id;
    return (['owner', 'stranger', 'member'] as const).find((who) => notes.ids[who] === owner) ?? owner;
  };

  beforeEach(async () => {
    for (const who of ['owner', 'stranger', 'member'] as const) await openAccount(who);
  });

  test.each<[string, Who, readonly Who[], Who | null, number]>([
    ['is another, who lets itself be referred to', 'owner', ['stranger'], 'stranger', 200],
    ['is not another who does not', 'owner', [], 'stranger', 403],
    ['is nobody any more', 'owner', [], null, 200],
    ['is not robbed', 'stranger', [], 'stranger', 403],
    ['is not robbed for nobody', 'stranger', [], null, 403],
    ['lets it be taken, by an account that is open', 'stranger', ['owner'], 'stranger', 200],
    ['is changed by an administrator', 'administrator', [], 'member', 200],
  ])('%s', async (_, who, open, to, status) => {
    const note = await own();
    for (const each of open) await openAccount(each, 'GuestRefer');
    const answer = await give(who, note, to);
    expect(answer.status, answer.text).toBe(status);
    expect(await ownerOf(note)).toBe(status === 200 ? to : 'owner');
  });

  test('is changed by who may update the row as it is and as it will be', async () => {
    const note = await own();
    for (const who of ['owner', 'stranger'] as const) await openAccount(who, 'GuestRefer');
    await notes.app.seed((system) => system.update('note', note, bits(permission('UserRead', 'UserUpdate'))));
    expect((await give('stranger', note, 'stranger')).status, 'as it is').toBe(403);
    expect((await give('owner', note, 'stranger')).status, 'as it will be').toBe(403);
    expect(await ownerOf(note)).toBe('owner');
  });

  test('is a relationship at an address of its own', async () => {
    const note = await own();
    await openAccount('stranger', 'GuestRefer');
    const url = `/api/note/${note}/relationships/user_account_id`;
    const data = identifier('user_account', notes.ids.stranger);
    expect((await send('owner', 'PATCH', url, { data })).status).toBe(204);
    expect(await ownerOf(note)).toBe('stranger');
    expect((await send('stranger', 'PATCH', url, { data: null })).status).toBe(204);
    expect(await ownerOf(note)).toBe(null);
  });

  test('is never said at creation', async () => {
    for (const who of ['stranger', 'administrator'] as const) {
      const body = { title: 'For them', user_account_id: notes.ids.owner };
      expect(codeIn(await send(who, 'POST', '/api/note', body)), who).toBe('invalid_input');
    }
  });

  test('of an account is itself', async () => {
    const url = `/api/user_account/${notes.ids.stranger}`;
    expect(codeIn(await send('administrator', 'PATCH', url, { user_account_id: notes.ids.owner }))).toBe(
      'invalid_input',
    );
    const address = `${url}/relationships/user_account_id`;
    const data = identifier('user_account', notes.ids.owner);
    expect((await send('administrator', 'PATCH', address, { data })).status).toBe(404);
  });

  test('of an elevated action is an administrator’s to say, whatever its bits are', async () => {
    await permitEntity('action', EVERYTHING);
    const world_id = await notes.app.idOf('world', 'table_name', 'note');
    const action = (elevated: boolean) =>
      notes.app.seed((system) =>
        system.create('action', {
          action_name: elevated ? 'theirs' : 'mine',
          world_id,
          elevated,
          permission: EVERYTHING,
          out_fields: [{ type: 'token' }],
        }),
      );
    const take = async (elevated: boolean) =>
      (
        await send('stranger', 'PATCH', `/api/action/${await action(elevated)}`, {
          user_account_id: notes.ids.stranger,
        })
      ).status;
    expect([await take(false), await take(true)]).toEqual([200, 403]);
  });

  test('of a group gives no more than updating it does: others join only where they may refer to it', async () => {
    const circle = idIn(await send('owner', 'POST', '/api/usergroup', { name: 'circle' }));
    const url = `/api/usergroup/${circle}`;
    expect((await send('stranger', 'PATCH', url, { user_account_id: notes.ids.stranger })).status).toBe(403);
    await openAccount('stranger', 'GuestRefer');
    expect(
      (await send('owner', 'PATCH', url, { user_account_id: notes.ids.stranger })).status,
      'not out of reach',
    ).toBe(403);
    const administrators = `/api/usergroup/${await notes.app.idOf('usergroup', 'name', 'administrators')}`;
    expect((await send('stranger', 'PATCH', administrators, { user_account_id: notes.ids.stranger })).status).toBe(403);
  });
});
