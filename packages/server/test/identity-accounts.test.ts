import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AccountKey,
  createAccount,
  createSetupLink,
  deleteAccount,
  hashPassword,
  redeemSetupLink,
  setDisabled,
  setLogin,
  setPassword,
} from '../src/identity/index.js';
import { type Runtime, systemRuntime } from '../src/runtime.js';
import { type Database, openDatabase, type Transaction } from '../src/storage/database.js';
import { PLATFORM_DDL } from '../src/storage/tables.js';
import { testDatabase } from './support/cluster.js';

let data: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
let time = Date.parse('2026-03-01T12:00:00.000Z');
const runtime: Runtime = { ...systemRuntime, now: () => new Date(time) };
const actor = { principal: { kind: 'user', id: runtime.id() }, requestId: 'request 1' };

beforeAll(async () => {
  data = await testDatabase({
    name: 'platform',
    setUp: async (pool) => {
      for (const statement of PLATFORM_DDL) await pool.query(statement);
    },
  });
  database = openDatabase(data.config);
  await data.pool.query(`insert into ostiary.application (name) values ('trials'), ('other')`);
});

afterAll(async () => {
  await database.close();
  await data.drop();
});

const inTransaction = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> => database.db.transaction().execute(work);

async function newAccount(login?: string, kind = 'user', application = 'trials'): Promise<AccountKey> {
  const account = { application, kind, principalId: runtime.id() };
  await inTransaction((tx) =>
    createAccount(tx, runtime, { ...account, ...(login === undefined ? {} : { login }) }, actor),
  );
  return account;
}

async function rightsVersion({ application, kind, principalId }: AccountKey): Promise<number> {
  const { rows } = await data.pool.query(
    `select rights_version from ostiary.account where application = $1 and kind = $2 and principal_id = $3`,
    [application, kind, principalId],
  );
  return Number(rows[0]?.rights_version);
}

async function eventsOf({ principalId }: AccountKey): Promise<string[]> {
  const { rows } = await data.pool.query(
    `select event from ostiary.audit where record_id = $1 and principal_id = $2 and request_id = $3 order by id`,
    [principalId, actor.principal.id, actor.requestId],
  );
  return rows.map((row: { event: string }) => row.event);
}

