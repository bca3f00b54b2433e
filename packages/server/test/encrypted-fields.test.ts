import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { equal, type Field, ModelError, model, policy, resource, rules, text } from '@ostiary/policy';
import {
  type Application,
  backup,
  createTables,
  DEMO_PASSWORD,
  openDatabase,
  openField,
  openInstallation,
  reencrypt,
  restore,
  systemRuntime,
} from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, SECRET_KEY, type TestApplication } from './support/application.js';
import { Browser, PAGE, PUBLIC } from './support/browser.js';
import { testDatabase } from './support/cluster.js';
import { CLIENT, fakeProvider } from './support/fake-provider.js';

/** An application whose providers are records that its administrators write. */
const connecting = model({
  name: 'connecting',
  title: 'Connecting',
  principals: { user: 'User' },
  resources: {
    User: resource({
      fields: {
        login: text({ unique: true }),
        password: text({ secret: true }),
        email: text({ optional: true }),
        role: text({ default: 'none' }),
      },
    }),
    Connection: resource({
      fields: {
        name: text({ unique: true }),
        issuer: text(),
        clientId: text(),
        clientSecret: text({ encrypted: true, maxLength: 200 }),
        note: text({ encrypted: true, optional: true }),
      },
    }),
  },
});

const every = (type: 'User' | 'Connection') =>
  rules(connecting, type, ({ me, allow }) => [
    allow('admin', {
      says: 'Admins do everything.',
      source: 'tests',
      actions: 'every',
      when: equal(me.user.role, 'admin'),
    }),
  ]);

const application: Application = {
  policy: policy(connecting, [every('User'), every('Connection')]),
  logins: { user: { login: 'login', password: 'password', path: '/auth/login' } },
  administrator: { kind: 'user', values: { role: 'admin' } },
  signOn: {
    kind: 'user',
    email: 'email',
    async connections(context) {
      const { rows } = await context.database.pool.query(
        'select id, name, issuer, client_id from connecting.connection',
      );
      const settings = rows.map(async ({ id, name, issuer, client_id: clientId }) => {
        const clientSecret = await openField(context, context.database.db, 'Connection', id, 'clientSecret');
        return [name, { issuer, clientId, ...(clientSecret === null ? {} : { clientSecret }) }] as const;
      });
      return Object.fromEntries(await Promise.all(settings));
    },
  },
  demo: {
    accounts: [{ login: 'admin', says: 'an admin' }],
    load: async (seed) => {
      await seed.create('User', {
        login: 'admin',
        role: 'admin',
        email: 'ada@clinic.example',
        password: DEMO_PASSWORD,
      });
    },
  },
};

const SECRET = 'hush, the client secret';
let app: TestApplication;
beforeAll(async () => {
  app = await openApplication(application, { signOn: { url: PUBLIC, providers: [], returnTo: [PAGE] } });
});
afterAll(() => app.close());

const body = (name: string, more: object = {}) => ({
  name,
  issuer: 'https://login.example',
  clientId: 'us',
  clientSecret: SECRET,
  ...more,
});
const create = async (name: string, more: object = {}) => {
  const answer = await app.request({ as: 'admin', method: 'POST', url: '/api/connections', body: body(name, more) });
  expect(answer.status, answer.text).toBe(201);
  return { id: answer.body.id as string, answer };
};
const open = (id: string, field = 'clientSecret') =>
  openField(app.context, app.context.database.db, 'Connection', id, field);

test('is written, stored encrypted, and in no answer, list, document or audit entry', async () => {
  await app.audit();
  const { id, answer } = await create('written', { note: SECRET });
  const patched = await app.request({
    as: 'admin',
    method: 'PATCH',
    url: `/api/connections/${id}`,
    body: { note: `${SECRET}!` },
  });
  expect(patched.status, patched.text).toBe(200);
  const seen = [
    answer,
    patched,
    await app.request({ as: 'admin', url: `/api/connections/${id}` }),
    await app.request({ as: 'admin', url: '/api/connections' }),
  ];
  const { rows } = await app.database.pool.query('select t::text, client_secret from connecting.connection t');
  const stored = String(rows[0].client_secret);
  expect(stored).toMatch(/^[\w-]{12}\.[\w-]{60,}$/);
  const text = JSON.stringify([seen.map((each) => each.text), rows, await app.audit()]);
  expect(text).not.toContain(SECRET);
  for (const { text: shown } of seen) expect(shown).not.toContain(stored);
  expect(seen[2]?.body).not.toHaveProperty('clientSecret');
  expect(await open(id)).toBe(SECRET);
  expect(await open(id, 'note')).toBe(`${SECRET}!`);
  const record = (await app.request({ url: '/openapi.json' })).body.paths['/api/connections/{id}'].get;
  expect(JSON.stringify(record.responses)).not.toContain('clientSecret');
});

test.each(['clientSecret=x', 'clientSecret[in]=x', 'sort=clientSecret', 'sort=-note'])(
  'no list goes by it: %s',
  async (query) => {
    const answer = await app.request({ as: 'admin', url: `/api/connections?${query}` });
    expect([400, 422]).toContain(answer.status);
  },
);

