import type { KyselyPlugin } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSigningKeys, createTokenService, type SigningKeys, type TokenService } from '../src/keys/index.js';
import { type Runtime, systemRuntime } from '../src/runtime.js';
import { type Database, openDatabase } from '../src/storage/database.js';
import { PLATFORM_DDL } from '../src/storage/tables.js';
import { testDatabase } from './support/cluster.js';

const LIFETIME = 3600;
const SUBJECT = {
  sub: '0195500e-0000-7000-8000-000000000001',
  kind: 'user',
  sessionId: '0195500e-0000-7000-8000-000000000002',
};

let data: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
let time: number;
let reads: number;
const runtime: Runtime = { ...systemRuntime, now: () => new Date(time) };

/** What the trail is told of. */
const told: object[] = [];
const rotated = async (_transaction: unknown, key: object) => {
  told.push(key);
};

/** A server process of its own: its keys, and the tokens that it issues and verifies. */
interface Process {
  readonly keys: SigningKeys;
  readonly tokens: TokenService;
}

beforeAll(async () => {
  data = await testDatabase({
    name: 'platform',
    setUp: async (pool) => {
      for (const statement of PLATFORM_DDL) await pool.query(statement);
    },
  });
  const opened = openDatabase(data.config);
  const countReads: KyselyPlugin = {
    transformQuery({ node }) {
      if (node.kind === 'SelectQueryNode') reads++;
      return node;
    },
    transformResult: async ({ result }) => result,
  };
  database = { ...opened, db: opened.db.withPlugin(countReads) };
});

beforeEach(async () => {
  time = Date.parse('2026-03-01T12:00:00.000Z');
  await data.pool.query('truncate ostiary.signing_key');
  reads = 0;
});

afterAll(async () => {
  await database.close();
  await data.drop();
});

function start(): Process {
  const keys = createSigningKeys({ database, runtime, longestLifetimeSeconds: LIFETIME, refreshSeconds: 30, rotated });
  const tokens = createTokenService({
    runtime,
    lifetimeSeconds: LIFETIME,
    issuer: 'https://ostiary.example',
    audience: 'trials',
    algorithm: 'ES256',
    keys,
  });
  return { keys, tokens };
}

async function issue({ tokens }: Process): Promise<string> {
  return (await tokens.issue(SUBJECT, runtime.now())).token;
}

async function isGood({ tokens }: Process, token: string): Promise<boolean> {
  return tokens.verify(token, runtime.now()).then(
    () => true,
    () => false,
  );
}

async function kids({ keys }: Process): Promise<(string | undefined)[]> {
  return (await keys.jwks()).keys.map((key) => key.kid);
}

