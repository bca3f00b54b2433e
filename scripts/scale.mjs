// Fills an installation with as much data as a large one has, to measure with:
//   node scripts/scale.mjs opentera [--participants 100000] [--sessions 1000000] [--data ./data] [--seed 7] [--yes]
// An application that can be filled has a dist/scale.js. It works on DATABASE_URL where that is set.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build, fail, prepare, ROOT } from './prepare.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    participants: { type: 'string', default: '100000' },
    sessions: { type: 'string', default: '1000000' },
    data: { type: 'string', default: './data' },
    seed: { type: 'string', default: '7' },
    yes: { type: 'boolean', default: false },
  },
});
const [name, ...others] = positionals;
if (name === undefined || others.length > 0) fail('Say which application: node scripts/scale.mjs opentera', 2);
const [participants, sessions, seed] = ['participants', 'sessions', 'seed'].map((option) => {
  if (!/^[1-9]\d{0,8}$/.test(values[option]))
    fail(`--${option} takes a number from 1 on, and not '${values[option]}'`, 2);
  return Number(values[option]);
});

prepare();
if (!build()) fail('It could not be built: the errors are above.');
const [{ withApplication }, { confirm, say }, { Failure, report }] = await Promise.all(
  ['installation', 'terminal', 'failure'].map((file) => import(`../packages/cli/dist/${file}.js`)),
);
const app = join(ROOT, 'apps', name);
const scale = join(app, 'dist', 'scale.js');
if (!existsSync(scale)) fail(`There is no apps/${name}/src/scale.ts, which would say how to fill it.`, 2);
const { fillAtScale, holdsData } = await import(scale);

try {
  await withApplication({ data: values.data, app, new: true }, async (context) => {
    const wanted = `${participants} participants and ${sessions} sessions`;
    const question = `There is data in ${name} already. Add ${wanted} to it?`;
    if (!values.yes && (await holdsData(context)) && !(await confirm(question, '--yes'))) {
      throw new Failure('refused', 'Nothing was changed.');
    }
    const begun = performance.now();
    await fillAtScale(context, { participants, sessions }, seed, say);
    say(`${wanted}, in ${Math.round((performance.now() - begun) / 1000)} s.`);
  });
} catch (error) {
  process.exitCode = report(error);
}