describe('accounts', () => {
  it('raise their rights version with each change, and are audited', async () => {
    const account = await newAccount('ada');
    const hash = await hashPassword('correct horse');
    const versions = [await rightsVersion(account)];
    for (const change of [
      (tx: Transaction) => setPassword(tx, runtime, account, hash, actor),
      (tx: Transaction) => setLogin(tx, runtime, account, 'ada.l', actor),
      (tx: Transaction) => setDisabled(tx, runtime, account, true, actor),
      (tx: Transaction) => setDisabled(tx, runtime, account, false, actor),
    ]) {
      await inTransaction(change);
      versions.push(await rightsVersion(account));
    }
    expect(versions, 'Raise rights_version in the statement that changes the account').toEqual([1, 2, 3, 4, 5]);
    expect(await eventsOf(account)).toEqual([
      'account.created',
      'account.password_changed',
      'account.login_changed',
      'account.disabled',
      'account.enabled',
    ]);
  });

  it("raise the application's rights version when they are deleted", async () => {
    const account = await newAccount('bob');
    const version = () => data.pool.query(`select rights_version from ostiary.application where name = 'trials'`);
    const before = (await version()).rows[0].rights_version;
    await inTransaction((tx) => deleteAccount(tx, runtime, account, actor));
    expect(Number((await version()).rows[0].rights_version)).toBe(Number(before) + 1);
    expect(await eventsOf(account)).toEqual(['account.created', 'account.deleted']);
    await newAccount('bob');
  });

  it('have logins that are unique for an application and a kind, upper and lower case apart', async () => {
    await newAccount('carol');
    await newAccount('Carol');
    await newAccount('carol', 'device');
    await newAccount('carol', 'user', 'other');
    await newAccount();
    await newAccount();
    const dave = await newAccount('dave');
    for (const take of [
      () => newAccount('carol'),
      () => inTransaction((tx) => setLogin(tx, runtime, dave, 'carol', actor)),
    ]) {
      const problem: unknown = await take().catch((error: unknown) => error);
      expect(problem).toMatchObject({ code: 'already_exists', details: {} });
      expect((problem as Error).cause, "PostgreSQL's message repeats the values: leave it behind").toBeUndefined();
    }
  });

  it('are one for each principal', async () => {
    const account = await newAccount();
    await expect(
      inTransaction((tx) => createAccount(tx, runtime, { ...account, login: 'second' }, actor)),
    ).rejects.toMatchObject({ code: 'already_exists' });
  });

  it.each(['', 'x'.repeat(257), 'a\0b', 'a\nb', '\ud800'])('refuse the login %j', async (login) => {
    await expect(newAccount(login)).rejects.toMatchObject({ code: 'invalid_input' });
  });

  it('that are not there cannot be changed', async () => {
    const nobody = { application: 'trials', kind: 'user', principalId: runtime.id() };
    const hash = await hashPassword('correct horse');
    for (const change of [
      (tx: Transaction) => setPassword(tx, runtime, nobody, hash, actor),
      (tx: Transaction) => setLogin(tx, runtime, nobody, 'nobody', actor),
      (tx: Transaction) => setDisabled(tx, runtime, nobody, true, actor),
      (tx: Transaction) => deleteAccount(tx, runtime, nobody, actor),
    ]) {
      await expect(inTransaction(change)).rejects.toMatchObject({ code: 'not_found' });
    }
    expect(await eventsOf(nobody)).toEqual([]);
  });
});

describe('set-up links', () => {
  const redeem = (token: string, application = 'trials') =>
    inTransaction((tx) => redeemSetupLink(tx, runtime, { application, token }));

  it('work once', async () => {
    const { token, expiresAt } = await createSetupLink({ database, runtime }, 'trials');
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(expiresAt.getTime() - time).toBe(86_400_000);
    await redeem(token);
    await expect(redeem(token)).rejects.toMatchObject({ code: 'invalid_setup_link', status: 403 });
  });

  it('work once, however many try at the same time', async () => {
    const { token } = await createSetupLink({ database, runtime }, 'trials');
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => redeem(token)));
    const good = results.filter(({ status }) => status === 'fulfilled');
    expect(good, 'Mark the link as used in the statement that checks it').toHaveLength(1);
  });

  it('are still good if what they were used for failed', async () => {
    const { token } = await createSetupLink({ database, runtime }, 'trials');
    const failing = inTransaction(async (tx) => {
      await redeemSetupLink(tx, runtime, { application: 'trials', token });
      throw new Error('no administrator was made');
    });
    await expect(failing).rejects.toThrow('no administrator');
    await redeem(token);
  });

  it('are refused when expired, unknown, or meant for another application', async () => {
    const { token } = await createSetupLink({ database, runtime }, 'trials', { validSeconds: 60 });
    for (const [shown, application] of [
      [token, 'other'],
      ['', 'trials'],
      [`${token}=`, 'trials'],
      ['\0', 'trials'],
    ] as const) {
      await expect(redeem(shown, application)).rejects.toMatchObject({ code: 'invalid_setup_link' });
    }
    time += 60_000;
    await expect(redeem(token)).rejects.toMatchObject({ code: 'invalid_setup_link' });
  });

  it('leave no token behind in the database', async () => {
    const { token } = await createSetupLink({ database, runtime }, 'trials');
    const { rows } = await data.pool.query(
      `select l::text as line from ostiary.setup_link l union all select a::text from ostiary.audit a`,
    );
    const lines = rows.map((row: { line: string }) => row.line).join('\n');
    expect(lines).not.toContain(token);
    expect(lines).not.toContain(Buffer.from(token).toString('hex'));
  });
});
