import { alternate, Disagreement, progress } from '../measure.js';
import { number, printTable } from '../table.js';
import { type Engine, engines } from './candidates.js';
import { type Check, type Workload, workload } from './workload.js';

const CHECKS = 1_000_000;

/** Workload A: decisions in memory, on one thread. */
export async function benchDecisions(seed: number, rounds: number): Promise<void> {
  const work = workload(seed, CHECKS);
  const all = await engines(work);
  const allowed = requireAgreement(all, work);
  const measured = await alternate(
    all.map(({ name, answer, checks }) => ({ name, amount: checks, run: (amount) => ask(answer, work, amount) })),
    rounds,
  );
  printTable(
    `A. Decisions in memory (1,000 users, 10,000 surveys; ${Math.round(allowed * 100)} % allowed; seed ${seed}; median of ${rounds} rounds)`,
    ['engine', 'checks/s', 'share of hand-written'],
    measured.map(({ name, perSecond, ratio }) => [name, number(perSecond), number(ratio)]),
  );
}

/** @returns the share of checks that are allowed */
function requireAgreement([reference, ...others]: readonly Engine[], { checks }: Workload): number {
  if (reference === undefined) throw new TypeError('there is nothing to compare');
  for (const { name, answer, checks: most } of others) {
    progress(`comparing the answers of ${name}`);
    for (const { user, action, survey } of checks.slice(0, most)) {
      if (answer(user, action, survey) !== reference.answer(user, action, survey)) {
        throw new Disagreement(`${name} on ${action} of survey ${survey} by user ${user}`);
      }
    }
  }
  const allowed = checks.filter(({ user, action, survey }) => reference.answer(user, action, survey));
  return allowed.length / checks.length;
}

function ask(answer: Engine['answer'], { checks }: Workload, amount: number): number {
  let allowed = 0;
  for (let index = 0; index < amount; index += 1) {
    const { user, action, survey } = checks[index] as Check;
    if (answer(user, action, survey)) allowed += 1;
  }
  return allowed;
}
