import { application as openDataCapture } from '@ostiary/open-data-capture';
import { decide, type Principal } from '@ostiary/policy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, type TestAnswer, type TestApplication } from './support/application.js';
import { trials } from './support/trials.js';

const COUNT = 60;
const COLOURS = ['red', 'green', 'blue', null];

let app: TestApplication;
let rows: readonly JsonBody[];

beforeAll(async () => {
  app = await openApplication(trials);
  const projectId = await app.idOf('Project', 'name', 'Alpha');
  // Few different values, so that many are the same, and every fourth missing.
  await app.seed(async (system) => {
    for (let index = 0; index < COUNT; index += 1) {
      await system.create('Sample', {
        projectId,
        label: `l${String((index * 7) % 20).padStart(2, '0')}`,
        rank: index % 4 === 0 ? null : (index * 13) % 9,
        weight: index % 5 === 0 ? null : ((index * 11) % 7) / 2 - 1,
        takenOn: index % 6 === 0 ? null : `2026-01-${String(1 + (index % 9)).padStart(2, '0')}`,
        takenAt: index % 7 === 0 ? null : `2026-01-01T0${index % 5}:30:00.${index % 2 ? '000' : '500'}Z`,
        colour: COLOURS[index % 4],
        sealed: index % 3 === 0,
        tags: index % 2 ? ['odd'] : index % 4 ? ['even', 'half'] : [],
      });
    }
  });
  rows = await everyPage('/api/samples', 200);
});
afterAll(() => app?.close());

const get = (url: string, as = 'director'): Promise<TestAnswer> => app.request({ as, url });

async function everyPage(url: string, limit: number, between?: () => Promise<void>): Promise<JsonBody[]> {
  const items: JsonBody[] = [];
  let next: string | null = null;
  do {
    const cursor: string = next === null ? '' : `&cursor=${encodeURIComponent(next)}`;
    const answer = await get(`${url}${url.includes('?') ? '&' : '?'}limit=${limit}${cursor}`);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body.items.length).toBeLessThanOrEqual(limit);
    items.push(...answer.body.items);
    next = answer.body.next;
    await between?.();
  } while (next !== null);
  return items;
}

const FIELDS = [
  'id',
  'createdAt',
  'updatedAt',
  'projectId',
  'label',
  'rank',
  'weight',
  'takenOn',
  'takenAt',
  'colour',
  'sealed',
];

/** The order of PostgreSQL: by code points, false before true, what is missing last. */
function compare(a: JsonBody, b: JsonBody): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -1 : 1;
}

describe('every page in turn gives each record once, in order', () => {
  const sorts = FIELDS.flatMap((field) => [field, `-${field}`]);

  test.each(sorts)('sorted by %s', async (sort) => {
    const field = sort.replace('-', '');
    const sign = sort.startsWith('-') ? -1 : 1;
    const wanted = rows.toSorted((a, b) => sign * (compare(a[field], b[field]) || compare(a.id, b.id)));
    const found = await everyPage(`/api/samples?sort=${sort}`, 7);
    expect(found.map((item) => [item[field], item.id])).toEqual(wanted.map((item) => [item[field], item.id]));
  });

  test.each(['label', '-rank', 'id', '-takenAt', ''])('sorted by %s, while records come and go', async (sort) => {
    const projectId = await app.idOf('Project', 'name', 'Beta');
    const made: string[] = [];
    const found = await everyPage(`/api/samples${sort === '' ? '' : `?sort=${sort}`}`, 9, async () => {
      await app.seed(async (system) => {
        made.push(await system.create('Sample', { projectId, label: 'l10', rank: 4, takenAt: '2026-01-01T02:30:00Z' }));
        made.push(await system.create('Sample', { projectId, label: 'zz', rank: null }));
      });
    });
    const ids = found.map((item) => item.id);
    expect(new Set(ids).size, 'a record came twice').toBe(ids.length);
    expect(ids.filter((id) => !made.includes(id)).toSorted()).toEqual(rows.map((item) => item.id).toSorted());
    await app.database.pool.query('delete from trials.note where sample_id = any($1)', [made]);
    await app.database.pool.query('delete from trials.sample where id = any($1)', [made]);
  });

  test('a page has at most 200 records, and 50 where nothing is asked', async () => {
    expect((await get('/api/samples')).body.items).toHaveLength(50);
    expect((await get('/api/samples?limit=200')).body.items).toHaveLength(rows.length);
    const refused = await get('/api/samples?limit=201');
    expect([refused.status, refused.body.code]).toEqual([422, 'invalid_input']);
    expect(refused.body.errors).toEqual([{ pointer: '/limit', message: 'is at most 200' }]);
    const all = await get(`/api/samples?limit=${rows.length}`);
    expect(all.body.next, 'the last page says that there is another').toBeNull();
  });

  test('a cursor is good for its own order alone', async () => {
    const { next } = (await get('/api/samples?sort=label&limit=5')).body;
    expect((await get(`/api/samples?sort=rank&cursor=${next}`)).body.code).toBe('invalid_cursor');
    expect((await get(`/api/samples?sort=-label&cursor=${next}`)).body.code).toBe('invalid_cursor');
    expect((await get(`/api/samples?sort=label&cursor=${next}`)).status).toBe(200);
  });
});

