import { expect, test } from 'vitest';
import { crash } from './support/crash/rounds.js';

/** It ends itself before the test's time is over, so that nothing is left running. */
const MOST = 480_000;

/** A thousand rounds, with all applications: node scripts/crash.mjs */
test('fifty crashes lose nothing that was acknowledged, and leave nothing by half', {
  timeout: MOST + 60_000,
}, async () => {
  const { rounds, acknowledged, unanswered, refused } = await crash({
    rounds: 50,
    seed: 1,
    options: ['--app', 'open-data-capture'],
    signal: AbortSignal.timeout(MOST),
  });
  console.log(`${JSON.stringify(rounds)}: ${acknowledged} writes acknowledged, ${unanswered} without an answer`);
  expect(Math.min(...Object.values(rounds)), 'everything was killed').toBeGreaterThan(0);
  expect(unanswered, 'nothing was hit while it was written: kill earlier').toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});
