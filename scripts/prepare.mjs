// Makes a clone ready to run: installs and builds what is missing, and nothing else. Plain Node, without dependencies.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODULES = join(ROOT, 'node_modules');
const STAMPS = join(MODULES, '.ostiary');
/** Where Node, from 22 on, keeps compiled code for the next start. */
export const COMPILED = join(STAMPS, 'compiled');

/** Checks the version of Node, and installs from the lockfile where it changed. Ends the process where it can't. */
export function prepare() {
  requireNode();
  install();
}

function requireNode() {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const [major, minor] = engines.node.match(/\d+/g).map(Number);
  const [ours, oursMinor] = process.versions.node.split('.').map(Number);
  if (ours > major || (ours === major && oursMinor >= minor)) return;
  fail(`Ostiary needs Node ${major}.${minor} or later, and this is ${process.versions.node}: see https://nodejs.org`);
}

/** Installs a project of npm's where its lockfile changed. */
export function install(folder = ROOT) {
  const lock = readFileSync(join(folder, 'package-lock.json'));
  const wanted = `${digest(lock)} ${process.platform}-${process.arch}`;
  const note = folder === ROOT ? 'installed' : `installed-${basename(folder)}`;
  if (stamp(note) === wanted && existsSync(join(folder, 'node_modules'))) return;
  if (!isInstalled(folder, JSON.parse(lock))) {
    console.log('Installing what is needed, from the lockfile: this takes a moment, once ...');
    // The tools that build it are wanted also where NODE_ENV says production.
    const failed = npm(folder, ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund']);
    if (failed) fail('The dependencies could not be installed: npm says why above. Then run this again.');
  }
  stamp(note, wanted);
}

/** Whether npm's own record of what is there agrees with the lockfile, as after an `npm install` by hand. */
function isInstalled(folder, { packages }) {
  const record = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const there = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(packages).every(
    ([path, { version, link, optional }]) =>
      !path.startsWith('node_modules/') || (there[path] ? link || there[path].version === version : optional),
  );
}

function npm(folder, args) {
  const ours = process.env.npm_execpath;
  const [program, first] = ours?.endsWith('.js') ? [process.execPath, [ours]] : ['npm', []];
  const { status } = spawnSync(program, [...first, ...args], {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32' && program === 'npm',
  });
  return status !== 0;
}

/** Packages and applications, found and not listed: a new one is a new folder. */
export function projects() {
  return ['packages', 'apps'].flatMap((parent) =>
    readdirSync(join(ROOT, parent))
      .sort()
      .map((name) => join(parent, name))
      .filter((folder) => existsSync(join(ROOT, folder, 'tsconfig.json'))),
  );
}

/** Builds where a source changed: here, and in a folder elsewhere. Returns whether everything is built. */
export function build(elsewhere) {
  return buildHere() && (elsewhere === undefined || buildElsewhere(elsewhere));
}

/** An application that is written in TypeScript and lies elsewhere: the compiler finds out what changed. */
function buildElsewhere(folder) {
  if (!existsSync(join(folder, 'tsconfig.json')) || projects().some((own) => resolve(ROOT, own) === folder))
    return true;
  if (compile([folder])) return true;
  if (!existsSync(join(folder, 'node_modules', '@ostiary'))) {
    console.error(`\nFor the types of @ostiary/*: ln -s ${join(ROOT, 'node_modules')} ${folder}`);
  }
  return false;
}

function buildHere() {
  const all = projects();
  const sources = digest(
    JSON.stringify([...listing('package-lock.json'), ...listing('tsconfig.base.json'), ...all.flatMap(sourcesOf)]),
  );
  const complete = all.every((folder) => existsSync(join(ROOT, folder, 'dist', '.tsbuildinfo')));
  if (complete && stamp('built') === sources) return true;
  console.log('Building ...');
  if (!compile(all)) return false;
  stamp('built', sources);
  return true;
}

/** Runs the TypeScript compiler. Returns whether it found nothing wrong. */
export function compile(folders) {
  return run('typescript', 'tsc', ['-b', ...folders]) === 0;
}

/** Runs the program of an installed package with this Node. Returns its exit code. */
export function run(name, bin, args, options = {}) {
  const folder = join(MODULES, name);
  const { bin: bins } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const program = join(folder, typeof bins === 'string' ? bins : bins[bin]);
  return spawnSync(process.execPath, [program, ...args], { cwd: ROOT, stdio: 'inherit', ...options }).status ?? 1;
}

function sourcesOf(folder) {
  return [join(folder, 'package.json'), join(folder, 'tsconfig.json'), join(folder, 'src')].flatMap(listing);
}

/** Names, sizes and times of all files below a path. */
function listing(path) {
  const stats = statSync(join(ROOT, path), { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return stats ? [[path, stats.size, stats.mtimeMs]] : [];
  return readdirSync(join(ROOT, path))
    .sort()
    .flatMap((name) => listing(join(path, name)));
}

function digest(content) {
  return createHash('sha256').update(content).digest('hex');
}

/** Reads a note in node_modules of what was done last, or writes one. */
function stamp(name, content) {
  const path = join(STAMPS, name);
  if (content === undefined) return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return content;
}

export function fail(message, code = 6) {
  console.error(`ostiary: ${message}`);
  process.exit(code);
}
