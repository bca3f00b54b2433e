import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const openDataCapture = fileURLToPath(new URL('apps/open-data-capture/src/index.ts', import.meta.url));

export default defineConfig({
  // An application is no package that others install: by this name only tests know it.
  resolve: { alias: { '@ostiary/open-data-capture': openDataCapture } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts'],
    globalSetup: ['packages/server/test/support/global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Many wait for processes of their own: more than there are processors.
    maxWorkers: 3,
  },
});