describe('a filter lets through what it would in memory', () => {
  const cases = FIELDS.filter((field) => !['id', 'createdAt', 'updatedAt'].includes(field)).flatMap((field) =>
    ['is', 'lt', 'le', 'gt', 'ge', 'in', 'null'].map((operator) => ({ field, operator })),
  );
  const offered = (field: string, operator: string) => {
    const kinds = { projectId: 'is in', label: 'is lt le gt ge in', colour: 'is in null', sealed: 'is' };
    return (kinds[field as keyof typeof kinds] ?? 'is lt le gt ge in null').split(' ').includes(operator);
  };

  test.each(cases)('$field $operator', async ({ field, operator }) => {
    const values = [...new Set(rows.map((row) => row[field]).filter((value) => value !== null))].slice(0, 5);
    if (!offered(field, operator)) {
      expect((await get(`/api/samples?${field}[${operator}]=x`)).body.code).toBe('invalid_input');
      return;
    }
    const holds: Readonly<Record<string, (a: JsonBody, b: JsonBody) => boolean>> = {
      is: (a, b) => a === b,
      lt: (a, b) => a !== null && a < b,
      le: (a, b) => a !== null && a <= b,
      gt: (a, b) => a !== null && a > b,
      ge: (a, b) => a !== null && a >= b,
    };
    const ask = async (text: string) => {
      const key = operator === 'is' ? field : `${field}[${operator}]`;
      const answer = await get(`/api/samples?limit=200&${key}=${encodeURIComponent(text)}`);
      expect(answer.status, answer.text).toBe(200);
      return answer.body.items.map((item: JsonBody) => item.id);
    };
    const wanted = (keep: (row: JsonBody) => boolean) => rows.filter(keep).map((row) => row.id);
    if (operator === 'null') {
      expect(await ask('true')).toEqual(wanted((row) => row[field] === null));
      expect(await ask('false')).toEqual(wanted((row) => row[field] !== null));
    } else if (operator === 'in') {
      expect(await ask(values.join(','))).toEqual(wanted((row) => values.includes(row[field])));
    } else {
      for (const value of values) {
        expect(await ask(String(value))).toEqual(wanted((row) => holds[operator]?.(row[field], value) === true));
      }
    }
  });

  test('a set is filtered by an element; several filters all hold', async () => {
    const tagged = (await get('/api/samples?limit=200&tags=half')).body.items;
    expect(tagged.map((item: JsonBody) => item.id)).toEqual(
      rows.filter((row) => row.tags.includes('half')).map((row) => row.id),
    );
    const both = (await get('/api/samples?limit=200&colour=red&rank[ge]=3&sort=-rank')).body.items;
    expect(both.length).toBeLessThan(rows.length);
    for (const item of both) expect(item.colour === 'red' && item.rank >= 3).toBe(true);
  });
});

