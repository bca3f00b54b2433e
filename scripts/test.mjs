// npm test: everything. Style, types, all tests on the built-in PostgreSQL, and those that need a database on another
// version of it where one is installed. Ends with a line that counts.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { build, compile, prepare, projects, ROOT, run } from './prepare.mjs';

const OTHER_POSTGRES = '/usr/lib/postgresql';
const DATABASE_HELPER = join(ROOT, 'packages/server/test/support/cluster.ts');
/** What these test needs a database, and does not depend on its version: the rules of applications, input, who asks. */
const VERSION_DOES_NOT_MATTER = [
  /\/apps\//,
  /\/(access(?!-search)|authoring|http|identity|json-api(?!-read)|keys|hostile|sign-on)[\w-]*\.test\.ts$/,
  /\/(actions|commands|forms|guest-refusals|metrics|nodes|own-application|presence-http|refresh|roots|static-tokens|tracing)\.test\.ts$/,
];

const total = { passed: 0, failed: 0, skipped: 0 };
prepare();
const reports = mkdtempSync(join(tmpdir(), 'ostiary-reports-'));
try {
  step('Style: biome check .', () => count(run('@biomejs/biome', 'biome', ['check', '.'])));
  const compiles = step('Types: tsc -b', () => count(build() && compile(['.']) ? 0 : 1));
  if (compiles) everyTest();
  else say('The tests were not run: they would test what was built before.');
} finally {
  rmSync(reports, { recursive: true, force: true });
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);

function everyTest() {
  step('Tests, on the built-in PostgreSQL', () => vitest('built-in', [], {}));
  const programs = otherPostgres();
  if (programs === undefined) {
    say(`NOT TESTED HERE: another version of PostgreSQL. There is none in ${OTHER_POSTGRES}; install postgresql-15.`);
    return;
  }
  step(`Tests that need a database, on ${programs}`, () =>
    vitest('other', testsWithDatabase(), { OSTIARY_TEST_POSTGRES: programs }),
  );
}

/** Runs tests and adds up what became of them. */
function vitest(name, files, environment) {
  const report = join(reports, `${name}.json`);
  const args = ['run', ...files, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = run('vitest', 'vitest', args, { env: { ...process.env, ...environment } });
  const before = total.failed;
  if (existsSync(report)) {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    total.passed += numPassedTests;
    total.failed += numFailedTests;
    total.skipped += numPendingTests + numTodoTests;
    // A file that could not be loaded has no tests to count.
    total.failed += testResults.filter(
      ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
    ).length;
  }
  if (code !== 0 && total.failed === before) total.failed += 1;
  return code === 0;
}

/** Test files that reach the helper which makes databases, however indirectly. */
function testsWithDatabase() {
  const files = projects().flatMap((folder) => {
    const path = join(ROOT, folder, 'test');
    return existsSync(path) ? readdirSync(path, { recursive: true }).map((file) => join(path, file)) : [];
  });
  const tests = files.filter(
    (file) =>
      file.endsWith('.test.ts') && !VERSION_DOES_NOT_MATTER.some((name) => name.test(file)) && reaches(file, new Set()),
  );
  return tests.map((file) => relative(ROOT, file));
}

function reaches(file, seen) {
  if (file === DATABASE_HELPER) return true;
  if (seen.has(file) || !existsSync(file)) return false;
  seen.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)'/g);
  return [...imports].some(([, path]) => reaches(resolve(dirname(file), path.replace(/\.js$/, '.ts')), seen));
}

/** The programs of the newest PostgreSQL that is installed as a package of the system. */
function otherPostgres() {
  if (!existsSync(OTHER_POSTGRES)) return undefined;
  const versions = readdirSync(OTHER_POSTGRES).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(OTHER_POSTGRES, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

function step(title, work) {
  console.log(`\n=== ${title}`);
  return work();
}

/** A check that is no test counts when it fails. */
function count(code) {
  if (code !== 0) total.failed += 1;
  return code === 0;
}

function say(line) {
  console.log(`\n*** ${line} ***`);
}
