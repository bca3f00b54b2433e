// Sends every operation requests that are wrong in one place, made from its own schema, and holds each answer to account:
//   node scripts/fuzz.mjs [--runs 1000] [--seed 7]
// so many requests to each operation. Prints the smallest one that breaks a promise, and then exits with 1.
import { parseArgs } from 'node:util';
import { build, prepare, run } from './prepare.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});

prepare();
if (!build()) process.exit(1);
console.log(`seed ${values.seed}: ${values.runs} requests to each operation`);
const env = { ...process.env, FUZZ_RUNS: values.runs, FUZZ_SEED: values.seed };
process.exit(run('vitest', 'vitest', ['run', 'packages/server/test/hostile-input.test.ts'], { env }));
