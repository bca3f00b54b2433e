import {
  equal,
  type Fields,
  integer,
  json,
  model,
  policy,
  reference,
  resource,
  rules,
  text,
  texts,
} from '@ostiary/policy';
import {
  type Application,
  type Database,
  type Installation,
  inTransaction,
  openDatabase,
  openInstallation,
  SchemaError,
  System,
} from '@ostiary/server';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Transaction } from '../src/storage/database.js';
import { query } from '../src/storage/query.js';
import { lockMigrations } from '../src/storage/schema.js';
import { clockAt, ISSUER, SECRET_KEY, START } from './support/application.js';
import { type TestDatabase, testDatabase } from './support/cluster.js';

let data: TestDatabase;
let opened: Database[];

beforeEach(async () => {
  data = await testDatabase();
  opened = [];
});
afterEach(async () => {
  for (const database of opened) await database.close();
  await data.drop();
});

/** An application with one type of record beside its users, which has these fields. */
function shop(fields: Fields, more: Fields = {}, orders: readonly string[] = []): Application {
  const vocabulary = model({
    name: 'shop',
    title: 'Shop',
    principals: { user: 'User' },
    resources: {
      User: resource({ fields: { login: text({ unique: true }) } }),
      Item: resource({
        fields: { name: text(), ...fields } as { name: ReturnType<typeof text> },
        orders: orders as readonly 'name'[],
      }),
      ...(Object.keys(more).length > 0 ? { Extra: resource({ fields: more }) } : {}),
    },
  });
  const always = policy(vocabulary, [
    rules(vocabulary, 'Item', ({ me, allow }) => [
      allow('keeper', {
        says: 'A keeper keeps.',
        source: 'the tests',
        actions: 'every',
        when: equal(me.user.login, 'keeper'),
      }),
    ]),
  ]);
  return {
    policy: always,
    personas: {},
    logins: {},
    tokens: { algorithm: 'HS256', lifetimeSeconds: 60 },
    administrator: { kind: 'user', values: {} },
  };
}

function connect(): Database {
  const database = openDatabase(data.config);
  opened.push(database);
  return database;
}

async function open(
  application: Application,
  environment: Readonly<Record<string, string>> = { SECRET_KEY },
): Promise<Installation> {
  return openInstallation({
    database: connect(),
    runtime: clockAt(START),
    applications: [application],
    issuer: ISSUER,
    production: true,
    environment,
    demo: false,
  });
}

async function create(installation: Installation, values: object): Promise<string> {
  const context = installation.contexts.get('shop');
  if (context === undefined) throw new TypeError('the shop is closed');
  return inTransaction(context, (transaction) => new System(context, transaction).create('Item', { ...values }));
}

const columns = async (): Promise<readonly string[]> => {
  const { rows } = await data.pool.query(
    `select column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') as line
       from information_schema.columns where table_schema = 'shop' and table_name = 'item' order by ordinal_position`,
  );
  return rows.map((row) => String(row.line).trim());
};

/** Everything in the catalogue that a migration could touch. */
async function catalogue(): Promise<unknown> {
  const { rows } = await data.pool.query(
    `select 'column' as what, attrelid::regclass::text || '.' || attname || ' ' || atttypid || attnotnull as line, attnum::text as x
       from pg_attribute join pg_class on pg_class.oid = attrelid where relnamespace in ('shop'::regnamespace, 'ostiary'::regnamespace) and relkind in ('r', 'v')
     union all select 'trigger', tgname || tgrelid::regclass, tgargs::text from pg_trigger where not tgisinternal
     union all select 'index', indexname, indexdef from pg_indexes where schemaname in ('shop', 'ostiary')
     union all select 'constraint', conname || conrelid::regclass, pg_get_constraintdef(oid) from pg_constraint where connamespace = 'shop'::regnamespace
     order by 1, 2, 3`,
  );
  return rows;
}

