import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigurationError, signingSecret, storedSecret } from '../src/keys/index.js';
import { systemRuntime } from '../src/runtime.js';
import { type Database, openDatabase } from '../src/storage/database.js';
import { PLATFORM_DDL } from '../src/storage/tables.js';
import { testDatabase } from './support/cluster.js';

const LONG = 'x'.repeat(32);
const SHORT = 'x'.repeat(31);
const STORED = 'the stored one';

describe('the signing secret', () => {
  it.each<[string | undefined, boolean, { secret?: string; error?: string; warnings?: number }]>([
    [LONG, true, { secret: LONG }],
    [LONG, false, { secret: LONG }],
    [SHORT, true, { error: 'secret_too_short' }],
    [SHORT, false, { secret: SHORT, warnings: 1 }],
    [undefined, true, { error: 'secret_missing' }],
    ['', true, { error: 'secret_missing' }],
    [undefined, false, { secret: STORED }],
    ['', false, { secret: STORED }],
  ])('%j, production %j: %j', async (configured, production, { secret, error, warnings = 0 }) => {
    const told: string[] = [];
    const result = signingSecret({
      variable: 'SECRET_KEY',
      configured,
      production,
      stored: async () => STORED,
      warn: (message) => told.push(message),
    });
    if (error) {
      const thrown: unknown = await result.catch((reason: unknown) => reason);
      expect(thrown).toBeInstanceOf(ConfigurationError);
      expect(thrown).toMatchObject({ code: error, message: expect.stringContaining('set SECRET_KEY to at least 32') });
      if (configured) expect(String(thrown), 'Never repeat a secret').not.toContain(configured);
    } else {
      expect(await result).toBe(secret);
    }
    expect(told).toHaveLength(warnings);
  });
});

describe('the stored secret', () => {
  let data: Awaited<ReturnType<typeof testDatabase>>;
  let database: Database;

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

  it('is made once for each application, by however many processes start together', async () => {
    const fetched = await Promise.all(
      Array.from({ length: 8 }, () => storedSecret(database.db, systemRuntime, 'trials')),
    );
    expect(new Set(fetched).size, 'The secret must be made and kept in one statement').toBe(1);
    expect(fetched[0]).toMatch(/^[\w-]{43}$/);
    expect(await storedSecret(database.db, systemRuntime, 'other')).not.toBe(fetched[0]);
  });

  it('is not made for an application that is not there', async () => {
    await expect(storedSecret(database.db, systemRuntime, 'nobody')).rejects.toThrow('nobody is not installed');
  });
});