describe('a list is what the rules say of each record', () => {
  let odc: TestApplication;
  const choose = <T>(from: readonly T[], seed: number): T => from[seed % from.length] as T;

  beforeAll(async () => {
    odc = await openApplication(openDataCapture);
  });
  afterAll(() => odc?.close());

  test('for users of all sorts, and every type of Open Data Capture', async () => {
    const { model } = openDataCapture.policy;
    const groupIds = (await odc.request({ as: 'admin', url: '/api/groups' })).body.items.map(
      (item: JsonBody) => item.id,
    );
    const types = Object.keys(model.resources).filter((type) => model.resources[type]?.source === undefined);
    const people: string[] = [];
    await odc.seed(async (system) => {
      for (let index = 0; index < 24; index += 1) {
        const additionalPermissions = Array.from({ length: index % 3 }, (_, entry) => {
          const resource = choose(types, index + entry * 4);
          const group = resource !== 'Instrument' && (index + entry) % 2 ? { group: choose(groupIds, index) } : {};
          return { action: choose(['read', 'manage', 'update'], index + entry), resource, ...group };
        });
        const username = `random-${index}`;
        await system.create('User', {
          username,
          firstName: 'R',
          lastName: 'U',
          password: 'ostiary-demo',
          basePermissionLevel: choose(['GROUP_MANAGER', 'STANDARD', null, null], index >> 1),
          groupIds: groupIds.filter((_: string, bit: number) => (index >> (bit + 1)) & 1),
          additionalPermissions,
        });
        people.push(username);
      }
      const [groupId] = groupIds;
      const subjectId = await system.create('Subject', { groupIds });
      await system.create('Subject', {});
      await system.create('Session', { date: '2026-01-01T00:00:00Z', type: 'REMOTE', subjectId });
      await system.create('Session', { date: '2026-01-01T00:00:00Z', type: 'REMOTE', subjectId, groupId });
      await system.create('InstrumentRepo', { name: 'of all', url: 'https://x.example', groupIds });
    });
    let listed = 0;
    for (const username of people) {
      const id = await odc.idOf('User', 'username', username);
      const who = (await odc.context.principals.load(odc.installation.database.db, 'user', id)) as Principal;
      const now = { now: odc.clock.now().toISOString() };
      for (const type of types) {
        const everything = await readAll(odc, type);
        const wanted = everything.filter(
          (facts) => decide(openDataCapture.policy, who, 'list', type, facts, now).allowed,
        );
        const collection = openDataCapture.policy.model.resources[type]?.collection ?? collectionName(type);
        const answer = await odc.request({ as: username, url: `/api/${collection}?limit=200` });
        const found = answer.status === 403 ? [] : answer.body.items.map((item: JsonBody) => item.id);
        expect(found, `${username} lists ${type}: ${answer.text.slice(0, 300)}`).toEqual(
          wanted.map(({ id: one }) => one),
        );
        listed += found.length;
      }
    }
    expect(listed, 'the random users see too little to tell anything').toBeGreaterThan(300);
  });

  test.each(['', '?sort=id', '?sort=name', '?sort=-createdAt&limit=5'])(
    'of what nobody lets them reach, a list is empty in every order: %j',
    async (asked) => {
      const as = 'in-no-group';
      const values = { username: as, firstName: 'N', lastName: 'G', password: 'ostiary-demo' };
      await odc.seed(async (system) => {
        const known = await system.find('User', { username: as });
        if (known.length === 0) await system.create('User', { ...values, basePermissionLevel: 'GROUP_MANAGER' });
      });
      const { status, body, text } = await odc.request({ as, url: `/api/groups${asked}` });
      expect([status, body], text).toEqual([200, { items: [], next: null }]);
    },
  );
});

const collectionName = (type: string): string => `${type.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase()}s`;

/** Every record of a type as the rules look at it, read without the records' own loader. */
async function readAll(odc: TestApplication, type: string): Promise<JsonBody[]> {
  const table = collectionName(type).replaceAll('-', '_').slice(0, -1);
  const { rows: found } = await odc.database.pool.query(
    `select to_jsonb(t) as record from open_data_capture.${table} t order by id`,
  );
  const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const records = found.map((row: JsonBody) =>
    Object.fromEntries(Object.entries(row.record).map(([name, value]) => [camel(name), value])),
  );
  const follow = async (name: string, target: string, field: string, column: string) => {
    const { rows: targets } = await odc.database.pool.query(
      `select id, ${column} as value from open_data_capture.${target}`,
    );
    for (const record of records)
      record[`${name}.${field}`] = targets.find(({ id }: JsonBody) => id === record[name])?.value ?? null;
  };
  if (['Session', 'InstrumentRecord', 'Assignment'].includes(type))
    await follow('subjectId', 'subject', 'groupIds', 'group_ids');
  if (type === 'InstrumentRecordFile') await follow('recordId', 'instrument_record', 'groupId', 'group_id');
  return records;
}
