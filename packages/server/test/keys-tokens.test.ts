import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSigningKeys, createTokenService, type TokenService } from '../src/keys/index.js';
import { type Runtime, systemRuntime } from '../src/runtime.js';
import { type Database, openDatabase } from '../src/storage/database.js';
import { PLATFORM_DDL } from '../src/storage/tables.js';
import { testDatabase } from './support/cluster.js';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const SECONDS = NOW.getTime() / 1000;
const SECRET = 'a secret for tests, of more than 32 characters';
const ISSUER = 'https://ostiary.example';
const AUDIENCE = 'trials';
const SUB = '0195500e-0000-7000-8000-000000000001';
const SID = '0195500e-0000-7000-8000-000000000002';
const runtime: Runtime = { ...systemRuntime, now: () => NOW };

type Json = Readonly<Record<string, unknown>>;

let data: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
let es256: TokenService;
let hs256: TokenService;
let kid: string;

beforeAll(async () => {
  data = await testDatabase({
    name: 'platform',
    setUp: async (pool) => {
      for (const statement of PLATFORM_DDL) await pool.query(statement);
    },
  });
  database = openDatabase(data.config);
  const keys = createSigningKeys({ database, runtime, longestLifetimeSeconds: 3600, rotated: async () => {} });
  await keys.ensureSigningKey('ES256');
  const row = await database.db
    .selectFrom('ostiary.signing_key')
    .select('id')
    .where('algorithm', '=', 'ES256')
    .executeTakeFirstOrThrow();
  kid = row.id;
  const common = { runtime, lifetimeSeconds: 3600, issuer: ISSUER, audience: AUDIENCE };
  es256 = createTokenService({ ...common, algorithm: 'ES256', keys });
  hs256 = createTokenService({ ...common, algorithm: 'HS256', secret: SECRET });
});

afterAll(async () => {
  await database.close();
  await data.drop();
});

const decode = (part: string): string => Buffer.from(part, 'base64url').toString();

/** How a verification ends, whole: what a caller could tell apart. */
async function outcome(service: TokenService, token: string, now = NOW): Promise<unknown> {
  return service.verify(token, now).then(
    (verified) => ({ verified }),
    (error: unknown) => ({ ...(error as object), text: String(error) }),
  );
}

/** What is forged is refused over HTTP, in hostile-tokens.test.ts. */
describe('tokens', () => {
  it.each(['ES256', 'HS256'])('issued with %s are RFC 9068 tokens that verify until they expire', async (algorithm) => {
    const service = algorithm === 'HS256' ? hs256 : es256;
    const claims = { name: 'Ada', sub: 'someone else', exp: 1, sid: 'x', kind: 'root', iss: 'x', aud: 'x' };
    const { token, expiresAt } = await service.issue({ sub: SUB, kind: 'user', sessionId: SID, claims }, NOW);
    const [header, payload] = token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(decode(part)) as Json);
    expect(header).toEqual({ alg: algorithm, typ: 'at+jwt', ...(algorithm === 'ES256' ? { kid } : {}) });
    expect(payload).toEqual({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: SUB,
      sid: SID,
      kind: 'user',
      iat: SECONDS,
      nbf: SECONDS,
      exp: SECONDS + 3600,
      jti: expect.any(String),
      name: 'Ada',
    });
    expect(expiresAt).toEqual(new Date('2026-03-01T13:00:00.000Z'));
    const message = 'The cache of verified tokens must look at the time each time';
    for (const [time, good] of [
      [NOW, true],
      [new Date(expiresAt.getTime() - 1), true],
      [expiresAt, false],
      [NOW, true],
      [new Date(NOW.getTime() - 1000), false],
    ] as const) {
      expect('verified' in ((await outcome(service, token, time)) as object), `${message}: ${time}`).toBe(good);
    }
  });

  it('remembers no more tokens than its cache may hold, and still verifies the others', async () => {
    const small = createTokenService({
      runtime,
      lifetimeSeconds: 60,
      issuer: ISSUER,
      audience: AUDIENCE,
      algorithm: 'HS256',
      secret: SECRET,
      cacheCapacity: 2,
    });
    const issued = await Promise.all(
      Array.from({ length: 5 }, () => small.issue({ sub: SUB, kind: 'user', sessionId: SID }, NOW)),
    );
    for (const { token } of [...issued, ...issued]) expect(await outcome(small, token)).toHaveProperty('verified');
  });
});
