import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import pg from 'pg';
import { startEmbedded } from '../../src/storage/embedded/index.js';
import { type Client, INSTANTS, rulebookArb, store, tables, typesArb, worldArb } from './random-model.js';
import { agree } from './random-model-answers.js';

export interface RunOptions {
  /** Stops when so many (principal, action, record) have been asked about. */
  readonly cases: number;
  readonly seed: number;
  /** How long a counter-example may be made smaller, in milliseconds. */
  readonly shrinking: number;
  /** Whether who holds what is read from a table that is filled from the view: much faster than from the view. */
  readonly materialised: boolean;
  readonly progress?: (cases: number) => void;
}

/**
 * Makes the tables, and asks random questions until there were enough.
 * @returns how many there were.
 * @throws with the smallest counter-example, in words, where two readers of a policy disagree.
 */
export async function run(client: Client, options: RunOptions): Promise<number> {
  const { cases: wanted, seed, shrinking, materialised, progress } = options;
  for (const statement of tables(materialised)) await client.query(statement);
  let cases = 0;
  let failedAt = 0;
  const property = fc.asyncProperty(
    worldArb,
    rulebookArb,
    fc.constantFrom(...INSTANTS),
    typesArb,
    async (world, rulebook, now, types) => {
      if (failedAt > 0 && performance.now() - failedAt > shrinking) return;
      try {
        await store(client, world, materialised);
        const asked = await agree(client, { world, rulebook, environment: { now, ...(types ? { types } : {}) } });
        if (failedAt === 0) cases += asked;
        progress?.(cases);
      } catch (error) {
        failedAt ||= performance.now();
        throw error;
      }
    },
  );
  // In portions, each with a seed of its own that follows from the one given.
  for (let portion = 0; cases < wanted; portion++)
    await fc.assert(property, { seed: seed + portion, numRuns: materialised ? 20 : 2 });
  return cases;
}

/** Runs on a PostgreSQL of its own, which is removed afterwards. */
export async function runAlone(options: RunOptions): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'ostiary-one-tree-'));
  const binaries = process.env.OSTIARY_TEST_POSTGRES;
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
  const cluster = await startEmbedded({ folder, ...(binaries && { binaries }), settings });
  const client = new pg.Client(cluster.connection);
  try {
    await client.connect();
    return await run(client, options);
  } finally {
    await client.end();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
