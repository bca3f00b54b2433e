import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const openDataCapture = fileURLToPath(new URL('apps/open-data-capture/src/index.ts', import.meta.url));

/** Tests of processes clean up after each file: they have their modules to themselves. */
const PROCESSES = ['packages/cli/test/**/*.test.ts', 'packages/server/test/{backup,embedded}*.test.ts'];

export default defineConfig({
  // An application is no package that others install: by this name only tests know it.
  resolve: { alias: { '@ostiary/open-data-capture': openDataCapture } },
  test: {
    globalSetup: ['packages/server/test/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Many wait for processes of their own: more than there are processors.
    maxWorkers: 3,
    projects: [
      { extends: true, test: { name: 'processes', include: PROCESSES } },
      {
        extends: true,
        test: {
          name: 'modules',
          include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts'],
          exclude: PROCESSES,
          // Loading the server takes longer than most files: those of one worker share it.
          isolate: false,
        },
      },
    ],
  },
});
