// Asks every reader of random policies about random principals and records, on a real database:
//   node scripts/one-tree.mjs [--cases 1000000] [--seed 7] [--shrink 60]
// Prints the first counter-example in words, and then exits with 1.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    shrink: { type: 'string', default: '60' },
  },
});
const cases = Number(values.cases);
const seed = Number(values.seed);
const shrinking = Number(values.shrink) * 1000;

const root = fileURLToPath(new URL('..', import.meta.url));
const { module } = await runnerImport(`${root}packages/server/test/support/random-model-run.ts`, { root });

console.log(`seed ${seed}: ${cases.toLocaleString('en')} questions`);
const begun = performance.now();
const rate = (done) => Math.round(done / ((performance.now() - begun) / 1000)).toLocaleString('en');
let told = begun;
function progress(done) {
  if (performance.now() - told < 5_000) return;
  told = performance.now();
  console.log(`${done.toLocaleString('en').padStart(12)}  ${rate(done)} a second`);
}

try {
  const done = await module.runAlone({ cases, seed, shrinking, materialised: true, progress });
  console.log(`${done.toLocaleString('en')} questions, one answer to each (${rate(done)} a second)`);
} catch (error) {
  console.error(`seed ${seed}: two readers disagree\n`);
  console.error(error.cause?.message ?? error.message);
  console.error(`\n${error.message.split('\n').slice(0, 60).join('\n')}`);
  process.exitCode = 1;
}
