import {
  all,
  boolean,
  choice,
  date,
  equal,
  instant,
  model,
  not,
  policy,
  reference,
  resource,
  rules,
  text,
} from '@ostiary/policy';
import { type Application, DEMO_PASSWORD } from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JsonBody, openApplication, START, type TestApplication } from './support/application.js';

/** Ships, and who serves on them: nothing else leads from one to the other, so that a list comes from the posts alone. */
const harbour = model({
  name: 'harbour',
  title: 'Harbour',
  principals: { sailor: 'Sailor' },
  resources: {
    Sailor: resource({ fields: { login: text({ unique: true }), password: text({ secret: true, minLength: 8 }) } }),
    Ship: resource({ fields: { name: text(), docked: boolean({ default: false }) } }),
    Post: resource({
      fields: {
        shipId: reference('Ship'),
        sailorId: reference('Sailor'),
        role: choice(['captain', 'mate', 'cook']),
        from: instant({ optional: true }),
        lastDay: date({ optional: true }),
        suspended: boolean({ default: false }),
      },
    }),
  },
  roles: { Ship: ['captain', 'mate'] },
  implications: { 'Ship captain': ['Ship mate'] },
  grants: [
    {
      in: 'Post',
      holder: 'sailorId',
      role: { field: 'role', is: { captain: 'captain', mate: 'mate' } },
      on: { scope: 'Ship', field: 'shipId' },
      from: 'from',
      until: 'lastDay',
      unless: ['suspended'],
    },
  ],
});

const SOURCE = 'the tests';
const application: Application = {
  policy: policy(harbour, [
    rules(harbour, 'Ship', ({ it, allow, holds }) => [
      allow('captain', {
        says: 'A captain reads their ships.',
        source: SOURCE,
        actions: ['read'],
        when: holds('Ship captain', it.id),
      }),
      allow('mate', {
        says: 'A mate reads their ships at sea.',
        source: SOURCE,
        actions: ['read'],
        when: all(holds('Ship mate', it.id), not(equal(it.docked, true))),
      }),
    ]),
  ]),
  logins: { sailor: { login: 'login', password: 'password', path: '/auth/login' } },
  tokens: { algorithm: 'ES256', lifetimeSeconds: 2 * 24 * 60 * 60 },
  administrator: { kind: 'sailor', values: {} },
  demo: {
    accounts: [],
    load: async (seed) => {
      for (const login of ['few', 'many', 'other']) await seed.create('Sailor', { login, password: DEMO_PASSWORD });
    },
  },
};

interface Post {
  readonly name: string;
  readonly docked: boolean;
  readonly role: string;
  readonly starts: string | null;
  readonly ends: string | null;
  readonly suspended: boolean;
}

let app: TestApplication;

/** The most scopes that a list would send along, and one more; on some of the ships there are two posts, or none that counts. */
const SHIPS = { few: 100, many: 101 } as const;
type Login = keyof typeof SHIPS;

beforeAll(async () => {
  app = await openApplication(application);
  for (const [login, count] of Object.entries({ ...SHIPS, other: 30 })) {
    await app.database.pool.query(
      `with ship as (
         insert into harbour.ship (id, created_at, updated_at, name, docked)
         select gen_random_uuid(), now(), now(), $1::text || n % 10, n % 3 = 0 from generate_series(1, $2::int + 20) n returning id),
       numbered as (select id, row_number() over (order by id) as n from ship),
       sailor as (select id from harbour.sailor where login = $1::text)
       insert into harbour.post (id, created_at, updated_at, ship_id, sailor_id, role, "from", last_day, suspended)
       select gen_random_uuid(), now(), now(), numbered.id, sailor.id,
         case when n > $2 and n % 4 = 0 then 'cook' when n % 5 = 1 then 'mate' else 'captain' end,
         case when n > $2 and n % 4 = 1 then $3::timestamptz + interval '12 hours' when n % 5 = 0 then $3::timestamptz end,
         case when n > $2 and n % 4 = 2 then $3::date - 1 when n % 7 = 0 then $3::date end,
         n > $2 and n % 4 = 3
       from numbered cross join sailor cross join generate_series(0, 1) twice where twice = 0 or n % 3 = 0`,
      [login, count, START.toISOString()],
    );
  }
});
afterAll(() => app?.close());

/** The names and ids of the ships that somebody may read, worked out post by post. */
async function served(login: Login): Promise<readonly { readonly id: string; readonly name: string }[]> {
  const { rows } = await app.database.pool.query(
    `select ship.id, name, docked, role, "from"::text::timestamptz as starts, (last_day + 1)::text as ends, suspended
       from harbour.post join harbour.ship on ship.id = ship_id join harbour.sailor on sailor.id = sailor_id
       where login = $1 order by ship.id`,
    [login],
  );
  const now = app.clock.now();
  const counts = ({ starts, ends, suspended, role, docked }: Post) =>
    !suspended &&
    (starts === null || new Date(starts) <= now) &&
    (ends === null || now < new Date(`${ends}T00:00:00Z`)) &&
    (role === 'captain' || (role === 'mate' && !docked));
  return [...new Map(rows.filter((row) => counts(row as Post)).map(({ id, name }) => [id, { id, name }])).values()];
}

async function listed(login: Login, query: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let cursor = ''; ; ) {
    const answer = await app.request({ as: login, url: `/api/ships?limit=9${query}${cursor}` });
    expect(answer.status, answer.text).toBe(200);
    ids.push(...answer.body.items.map((item: JsonBody) => item.id));
    if (answer.body.next === null) return ids;
    cursor = `&cursor=${answer.body.next}`;
  }
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

const LOGINS = Object.keys(SHIPS) as Login[];
const SORTS = ['', '&sort=id', '&sort=-id', '&sort=name', '&sort=-name'];

// In the order of time, which does not go back.
describe.each([0, 13, 24])('what is granted on records themselves, %i hours later', (hours) => {
  beforeAll(() => app.clock.set(new Date(START.getTime() + hours * 60 * 60 * 1000)));

  test.each(LOGINS.flatMap((login) => SORTS.map((sort) => ({ login, sort }))))(
    'is what a list has, page by page: $login$sort',
    async ({ login, sort }) => {
      const sign = sort.includes('-') ? -1 : 1;
      const byName = sort.endsWith('name');
      const wanted = (await served(login)).toSorted(
        (a, b) => sign * ((byName ? byText(a.name, b.name) : 0) || byText(a.id, b.id)),
      );
      expect(wanted.length).toBeGreaterThan(50);
      expect(await listed(login, sort)).toEqual(wanted.map(({ id }) => id));
    },
  );

  test.each(LOGINS)('is filtered by what the caller asks, and gone with the post: %s', async (login) => {
    const wanted = await served(login);
    const named = wanted.filter(({ name }) => name === `${login}3`).map(({ id }) => id);
    expect(await listed(login, `&name=${login}3`)).toEqual(named);
    const [gone] = wanted;
    await app.database.pool.query('delete from harbour.post where ship_id = $1', [gone?.id]);
    expect(await listed(login, '')).toEqual(wanted.slice(1).map(({ id }) => id));
  });
});
