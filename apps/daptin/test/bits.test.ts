import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BITS, bitNames, DEFAULT_PERMISSION, EVERYTHING, GROUP_CRUD, GUEST_CRUD, USER_CRUD } from '../src/bits.js';
import { BEGINS } from '../src/initial.js';
import { type Notes, openNotes, WHO, type Who } from './notes.js';
import { sendRow } from './rows.js';
import { ACTIONS, type Action, type Ask, engine, LEVELS, tableOf } from './table.js';

const GOLDEN = new URL('bits.golden.md', import.meta.url);
let notes: Notes;

beforeAll(async () => {
  notes = await openNotes();
});
afterAll(() => notes?.app.close());

test('bits have the values that Daptin gives them', () => {
  expect(Object.values(BITS)).toEqual(Array.from({ length: 21 }, (_, index) => 2 ** index));
  expect([GUEST_CRUD, USER_CRUD, GROUP_CRUD, DEFAULT_PERMISSION, EVERYTHING]).toEqual([
    95, 12160, 1556480, 2097057, 2097151,
  ]);
  expect([BEGINS.action?.default_permission, bitNames(561441)]).toEqual([
    2085120,
    ['GuestPeek', 'GuestExecute', 'UserRead', 'UserExecute', 'GroupRead', 'GroupExecute'],
  ]);
});

/** The accepted table of a level, without columns that are not asked for. */
async function accepted(title: string, actions: readonly Action[]): Promise<readonly string[]> {
  const text = await readFile(GOLDEN, 'utf8').catch(() => '');
  const [, part = ''] = text.split(`## ${title}\n`);
  const lines = part.split('\n## ')[0]?.trim().split('\n') ?? [];
  const kept = [0, ...actions.map((action) => ACTIONS.indexOf(action) + 1)];
  const columns = (line: string) => line.slice(2, -2).split(' | ');
  return [`## ${title}`, '', ...lines.map((line) => `| ${kept.map((index) => columns(line)[index]).join(' | ')} |`)];
}

test('the engine says what the table says', async () => {
  const parts: string[] = [
    '# What each bit lets whom do',
    '',
    'With an owned row, of whose group one is a member: **g**uest, **o**wner, **m**ember, **s**tranger. An administrator may',
    'always. `list` shows that a row is there, and what `read` allows shows what is in it. This is computed from the rules;',
    'after a change that is meant: `OSTIARY_ACCEPT=1 npx vitest run apps/daptin/test/bits.test.ts`.',
    '',
  ];
  for (const level of LEVELS) {
    parts.push(...(await tableOf(level, ACTIONS, (type, row) => engine(notes, type, row))), '');
  }
  const computed = parts.join('\n');
  if (process.env.OSTIARY_ACCEPT === '1') await writeFile(GOLDEN, computed);
  expect(computed).toBe(await readFile(GOLDEN, 'utf8').catch(() => ''));
});

test.each(LEVELS)('the decision API says so: $title', async (level) => {
  const { app, ids } = notes;
  const asked = WHO.flatMap((who) => ACTIONS.map((action) => ({ who, action })));
  const asker = async (type: number, row: number): Promise<Ask> => {
    await notes.permitType(type);
    await notes.permitNote('owned', row);
    const evaluations = asked.map(({ who, action }) => ({
      subject: who === 'guest' ? { type: 'guest', id: '' } : { type: 'user', id: ids[who] },
      action: { name: action },
      resource: { type: 'note', id: ids.owned },
    }));
    const url = '/access/v1/evaluations';
    const answer = await app.request({ ...notes.as('administrator'), method: 'POST', url, body: { evaluations } });
    expect(answer.status, answer.text).toBe(200);
    const decisions = answer.body.evaluations as readonly { readonly decision: boolean }[];
    const found = new Map(asked.map(({ who, action }, index) => [`${who} ${action}`, decisions[index]?.decision]));
    return async (who, action) => found.get(`${who} ${action}`) === true;
  };
  expect(await tableOf(level, ACTIONS, asker)).toEqual(await accepted(level.title, ACTIONS));
});

test.each(LEVELS.slice(1))('HTTP says so: $title', { timeout: 120_000 }, async (level) => {
  const asker = async (type: number, row: number): Promise<Ask> => {
    await notes.permitType(type);
    await notes.permitNote('owned', row);
    return overHttp;
  };
  expect(await tableOf(level, ACTIONS, asker)).toEqual(await accepted(level.title, ACTIONS));
});

/** Asks by the request that would do it. A write that is allowed is refused for the version that it names. */
async function overHttp(who: Who, action: Action): Promise<boolean> {
  const { app, ids } = notes;
  const url = `/api/note/${ids.owned}`;
  const headers = { 'if-match': '"0"' };
  const send = async (request: Parameters<typeof app.request>[0], allowed: number) => {
    const answer = await sendRow(app, { ...notes.as(who), ...request });
    expect([allowed, 403], `${who} ${action}: ${answer.text}`).toContain(answer.status);
    return { allowed: answer.status === allowed, body: answer.body };
  };
  switch (action) {
    case 'list': {
      const { allowed, body } = await send({ url: '/api/note?page[size]=1' }, 200);
      return allowed && body.data.some(({ id }: { readonly id: string }) => id === ids.owned);
    }
    case 'read':
      return (await send({ url }, 200)).allowed;
    case 'create':
      return (await send({ method: 'POST', url: '/api/note', body: { title: 'made' } }, 201)).allowed;
    case 'update':
      return (await send({ method: 'PATCH', url, body: { title: 'owned' }, headers }, 412)).allowed;
    case 'delete':
      return (await send({ method: 'DELETE', url, headers }, 412)).allowed;
    case 'refer': {
      const task = await app.seed((system) => system.create('task', { permission: EVERYTHING }));
      const body = { data: { type: 'note', id: ids.owned } };
      return (await send({ method: 'PATCH', url: `/api/task/${task}/relationships/note_id`, body }, 204)).allowed;
    }
    case 'execute':
      return (
        await send({ method: 'POST', url: '/action/note/touch', body: { attributes: { note_id: ids.owned } } }, 200)
      ).allowed;
  }
}
