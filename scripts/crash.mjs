// Kills the server and its PostgreSQL while several write, again and again, on one installation:
//   node scripts/crash.mjs [--rounds 1000] [--seed 7]
// Exits with 1 and says the seed and the round where a write was lost, or is there by half.
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';
import { build, ROOT } from './prepare.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
if (!build()) process.exit(1);
const { module } = await runnerImport(`${ROOT}packages/cli/test/support/crash/rounds.ts`, { root: ROOT });

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupt.abort());

console.error(`seed ${seed}: ${rounds} rounds`);
const begun = performance.now();
const seconds = () => Math.round((performance.now() - begun) / 1000);
let told = begun;
function progress({ round, victim, milliseconds }) {
  if (performance.now() - told < 5_000 && round < rounds) return;
  told = performance.now();
  console.error(`${String(round).padStart(6)} of ${rounds}, ${seconds()} s  (${victim}: ${milliseconds} ms)`);
}

try {
  const summary = await module.crash({ rounds, seed, progress, signal: interrupt.signal });
  const killed = Object.entries(summary.rounds).map(([victim, times]) => `${victim} ${times}`);
  console.log(`${rounds} rounds in ${seconds()} s (${killed.join(', ')})`);
  console.log(
    `${summary.acknowledged} writes acknowledged and there, ${summary.unanswered} without an answer and whole or not there, ` +
      `${summary.refused} refusals told; the trail is whole`,
  );
} catch (error) {
  console.error(interrupt.signal.aborted ? 'Interrupted.' : error.message);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
}
