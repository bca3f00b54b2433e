// npm start: makes the clone ready, then serves, in this process. The script of package.json begins with `exec`, so that
// no shell stands between npm and this: npm would pass a signal to the shell alone. Elsewhere: node scripts/start.mjs
import module from 'node:module';
import { resolve } from 'node:path';
import { build, COMPILED, fail, prepare } from './prepare.mjs';

refuseLostOptions();
prepare();
if (!build(applicationElsewhere(process.argv.slice(2)))) fail('It could not be built: the errors are above.');
module.enableCompileCache?.(COMPILED);
if (process.env.npm_lifecycle_event) stopWithParent();
const { run } = await import('../packages/cli/dist/main.js');
process.exit(await run(['serve', ...process.argv.slice(2)]));

/** Without `--` before them, npm takes options for its own, and tells of them only in the environment. */
function refuseLostOptions() {
  if (process.env.npm_lifecycle_event !== 'start') return;
  const lost = ['port', 'host', 'data', 'demo', 'app'].filter(
    (name) => process.env[`npm_config_${name}`] !== undefined,
  );
  if (lost.length > 0) fail(`npm took --${lost[0]} for itself. Write -- before it: npm start -- --${lost[0]} ...`, 2);
}

/** The folder that `--app` names, where the command finds it too. */
function applicationElsewhere(args) {
  const at = args.findIndex((arg) => arg === '--app' || arg.startsWith('--app='));
  const named = args[at] === '--app' ? args[at + 1] : args[at]?.slice('--app='.length);
  return named ? resolve(named) : undefined;
}

/** Stops when whoever started this is gone: nobody could stop it by Ctrl-C any more. */
function stopWithParent() {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 500);
  timer.unref();
}