describe('signing keys', () => {
  it('are made once, by however many processes start together', async () => {
    await Promise.all(Array.from({ length: 8 }, () => start().keys.ensureSigningKey('ES256')));
    expect(await kids(start()), 'ensureSigningKey must hold the lock while it looks and adds').toHaveLength(1);
  });

  it.each(['ES256', 'EdDSA'] as const)('are published for %s without their private half', async (algorithm) => {
    const { keys } = start();
    await keys.ensureSigningKey(algorithm);
    const [key] = (await keys.jwks()).keys;
    const members = ['alg', 'crv', 'kid', 'kty', 'use', 'x', ...(algorithm === 'ES256' ? ['y'] : [])];
    expect(Object.keys(key ?? {}).sort(), 'Publish named members alone: never d').toEqual(members);
    const crv = algorithm === 'ES256' ? 'P-256' : 'Ed25519';
    expect(key, 'a curve of 256 bits: 128 of strength').toMatchObject({ alg: algorithm, crv, use: 'sig' });
  });

  it('hide a private half even if the public column holds one', async () => {
    await start().keys.ensureSigningKey('ES256');
    await data.pool.query('update ostiary.signing_key set public_jwk = private_jwk');
    expect(JSON.stringify(await start().keys.jwks())).not.toContain('"d"');
  });

  it('need to be there before a token is signed', async () => {
    await expect(issue(start())).rejects.toThrow("call ensureSigningKey('ES256') first");
  });

  it('verify old tokens after a rotation until those have expired', async () => {
    const process = start();
    await process.keys.ensureSigningKey('ES256');
    const before = await issue(process);
    const [old] = await kids(process);
    time += 1000;
    const renewed = await process.keys.rotateSigningKey('ES256');
    const after = await issue(process);

    expect(renewed).not.toBe(old);
    expect(told.at(-1)).toEqual({ algorithm: 'ES256', kid: renewed });
    expect(JSON.parse(Buffer.from(after.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({ kid: renewed });
    expect(await kids(process)).toEqual([old, renewed]);
    expect(await isGood(process, before), 'A rotation must not end the tokens that are out').toBe(true);

    time += (LIFETIME - 1) * 1000 - 1;
    expect(await isGood(process, after)).toBe(true);
    expect(await kids(process)).toEqual([old, renewed]);
    time += 1001;
    expect(await kids(process), 'The grace of a retired key ends').toEqual([renewed]);
  });

  it('are not rotated where the trail can not be told', async () => {
    const process = start();
    await process.keys.ensureSigningKey('ES256');
    const before = await kids(process);
    const rotated = () => Promise.reject(new Error('no trail'));
    const deaf = createSigningKeys({ database, runtime, longestLifetimeSeconds: LIFETIME, rotated });
    await expect(deaf.rotateSigningKey('ES256')).rejects.toThrow('no trail');
    expect(await kids(start())).toEqual(before);
  });

  it('do not verify past the grace, whatever a token says of its expiry', async () => {
    const short = createSigningKeys({ database, runtime, longestLifetimeSeconds: 60, rotated });
    await short.ensureSigningKey('ES256');
    const tokens = createTokenService({
      runtime,
      lifetimeSeconds: LIFETIME,
      issuer: 'https://ostiary.example',
      audience: 'trials',
      algorithm: 'ES256',
      keys: short,
    });
    const process = { keys: short, tokens };
    const token = await issue(process);
    await short.rotateSigningKey('ES256');
    time += 59_999;
    expect(await isGood(process, token)).toBe(true);
    time += 1;
    expect(await isGood(process, token), 'Ask for the key also for tokens in the cache').toBe(false);
  });

  it('are deleted by the next rotation once their grace is over', async () => {
    const { keys } = start();
    await keys.ensureSigningKey('ES256');
    await keys.rotateSigningKey('ES256');
    time += LIFETIME * 1000;
    await keys.rotateSigningKey('ES256');
    const { rows } = await data.pool.query('select id from ostiary.signing_key');
    expect(rows).toHaveLength(2);
  });

  it('of another process are found by their id, with one reading of the table', async () => {
    const [here, there] = [start(), start()];
    await here.keys.ensureSigningKey('ES256');
    expect(await isGood(there, await issue(here))).toBe(true);
    time += 1000;
    await here.keys.rotateSigningKey('ES256');
    const token = await issue(here);
    reads = 0;
    const answers = await Promise.all(Array.from({ length: 20 }, () => isGood(there, token)));
    expect(answers, 'An unknown kid must make the keys load again').not.toContain(false);
    expect(reads, 'Share one reading between all that wait for it').toBe(1);
  });

  it('are not read again and again for ids that nobody has', async () => {
    const process = start();
    await process.keys.ensureSigningKey('ES256');
    const source = process.keys.tokenKeys('ES256');
    reads = 0;
    time += 1000;
    for (let attempt = 0; attempt < 20; attempt++) await source.verifier(`nobody's ${attempt}`, runtime.now());
    expect(reads, 'Anybody can send unknown ids: limit the rate').toBe(1);
    time += 1000;
    await source.verifier('again', runtime.now());
    expect(reads).toBe(2);
  });

  it('that another process retired stop signing here after the refresh', async () => {
    const [here, there] = [start(), start()];
    await here.keys.ensureSigningKey('ES256');
    await issue(there);
    const renewed = await here.keys.rotateSigningKey('ES256');
    time += 30_000;
    const header = Buffer.from((await issue(there)).split('.')[0] ?? '', 'base64url').toString();
    expect(JSON.parse(header)).toMatchObject({ kid: renewed });
  });

  it('that were deleted stop verifying after the refresh, also for tokens in the cache', async () => {
    const process = start();
    await process.keys.ensureSigningKey('ES256');
    const token = await issue(process);
    expect(await isGood(process, token)).toBe(true);
    await data.pool.query('truncate ostiary.signing_key');
    time += 30_000;
    expect(await isGood(process, token)).toBe(false);
  });

  it("that fail to load are the server's fault, not the token's", async () => {
    const process = start();
    await process.keys.ensureSigningKey('ES256');
    const token = await issue(process);
    await data.pool.query('alter table ostiary.signing_key rename to away');
    time += 30_000;
    await expect(process.tokens.verify(token, runtime.now())).rejects.not.toMatchObject({ code: 'invalid_token' });
    await data.pool.query('alter table ostiary.away rename to signing_key');
    expect(await isGood(process, token)).toBe(true);
  });
});
