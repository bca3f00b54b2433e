import { expect, test } from 'vitest';
import { crash } from './support/crash/rounds.js';

/** A thousand rounds: node scripts/crash.mjs */
test('fifty crashes lose nothing that was acknowledged, and leave nothing by half', { timeout: 300_000 }, async () => {
  const { rounds, acknowledged, unanswered, refused } = await crash({ rounds: 50, seed: 1 });
  console.log(`${JSON.stringify(rounds)}: ${acknowledged} writes acknowledged, ${unanswered} without an answer`);
  expect(Math.min(...Object.values(rounds)), 'everything was killed').toBeGreaterThan(0);
  expect(unanswered, 'nothing was hit while it was written: kill earlier').toBeGreaterThan(0);
  expect(refused).toBeGreaterThan(0);
});
