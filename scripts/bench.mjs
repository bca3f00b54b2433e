// npm run bench: what Ostiary costs, beside peers in the same run. The peers are installed here alone, not by npm start.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build, compile, fail, install, prepare, ROOT } from './prepare.mjs';

const BENCH = join(ROOT, 'bench');

prepare();
if (!build()) fail('It could not be built: the errors are above.');
install(BENCH);
if (!compile(['bench'])) fail('The benchmark could not be built: the errors are above.');
const { status } = spawnSync(process.execPath, [join(BENCH, 'dist', 'main.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
