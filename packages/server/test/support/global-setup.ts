import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type EmbeddedCluster, startEmbedded } from '../../src/storage/embedded/index.js';

declare module 'vitest' {
  interface ProvidedContext {
    readonly postgres: EmbeddedCluster['connection'];
    /** Where that PostgreSQL needed a copy of its programs, the folder of it: see `makeDataFolder`. */
    readonly programs: string | null;
  }
}

/**
 * Starts the one PostgreSQL of a test run, which `testDatabase` makes databases in. It is another one than the built-in
 * when `OSTIARY_TEST_POSTGRES` names the folder of its programs.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'ostiary-test-'));
  const binaries = process.env.OSTIARY_TEST_POSTGRES;
  const cluster = await startEmbedded({
    folder,
    ...(binaries && { binaries }),
    settings: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      // No database lives long enough for it to pay.
      autovacuum: 'off',
      max_connections: '300',
    },
  });
  project.provide('postgres', cluster.connection);
  const home = dirname(cluster.where);
  const copy = (await readdir(home)).find((name) => name.startsWith('programs-'));
  project.provide('programs', copy === undefined ? null : join(home, copy));
  return async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
