import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const openDataCapture = fileURLToPath(new URL('apps/open-data-capture/src/index.ts', import.meta.url));

/** Tests that clean up after each file, or put other modules in place of some, have modules of their own. */
const ALONE = [
  'packages/cli/test/**/*.test.ts',
  'packages/policy/test/generate.test.ts',
  'packages/server/test/{backup,embedded,identity-login,identity-passwords,sign-on-microsoft}*.test.ts',
];

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
      { extends: true, test: { name: 'alone', include: ALONE } },
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts'],
          exclude: ALONE,
          // Loading the server takes longer than most files: those of one worker share it.
          isolate: false,
        },
      },
    ],
  },
});
