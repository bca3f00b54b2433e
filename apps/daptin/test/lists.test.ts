import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVERYTHING, permission } from '../src/bits.js';
import { type Notes, openNotes, WHO, type Who } from './notes.js';

let notes: Notes;
beforeAll(async () => {
  notes = await openNotes();
});
afterAll(() => notes?.app.close());

const TITLES = ['owned', 'ownerless'] as const;

/** What somebody sees in a list, by title: 'whole', or 'id' where there is no more. */
async function listed(who: Who): Promise<Readonly<Record<string, string>>> {
  const { app, ids } = notes;
  const { status, body } = await app.request({ ...notes.as(who), url: '/api/note' });
  expect([200, 403]).toContain(status);
  const rows: readonly { readonly id: string; readonly attributes?: { readonly title?: string } }[] = body.data ?? [];
  return Object.fromEntries(
    rows.map((row) => {
      const title = TITLES.find((each) => ids[each] === row.id) ?? 'another';
      const isWhole = row.attributes?.title !== undefined;
      if (!isWhole) expect(Object.keys(row).sort(), 'the identifier alone').toEqual(['id', 'type']);
      return [title, isWhole ? 'whole' : 'id'];
    }),
  );
}

test('what is listed is what can be peeked at, and its content what can be read', { timeout: 120_000 }, async () => {
  const bits = fc.oneof(
    fc.integer({ min: 0, max: EVERYTHING }),
    fc
      .uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 5 })
      .map((all) => all.reduce((sum, n) => sum + 2 ** n, 0)),
  );
  const level = fc.record({ own: bits, link: fc.option(bits) });
  const { app, ids } = notes;
  await fc.assert(
    fc.asyncProperty(level, level, level, async (type, owned, ownerless) => {
      await notes.permitType(type.own, type.link);
      await notes.permitNote('owned', owned.own, owned.link);
      await notes.permitNote('ownerless', ownerless.own, ownerless.link);
      for (const who of WHO) {
        const seen = await listed(who);
        for (const title of TITLES) {
          const { status } = await app.request({ ...notes.as(who), url: `/api/note/${ids[title]}` });
          expect(status === 200, `${who} reads ${title}`).toBe(seen[title] === 'whole');
          const subject = who === 'guest' ? { type: 'guest', id: '' } : { type: 'user', id: ids[who] };
          const body = { subject, action: { name: 'list' }, resource: { type: 'note', id: ids[title] } };
          const asked = { ...notes.as('administrator'), method: 'POST', url: '/access/v1/evaluation', body } as const;
          expect((await app.request(asked)).body, `${who} lists ${title}`).toEqual({ decision: title in seen });
        }
      }
    }),
    { numRuns: 12 },
  );
});

test('who may only peek learns nothing of the content: not by a filter, not by an order', async () => {
  const { app, as, permitType, permitNote, ids } = notes;
  await permitType(permission('GuestPeek'));
  await permitNote('owned', permission('GuestPeek', 'UserRead'));
  await permitNote('ownerless', 0);
  expect(await listed('stranger')).toEqual({ owned: 'id' });
  expect((await app.request({ ...as('stranger'), url: `/api/note/${ids.owned}` })).status).toBe(403);
  for (const query of ['filter[title]=owned', 'filter[title]=other', 'sort=title', 'filter[permission]=0']) {
    const { status, body } = await app.request({ ...as('stranger'), url: `/api/note?${query}` });
    expect([status, body.data], query).toEqual([200, []]);
  }
  expect((await app.request({ ...as('owner'), url: '/api/note?filter[title]=owned' })).body.data).toHaveLength(1);
});

const inGroup = 'you are in a group for which the entity note has GroupUpdate';
const inGroupOfIt = 'you are in a group of it for which it has GroupUpdate';
test.each<[Who, string, string]>([
  ['stranger', `one of: the entity note has GuestUpdate; ${inGroup}`, `one of: it has GuestUpdate; ${inGroupOfIt}`],
  [
    'owner',
    `one of: the entity note has UserUpdate; the entity note has GuestUpdate; ${inGroup}`,
    `one of: it has UserUpdate; it has GuestUpdate; ${inGroupOfIt}`,
  ],
  ['guest', 'the entity note has GuestUpdate', 'it has GuestUpdate'],
])('which bit is missing is said: to the %s', async (who, onEntity, onRow) => {
  const { app, as, permitType, permitNote, ids } = notes;
  const subject = who === 'guest' ? { type: 'guest', id: '' } : { type: 'user', id: ids[who] };
  const body = { subject, action: { name: 'update' }, resource: { type: 'note', id: ids.owned } };
  const missing = async () =>
    (await app.request({ ...as('administrator'), method: 'POST', url: '/access/v1/explanation', body })).body.missing;
  await permitType(permission('GuestPeek'));
  await permitNote('owned', EVERYTHING);
  expect(await missing()).toEqual([onEntity]);
  await permitType(EVERYTHING);
  await permitNote('owned', 0);
  expect(await missing()).toEqual([onRow]);
});