test('can be changed, and taken away where it is optional; a wrong one changes nothing', async () => {
  const { id } = await create('changing', { note: 'a note' });
  const patch = (changes: object) =>
    app.request({ as: 'admin', method: 'PATCH', url: `/api/connections/${id}`, body: changes });
  expect((await patch({ clientSecret: 'another', note: null })).status).toBe(200);
  expect([await open(id), await open(id, 'note')]).toEqual(['another', null]);
  expect((await patch({ clientSecret: null })).status).toBe(422);
  expect((await patch({ clientSecret: 'x'.repeat(201) })).status).toBe(422);
  expect((await patch({ name: 'renamed' })).status).toBe(200);
  expect(await open(id)).toBe('another');
});

describe('is good in its place alone', () => {
  test('the same text is never stored in the same way, and none can be moved or changed', async () => {
    const [one, two] = [(await create('one', { note: SECRET })).id, (await create('two')).id];
    const column = async (id: string, name: string) =>
      (await app.database.pool.query(`select ${name} as it from connecting.connection where id = $1`, [id])).rows[0].it;
    const put = (id: string, value: string) =>
      app.database.pool.query('update connecting.connection set client_secret = $2 where id = $1', [id, value]);
    const [own, others] = [await column(one, 'client_secret'), await column(two, 'client_secret')];
    expect(others).not.toBe(own);
    const [key, sealed] = own.split('.') as [string, string];
    const flipped = Buffer.from(sealed, 'base64url');
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
    for (const forged of [
      others,
      await column(one, 'note'),
      `${key}.${flipped.toString('base64url')}`,
      `${key}.${sealed.slice(0, 20)}`,
      `${key}.`,
      'AAAAAAAAAAAA.AAAA',
      SECRET,
    ]) {
      await put(one, forged);
      await expect(open(one), forged).rejects.toThrow();
    }
    await put(one, own);
    expect(await open(one)).toBe(SECRET);
  });

  test('a field that is not encrypted can’t be opened', async () => {
    await expect(open('00000000-0000-7000-8000-000000000000', 'issuer')).rejects.toThrow(TypeError);
  });
});

test('a provider that is a record lets in, with its secret', async () => {
  const fake = await fakeProvider(() => app.clock.now());
  const { issuer } = fake.issuer();
  await create('there', { issuer, ...CLIENT });
  const browser = new Browser(app);
  const answer = await browser.back(fake.answer(await browser.start('there')), 'application/json');
  expect(answer.status, answer.text).toBe(200);
  const sent = new URLSearchParams(fake.requests.find(({ path }) => path === '/token')?.body);
  expect(sent.get('client_secret')).toBe(CLIENT.clientSecret);
  await fake.close();
});

describe('keys', () => {
  const NEW = 'a new secret for tests, of more than 32 characters';
  const reopen = (config: TestApplication['database']['config'], secrets: readonly string[]) =>
    openInstallation({
      database: openDatabase(config),
      runtime: systemRuntime,
      applications: [application],
      production: false,
      environment: {},
      fieldSecrets: async () => secrets,
      demo: false,
    });

  test.each([
    ['none', [], 'OSTIARY_SECRET_KEY is missing'],
    ['a short one', ['short'], 'OSTIARY_SECRET_KEY is too short'],
    ['another one', [NEW], 'is encrypted with a key that is not here'],
  ])('with %s the installation does not open', async (_, secrets, message) => {
    await create(`before ${message}`);
    await expect(reopen(app.database.config, secrets)).rejects.toThrow(message);
  });

  test('what a backup brings back can be read with the same key, and encrypted with a new one', async () => {
    const { id } = await create('kept');
    const out = new PassThrough();
    const [file] = await Promise.all([buffer(out), backup(app.database.pool, ['ostiary', 'connecting'], out)]);
    expect(file.includes(SECRET)).toBe(false);
    const other = await testDatabase();
    await restore(other.pool, Readable.from([file]), {
      createSchema: async () => {
        const database = openDatabase(other.config);
        await createTables(database, [application]).finally(() => database.close());
      },
    });
    const rotated = await reopen(other.config, [NEW, SECRET_KEY]);
    const context = rotated.contexts.get('connecting');
    if (context === undefined) throw new TypeError('it was not opened');
    expect(await reencrypt(context)).toBeGreaterThan(0);
    expect(await reencrypt(context), 'a second time there is nothing to do').toBe(0);
    await rotated.database.close();
    const after = await reopen(other.config, [NEW]);
    const there = after.contexts.get('connecting');
    expect(there && (await openField(there, after.database.db, 'Connection', id, 'clientSecret'))).toBe(SECRET);
    const { rows } = await other.pool.query(`select detail from ostiary.audit where event = 'keys.rotated'`);
    expect(rows).toMatchObject([{ detail: { purpose: 'fields' } }]);
    await after.database.close();
    await other.drop();
  });
});

describe('the model', () => {
  const withField = (field: Field<string, null, false>) => () =>
    model({ name: 'x', title: 'X', principals: {}, resources: { A: resource({ fields: { a: field } }) } });

  test.each([
    ['unique', text({ encrypted: true, unique: true })],
    ['with a default', text({ encrypted: true, default: 'x' })],
    ['readable', { ...text({ encrypted: true }), secret: false }],
  ])('refuses what is encrypted and %s', (_, field) => {
    expect(withField(field as Field<string, null, false>)).toThrow(ModelError);
  });

  test('no rule looks at what is secret', () => {
    expect(() =>
      policy(connecting, [
        rules(connecting, 'Connection', ({ it, allow }) => [
          allow('x', { says: 'x', source: 'x', actions: ['read'], when: equal(it.clientSecret, 'guess') }),
        ]),
      ]),
    ).toThrow('no rule can look at a secret field');
  });
});
