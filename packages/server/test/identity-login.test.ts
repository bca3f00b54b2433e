import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type AccountKey,
  authenticate,
  createAccount,
  DEFAULT_LOCKOUT,
  deleteAccount,
  hashPassword,
  type IdentityDependencies,
  type LoginResult,
  login,
  logout,
  type PasswordHash,
  purgeExpired,
  setDisabled,
  setLogin,
  setPassword,
} from '../src/identity/index.js';
import { createTokenService } from '../src/keys/index.js';
import { type Runtime, systemRuntime } from '../src/runtime.js';
import { openDatabase, type Transaction } from '../src/storage/database.js';
import { PLATFORM_DDL } from '../src/storage/tables.js';
import { Tally } from '../src/telemetry/tally.js';
import { testDatabase } from './support/cluster.js';

const { argon2 } = vi.hoisted(() => ({
  argon2: { verifications: 0, afterwards: null as (() => Promise<void>) | null },
}));

vi.mock('@node-rs/argon2', async (importOriginal) => {
  const original = await importOriginal<typeof import('@node-rs/argon2')>();
  const verify: typeof original.verify = async (...args) => {
    argon2.verifications++;
    const answer = await original.verify(...args);
    await argon2.afterwards?.();
    return answer;
  };
  return { ...original, verify };
});

const PASSWORD = 'correct horse battery staple';
const actor = { principal: null };
const LIFETIME = 3600;

let data: Awaited<ReturnType<typeof testDatabase>>;
let deps: IdentityDependencies;
let hash: PasswordHash;
let otherHash: PasswordHash;
let time = Date.parse('2026-03-01T12:00:00.000Z');
const runtime: Runtime = { ...systemRuntime, now: () => new Date(time) };

beforeAll(async () => {
  data = await testDatabase({
    name: 'platform',
    setUp: async (pool) => {
      for (const statement of PLATFORM_DDL) await pool.query(statement);
    },
  });
  const tokens = createTokenService({
    runtime,
    lifetimeSeconds: LIFETIME,
    issuer: 'https://ostiary.example',
    audience: 'trials',
    algorithm: 'HS256',
    secret: 'a secret for tests, of more than 32 characters',
  });
  deps = { database: openDatabase(data.config), runtime, tokens, lockout: DEFAULT_LOCKOUT, logins: new Tally() };
  await data.pool.query(`insert into ostiary.application (name) values ('trials'), ('other')`);
  hash = await hashPassword(PASSWORD);
  otherHash = await hashPassword('another password');
});

beforeEach(() => {
  argon2.verifications = 0;
  argon2.afterwards = null;
});

afterAll(async () => {
  await deps.database.close();
  await data.drop();
});

const inTransaction = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
  deps.database.db.transaction().execute(work);

let count = 0;
interface Person extends AccountKey {
  readonly login: string;
}

/** Somebody whose password is PASSWORD, if not said otherwise. */
async function person(
  options: { disabled?: boolean; passwordless?: boolean; kind?: string; application?: string } = {},
): Promise<Person> {
  const made = {
    application: options.application ?? 'trials',
    kind: options.kind ?? 'user',
    principalId: runtime.id(),
    login: `person ${++count}`,
  };
  const password = options.passwordless ? {} : { passwordHash: hash };
  await inTransaction((tx) =>
    createAccount(tx, runtime, { ...made, ...password, disabled: options.disabled ?? false }, actor),
  );
  return made;
}

const tryLogin = (who: { login: string }, password = PASSWORD, kind = 'user', application = 'trials') =>
  login(deps, { application, kind, login: who.login, password, requestId: 'request 1' });

const isLive = ({ accessToken }: LoginResult): Promise<boolean> =>
  authenticate(deps, 'trials', accessToken).then(
    () => true,
    () => false,
  );

/** How an attempt ends, whole: what a caller could tell apart. */
async function outcome(attempt: Promise<unknown>): Promise<unknown> {
  return attempt.then(
    () => 'in',
    (error: unknown) => ({ ...(error as object), text: String(error) }),
  );
}

interface Event {
  readonly event: string;
  readonly outcome: string;
  readonly principal_id: string | null;
  readonly detail: unknown;
}