describe('an application’s tables follow its model', () => {
  test('opening it again changes nothing', async () => {
    await create(await open(shop({ price: integer({ default: 3 }) })), { name: 'a' });
    const before = await catalogue();
    await open(shop({ price: integer({ default: 3 }) }));
    expect(await catalogue()).toEqual(before);
  });

  test('a start that is refused for its secret makes nothing', async () => {
    for (const environment of [{}, { SECRET_KEY: 'short' }]) {
      await expect(open(shop({}), environment)).rejects.toThrow(/SECRET_KEY is (missing|too short): set/);
    }
    expect((await data.pool.query(`select to_regnamespace('ostiary') as made`)).rows).toEqual([{ made: null }]);
  });

  test('four servers that start at once on an empty database make one', async () => {
    await Promise.all(Array.from({ length: 4 }, () => open(shop({ price: integer({ default: 3 }) }))));
    const { rows } = await data.pool.query('select count(*)::int as n from ostiary.installation');
    expect(rows).toEqual([{ n: 1 }]);
  });

  test('a server that looked, and then waited for another to make something, sees it', async () => {
    const { db } = connect();
    const look = async (transaction: Transaction): Promise<unknown> => {
      const [found] = await query(transaction, `select to_regnamespace('made')::text as made`);
      return found?.made;
    };
    const locksWaitedFor = `select 1 from pg_locks join pg_database d on d.oid = database
      where datname = current_database() and locktype = 'advisory' and not granted`;
    await db.transaction().execute(async (transaction) => {
      expect(await look(transaction)).toBeNull();
      const waiting = await db.transaction().execute(async (other) => {
        await lockMigrations(other);
        await query(other, 'create schema made');
        const locking = lockMigrations(transaction);
        await expect.poll(async () => query(other, locksWaitedFor), { timeout: 10_000 }).toHaveLength(1);
        return { locking };
      });
      await waiting.locking;
      expect(await look(transaction)).toBe('made');
    });
  });

  test('a new field that is optional, or has a default, is added to the records that there are', async () => {
    const id = await create(await open(shop({})), { name: 'a' });
    await open(
      shop({
        note: text({ optional: true }),
        price: integer({ default: 7 }),
        label: text({ default: "it's" }),
        options: json({ default: [] }),
        words: texts({ default: ["it's", 'a "word"'] }),
      }),
    );
    const { rows } = await data.pool.query('select note, price, label, options, words from shop.item where id = $1', [
      id,
    ]);
    expect(rows).toEqual([{ note: null, price: 7, label: "it's", options: [], words: ["it's", 'a "word"'] }]);
  });

  test('a new field that is required is refused where there are records, and nothing is changed', async () => {
    await create(await open(shop({})), { name: 'a' });
    const before = await catalogue();
    const attempt = open(shop({ more: text({ optional: true }), price: integer() }));
    await expect(attempt).rejects.toThrow(SchemaError);
    await expect(attempt).rejects.toThrow(/Item\.price is new and required/);
    expect(await catalogue()).toEqual(before);
  });

  test('and taken where there are none', async () => {
    await open(shop({}));
    await open(shop({ price: integer() }));
    expect(await columns()).toContain('price integer NO');
  });

  test('a field that changed its type is refused, in words for a person', async () => {
    const id = await create(await open(shop({ price: text() })), { name: 'a', price: 'much' });
    await expect(open(shop({ price: integer() }))).rejects.toThrow(
      /Item\.price is stored as text, but the model says integer/,
    );
    expect((await data.pool.query('select price from shop.item where id = $1', [id])).rows).toEqual([
      { price: 'much' },
    ]);
  });

  test('a field that the model has no longer keeps its data, and new records do without', async () => {
    const id = await create(await open(shop({ price: integer() })), { name: 'a', price: 5 });
    await create(await open(shop({})), { name: 'b' });
    expect((await data.pool.query('select price from shop.item where id = $1', [id])).rows).toEqual([{ price: 5 }]);
  });

  test('a field that became optional may be left out', async () => {
    await open(shop({ price: integer() }));
    await create(await open(shop({ price: integer({ optional: true }) })), { name: 'b' });
    expect((await data.pool.query('select price from shop.item')).rows).toEqual([{ price: null }]);
  });

  test('a field that became required is refused where it is missing, and taken where it is not', async () => {
    const installation = await open(shop({ price: integer({ optional: true }) }));
    const id = await create(installation, { name: 'a' });
    await expect(open(shop({ price: integer() }))).rejects.toThrow(SchemaError);
    await data.pool.query('update shop.item set price = 1 where id = $1', [id]);
    await open(shop({ price: integer() }));
    expect(await columns()).toContain('price integer NO');
  });

  test('a field that became unique is refused where values repeat, without repeating them', async () => {
    const installation = await open(shop({ code: text() }));
    await create(installation, { name: 'a', code: 'confidential' });
    await create(installation, { name: 'b', code: 'confidential' });
    const error = await open(shop({ code: text({ unique: true }) })).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SchemaError);
    expect((error as Error).message).toMatch(/Item\.code/);
    expect((error as Error).message).not.toContain('confidential');
  });

  test('a new type, and a reference to it', async () => {
    await open(shop({}));
    await open(shop({ extraId: reference('Extra', { optional: true }) }, { title: text() }));
    expect(await columns()).toContain('extra_id uuid YES');
    await expect(
      data.pool.query(
        `insert into shop.item (id, created_at, updated_at, name, extra_id) values (gen_random_uuid(), now(), now(), 'a', gen_random_uuid())`,
      ),
    ).rejects.toThrow(/foreign key/);
  });

  test('names that are alike until PostgreSQL would cut them', async () => {
    const long = (end: string) => `${'a'.repeat(60)}${end}`;
    const field = () => reference('Extra', { optional: true });
    const unique = () => text({ unique: true, optional: true });
    const fields = { [long('1')]: field(), [long('2')]: field(), [long('3')]: unique(), [long('4')]: unique() };
    await open(shop(fields, { title: text() }));
    const found = (await catalogue()) as readonly { readonly what: string; readonly line: string }[];
    const of = (what: string) => found.filter(({ what: found, line }) => found === what && /item[._]aaa/.test(line));
    expect(of('index'), 'two references and two unique fields have an index each').toHaveLength(4);
    expect(of('constraint'), 'two references have a foreign key each').toHaveLength(2);
  });

  test('indexes whose words would make one name are all there, and those that were made under other names stay', async () => {
    const site = () => reference('Extra', { optional: true });
    const model = () => shop({ siteName: text(), site: site() }, { title: text() }, ['siteName', 'name', 'site']);
    const indexed = async () => {
      const { rows } = await data.pool.query(
        `select indexname || substring(indexdef from ' USING.*') as line from pg_indexes
         where schemaname = 'shop' and tablename = 'item' order by 1`,
      );
      return rows.map(({ line }) => line);
    };
    await open(model());
    const expected = [
      'item.name.order USING btree (name, id)',
      'item.site.id USING btree (site, id)',
      'item.site.name.order USING btree (site, name, id)',
      'item.site.site_name.order USING btree (site, site_name, id)',
      'item.site_name.order USING btree (site_name, id)',
      'item_pkey USING btree (id)',
    ];
    expect(await indexed()).toEqual(expected);

    // As a version left them that named both `item_site_name_order`.
    await data.pool.query(`
      alter index shop."item.site_name.order" rename to item_site_name_order;
      alter index shop."item.site.id" rename to item_site_id;
      drop index shop."item.site.name.order";
      comment on schema shop is 'made by that version';
      comment on table shop.item is null`);
    await open(model());
    expect(await indexed()).toEqual(
      expected
        .map((line) =>
          line.replace('item.site_name.order', 'item_site_name_order').replace('item.site.id', 'item_site_id'),
        )
        .toSorted(),
    );
  });
});