async function eventsOf(typed: string): Promise<Event[]> {
  const { rows } = await data.pool.query<Event>(
    'select event, outcome, principal_id, detail from ostiary.audit where login = $1 order by id',
    [typed],
  );
  return rows;
}

describe('log-in', () => {
  it('opens a session and issues a token that authenticates', async () => {
    const ada = await person();
    const result = await tryLogin(ada);
    expect(result).toEqual({
      principalId: ada.principalId,
      session: { id: expect.any(String), expiresAt: new Date(time + LIFETIME * 1000) },
      accessToken: expect.any(String),
    });
    expect(await authenticate(deps, 'trials', result.accessToken)).toEqual({
      kind: 'user',
      principalId: ada.principalId,
      sessionId: result.session.id,
      rightsVersion: '1.1',
    });
    expect(await eventsOf(ada.login)).toEqual([
      { event: 'login.succeeded', outcome: 'allowed', principal_id: ada.principalId, detail: {} },
    ]);
  });

  interface Case {
    readonly who: () => Promise<{ login: string }>;
    readonly password?: string;
    readonly kind?: string;
    readonly code?: string;
    readonly reason: string;
  }
  const nobody = async () => ({ login: `nobody ${++count}` });
  it.each<[string, Case]>([
    ['a wrong password', { who: () => person(), password: 'wrong', reason: 'wrong_password' }],
    ['no password', { who: () => person(), password: '', reason: 'wrong_password' }],
    ['a password that is too long', { who: () => person(), password: 'x'.repeat(257), reason: 'wrong_password' }],
    ['an unknown login', { who: nobody, reason: 'unknown_login' }],
    ['an unknown login, no password', { who: nobody, password: '', reason: 'unknown_login' }],
    ['another case', { who: async () => ({ login: (await person()).login.toUpperCase() }), reason: 'unknown_login' }],
    ['another kind', { who: () => person(), kind: 'device', reason: 'unknown_login' }],
    ['another application', { who: () => person({ application: 'other' }), reason: 'unknown_login' }],
    ['an account without a password', { who: () => person({ passwordless: true }), reason: 'no_password' }],
    [
      'a disabled account, a wrong password',
      { who: () => person({ disabled: true }), password: 'wrong', reason: 'wrong_password' },
    ],
    [
      'a disabled account, the right password',
      { who: () => person({ disabled: true }), code: 'account_disabled', reason: 'disabled' },
    ],
  ])('refuses %s', async (_, { who, password, kind, code = 'invalid_credentials', reason }) => {
    const typed = await who();
    const ended = await outcome(tryLogin(typed, password, kind));
    const expected =
      code === 'account_disabled'
        ? { code, status: 403, details: {}, text: 'Problem: This account is disabled', name: 'Problem' }
        : { code, status: 401, details: {}, text: 'Problem: The user name or the password is wrong', name: 'Problem' };
    expect(ended, 'Wrong credentials look all the same').toEqual(expected);
    expect(argon2.verifications, 'Verify once, whatever is wrong, so that the time tells nothing').toBe(1);
    expect(await eventsOf(typed.login)).toEqual([
      { event: 'login.failed', outcome: 'refused', principal_id: null, detail: { reason } },
    ]);
  });

  it.each([
    ['257 characters', 'x'.repeat(257), 'x'.repeat(256)],
    ['a megabyte', 'y'.repeat(1_000_000), 'y'.repeat(256)],
    ['a NUL', 'a\0b', 'a\ufffdb'],
    ['a line of its own', 'c\r\nlogin.succeeded', 'c\ufffd\ufffdlogin.succeeded'],
    ['what a terminal would obey', 'd\x1b[2Je', 'd\ufffd[2Je'],
    ['nothing', '', ''],
  ])('takes a login of %s for just wrong', async (_, typed, audited) => {
    expect(await outcome(tryLogin({ login: typed }))).toMatchObject({ code: 'invalid_credentials' });
    expect(argon2.verifications).toBe(1);
    expect(await eventsOf(audited)).toMatchObject([{ event: 'login.failed', detail: { reason: 'unknown_login' } }]);
  });

  it('puts no password and no token into the database', async () => {
    const ada = await person();
    const { accessToken } = await tryLogin(ada);
    await outcome(tryLogin(ada, 'a wrong but telling password'));
    const { rows } = await data.pool.query<{ line: string }>(
      `select a::text as line from ostiary.audit a
       union all select s::text from ostiary.login_session s
       union all select f::text from ostiary.login_failure f`,
    );
    const lines = rows.map(({ line }) => line).join('\n');
    for (const secret of [PASSWORD, 'telling password', accessToken]) expect(lines).not.toContain(secret);
  });

  it('opens no session that is not audited', async () => {
    const ada = await person();
    await data.pool.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'full'; end $$;
      create trigger full_trail before insert on ostiary.audit
        for each row when (new.event = 'login.succeeded') execute function refuse()`);
    await expect(tryLogin(ada)).rejects.toThrow('full');
    await data.pool.query('drop trigger full_trail on ostiary.audit');
    const { rows } = await data.pool.query('select 1 from ostiary.login_session where principal_id = $1', [
      ada.principalId,
    ]);
    expect(rows, 'Write the session and its audit entry in one transaction').toEqual([]);
  });

  it.each<[string, (ada: Person) => (tx: Transaction) => Promise<void>]>([
    ['the password changed', (ada) => (tx) => setPassword(tx, runtime, ada, otherHash, actor)],
    ['the account disabled', (ada) => (tx) => setDisabled(tx, runtime, ada, true, actor)],
    ['the account deleted', (ada) => (tx) => deleteAccount(tx, runtime, ada, actor)],
  ])('fails when it finds %s after the password was verified', async (_, change) => {
    const ada = await person();
    argon2.afterwards = () => inTransaction(change(ada));
    expect(
      await outcome(tryLogin(ada)),
      'Look at the account again, locked, in the transaction that opens the session',
    ).toMatchObject({ code: 'invalid_credentials' });
    expect(await eventsOf(ada.login)).toMatchObject([
      { event: 'login.failed', detail: { reason: 'changed_meanwhile' } },
    ]);
  });
});

describe('log-in and a change at the same time', () => {
  it('does not slip past a new password that is not committed yet', async () => {
    const ada = await person();
    let attempt: Promise<unknown> = Promise.resolve();
    await inTransaction(async (tx) => {
      await setPassword(tx, runtime, ada, otherHash, actor);
      attempt = outcome(tryLogin(ada));
      // Long enough for the log-in to get to the account and to wait for it, or else to slip past.
      await new Promise((resolve) => setTimeout(resolve, 300));
    });
    expect(await attempt, 'Lock the account that was verified: for share').toMatchObject({
      code: 'invalid_credentials',
    });
  });
});

describe('lock-out', () => {
  const fail = async (who: { login: string }, times: number) => {
    for (let attempt = 0; attempt < times; attempt++) await outcome(tryLogin(who, 'wrong'));
  };
  const locked = (retryAfter: number) => ({
    name: 'Problem',
    code: 'account_locked',
    status: 403,
    details: { retryAfter },
    text: 'Problem: Too many failed attempts: this account is locked for a while',
  });

  it.each<[string, () => Promise<{ login: string }>]>([
    ['an account', () => person()],
    ['a disabled account', () => person({ disabled: true })],
    ['no account', async () => ({ login: `nobody ${++count}` })],
  ])('comes after five failures, for %s too, and looks the same', async (_, who) => {
    const typed = await who();
    await fail(typed, 5);
    expect(argon2.verifications).toBe(5);
    time += 1500;
    expect(await outcome(tryLogin(typed)), 'Locked, also with the right password').toEqual(locked(899));
    expect(await outcome(tryLogin(typed, 'wrong'))).toEqual(locked(899));
    expect(argon2.verifications, 'A locked log-in must not get to the password').toBe(5);
    const events = await eventsOf(typed.login);
    expect(events.map(({ event }) => event)).toEqual([
      ...Array(5).fill('login.failed'),
      ...Array(2).fill('login.locked'),
    ]);
  });

  it('lets no more than five of fifty parallel guesses get to the password', async () => {
    const ada = await person();
    const guesses = Array.from({ length: 50 }, (_, guess) => outcome(tryLogin(ada, `guess ${guess}`)));
    const codes = (await Promise.all(guesses)).map((ended) => (ended as { code: string }).code);
    expect(argon2.verifications, 'Count the attempt before verifying, in one statement').toBe(5);
    expect(codes.filter((code) => code === 'invalid_credentials')).toHaveLength(5);
    expect(codes.filter((code) => code === 'account_locked')).toHaveLength(45);
    expect(await outcome(tryLogin(ada))).toMatchObject({ code: 'account_locked' });
  });

  it('ends by itself, and five more failures bring it back', async () => {
    const ada = await person();
    await fail(ada, 6);
    time += 899_999;
    expect(await outcome(tryLogin(ada))).toEqual(locked(1));
    time += 1;
    await fail(ada, 4);
    expect(await outcome(tryLogin(ada))).toBe('in');
    await fail(ada, 5);
    expect(await outcome(tryLogin(ada))).toEqual(locked(900));
  });

  it('is not made longer by attempts while it lasts', async () => {
    const ada = await person();
    await fail(ada, 5);
    time += 600_000;
    await fail(ada, 10);
    time += 300_000;
    expect(await outcome(tryLogin(ada))).toBe('in');
  });

  it('forgets failures after a success, and after the window', async () => {
    const ada = await person();
    await fail(ada, 4);
    expect(await outcome(tryLogin(ada)), 'The fifth attempt may still be right').toBe('in');
    await fail(ada, 4);
    time += 900_000;
    await fail(ada, 4);
    expect(await outcome(tryLogin(ada))).toBe('in');
  });

  it('counts for each login, kind and application by itself', async () => {
    const ada = await person();
    await fail(ada, 5);
    expect(await outcome(tryLogin(await person()))).toBe('in');
    expect(await outcome(tryLogin(ada, PASSWORD, 'device'))).toMatchObject({ code: 'invalid_credentials' });
    expect(await outcome(tryLogin(ada, PASSWORD, 'user', 'other'))).toMatchObject({ code: 'invalid_credentials' });
  });

  it('has settings', async () => {
    const ada = await person();
    const strict = { ...deps, lockout: { maxFailures: 1, windowSeconds: 10, lockSeconds: 60 } };
    const attempt = (password: string) =>
      outcome(login(strict, { application: 'trials', kind: 'user', login: ada.login, password }));
    expect(await attempt('wrong')).toMatchObject({ code: 'invalid_credentials' });
    time += 30_000;
    expect(await attempt(PASSWORD)).toEqual(locked(30));
    time += 30_000;
    expect(await attempt(PASSWORD)).toBe('in');
  });

  it('holds when the limit is lowered over counts that are past it', async () => {
    const ada = await person();
    await fail(ada, 4);
    const strict = { ...deps, lockout: { ...DEFAULT_LOCKOUT, maxFailures: 3 } };
    const attempt = login(strict, { application: 'trials', kind: 'user', login: ada.login, password: PASSWORD });
    expect(await outcome(attempt)).toEqual(locked(900));
  });
});

describe('sessions', () => {
  it.each<[string, (ada: Person, session: LoginResult) => Promise<unknown>]>([
    [
      'log-out',
      async (_, session) =>
        logout(deps, 'trials', await authenticate(deps, 'trials', session.accessToken), 'request 2'),
    ],
    ['disabling the account', (ada) => inTransaction((tx) => setDisabled(tx, runtime, ada, true, actor))],
    [
      'disabling the account by hand',
      (ada) => data.pool.query('update ostiary.account set disabled = true where login = $1', [ada.login]),
    ],
    ['deleting the account', (ada) => inTransaction((tx) => deleteAccount(tx, runtime, ada, actor))],
    ['a new password', (ada) => inTransaction((tx) => setPassword(tx, runtime, ada, otherHash, actor))],
    [
      'expiry',
      async () => {
        time += LIFETIME * 1000;
      },
    ],
    [
      'an expiry that was brought forward',
      (_, session) =>
        data.pool.query('update ostiary.login_session set expires_at = $1 where id = $2', [
          runtime.now(),
          session.session.id,
        ]),
    ],
  ])('end at once by %s', async (_, end) => {
    const ada = await person();
    const session = await tryLogin(ada);
    const bystander = await tryLogin(await person());
    expect(await isLive(session)).toBe(true);
    const before = time;
    await end(ada, session);
    expect(
      await outcome(authenticate(deps, 'trials', session.accessToken)),
      'Ask the database with each request: a cached token says nothing about its session',
    ).toMatchObject({ code: 'invalid_token', status: 401 });
    if (time === before) expect(await isLive(bystander), 'Nobody else may be logged out').toBe(true);
  });

  it('do not come back when the account is enabled again', async () => {
    const ada = await person();
    const session = await tryLogin(ada);
    await inTransaction((tx) => setDisabled(tx, runtime, ada, true, actor));
    await inTransaction((tx) => setDisabled(tx, runtime, ada, false, actor));
    expect(await isLive(session)).toBe(false);
    expect(await outcome(tryLogin(ada))).toBe('in');
  });

  it('go on for whoever changes the own password, and end elsewhere', async () => {
    const ada = await person();
    const [here, elsewhere] = [await tryLogin(ada), await tryLogin(ada)];
    await inTransaction((tx) => setPassword(tx, runtime, ada, otherHash, actor, { keepSession: here.session.id }));
    expect([await isLive(here), await isLive(elsewhere)]).toEqual([true, false]);
  });

  it('are logged out one by one, audited once', async () => {
    const ada = await person();
    const [here, elsewhere] = [await tryLogin(ada), await tryLogin(ada)];
    const identity = await authenticate(deps, 'trials', here.accessToken);
    await Promise.all([1, 2, 3].map(() => logout(deps, 'trials', identity, 'request 3')));
    expect([await isLive(here), await isLive(elsewhere)]).toEqual([false, true]);
    const { rows } = await data.pool.query(
      `select principal_kind, request_id from ostiary.audit where event = 'logout' and principal_id = $1`,
      [ada.principalId],
    );
    expect(rows).toEqual([{ principal_kind: 'user', request_id: 'request 3' }]);
  });

  it('tell the rights version as it is now', async () => {
    const ada = await person({ kind: 'device' });
    const { accessToken } = await tryLogin(ada, PASSWORD, 'device');
    const version = async () => (await authenticate(deps, 'trials', accessToken)).rightsVersion;
    const before = await version();
    await inTransaction((tx) => setLogin(tx, runtime, ada, `${ada.login} renamed`, actor));
    const renamed = await version();
    await data.pool.query(`update ostiary.application set rights_version = rights_version + 1 where name = 'trials'`);
    const after = await version();
    expect(new Set([before, renamed, after]).size, 'Both versions are part of it').toBe(3);
  });

  it('are good for their own application, principal and kind alone', async () => {
    const [ada, bob] = [await person(), await person()];
    const { session } = await tryLogin(ada);
    const claims = { sub: ada.principalId, kind: 'user', sessionId: session.id };
    const token = async (change: Partial<typeof claims>) =>
      (await deps.tokens.issue({ ...claims, ...change }, runtime.now())).token;
    expect(await outcome(authenticate(deps, 'trials', await token({})))).toBe('in');
    for (const [application, change] of [
      ['other', {}],
      ['trials', { sub: bob.principalId }],
      ['trials', { kind: 'service' }],
      ['trials', { sessionId: runtime.id() }],
    ] as const) {
      const attempt = authenticate(deps, application, await token(change));
      expect(await outcome(attempt)).toMatchObject({ code: 'invalid_token' });
    }
  });

  it('and counts that are over are purged, those that count are not', async () => {
    await outcome(tryLogin({ login: 'old' }, 'wrong'));
    await tryLogin(await person());
    time += LIFETIME * 1000;
    const recent = await person();
    const live = await tryLogin(await person());
    await outcome(tryLogin(recent, 'wrong'));
    await purgeExpired(deps);
    const counts = await data.pool.query(
      `select (select count(*)::int from ostiary.login_session) as sessions,
              (select count(*)::int from ostiary.login_failure) as failures`,
    );
    expect(counts.rows).toEqual([{ sessions: 1, failures: 1 }]);
    expect(await isLive(live)).toBe(true);
  });
});
