import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../server/test/support/cluster.js';
import { freePort, ROOT, type Running, serve, temporaryFolder } from './support/command.js';
import { databaseUrl } from './support/database-url.js';
import { type Block, blocksOf, isAsShown, openShell, type Shell, stepsOf, writeFiles } from './support/guide.js';
import { loadAll } from './support/load.js';

const blocks = await blocksOf('your-own-application.md');
const files = Object.fromEntries(
  blocks.flatMap(({ language, file, text }) => (language === 'js' && file !== undefined ? [[file, text]] : [])),
);
const fileNamed = (name: string): string => files[name] ?? '';

describe('the guide holds, line by line', () => {
  let home: string;
  let shell: Shell;
  let server: Running | undefined;
  let port: number;

  beforeAll(async () => {
    home = await temporaryFolder();
    await symlink(ROOT, join(home, 'ostiary'));
    shell = openShell(home, home);
    port = await freePort();
  });
  afterAll(async () => {
    shell?.close();
    await server?.stop();
  });

  test('every block is of a kind that is tested here', () => {
    const kinds = blocks.map(({ language, file }) => (file === undefined ? language : `${language} ${file}`));
    expect(kinds.filter((kind) => kind !== 'console')).toEqual([
      // The clone is built before the tests are.
      'sh',
      'js model.js',
      'js rules.js',
      'js index.js',
      'js scenarios.test.js',
      'json tsconfig.json',
      'json package.json',
      'ts src/index.ts',
    ]);
  });

  test('what it says to type gives what it shows', async () => {
    const folder = join(home, 'my-study');
    for (const block of blocks) {
      if (block.language === 'js' && block.file) await writeFiles(folder, { [block.file]: block.text });
      if (block.language === 'console') await runBlock(block, folder);
    }
    expect(server, 'the guide serves the application').toBeDefined();
  });

  async function runBlock(block: Block, folder: string): Promise<void> {
    for (const { command, shown } of stepsOf(block)) {
      const here = (text: string) => text.replaceAll('127.0.0.1:4000', `127.0.0.1:${port}`);
      if (command.startsWith('npx ostiary serve')) {
        server = await serve(['--app', folder, '--data', join(folder, 'data'), '--port', String(port)]);
        // A slow machine says that it waits.
        const said = server.said().replaceAll(/^Still waiting .*\n/gm, '');
        expect(isAsShown(said, here(shown)), `${said}\n--- and the guide shows:\n${shown}`).toBe(true);
        continue;
      }
      const { code, out } = await shell.run(here(command));
      // npm warns of the settings of whoever runs this.
      const said = out.replaceAll(/^npm warn .*\n?/gm, '');
      if (shown === '') expect(code, `${command}\n${said}`).toBe(0);
      else expect(isAsShown(said, here(shown)), `${command}\n${said}\n--- and the guide shows:\n${shown}`).toBe(true);
    }
  }

  test('in TypeScript it compiles, and is the same application', async () => {
    const folder = join(await temporaryFolder(), 'my-study');
    const [head = '', type = ''] = (blocks.find(({ file }) => file === 'src/index.ts')?.text ?? '').split('\n');
    const typed = fileNamed('index.js')
      .replace(/^import .* from '@ostiary\/server';$/m, head)
      .replace(/^\/\*\* @type .*\nexport const application = \{$/m, type);
    await writeFiles(folder, {
      'src/model.ts': fileNamed('model.js'),
      'src/rules.ts': fileNamed('rules.js'),
      'src/index.ts': typed,
      ...Object.fromEntries(blocks.filter(({ language }) => language === 'json').map(({ file, text }) => [file, text])),
    });
    expect(typed).toContain('application: Application');
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const tsc = openShell(folder, home);
    const { code, out } = await tsc.run(`${process.execPath} node_modules/typescript/bin/tsc`);
    tsc.close();
    expect({ code, out }).toEqual({ code: 0, out: '' });
    expect(await loadAll([folder])).toEqual(['loaded my-study']);
  });
});

const NODE_RUNS_TYPESCRIPT = 'typescript' in process.features && Boolean(process.features.typescript);

/** Folders that are laid out otherwise than the guide says, and what becomes of each. */
const FOLDERS: readonly (readonly [name: string, files: Readonly<Record<string, string>>, becomes: RegExp])[] = [
  ['an ES module by its package.json', { ...files, 'package.json': '{ "type": "module" }' }, /^loaded my-study$/],
  [
    'another file by its package.json',
    { 'a.mjs': "export * from './b.mjs';", 'b.mjs': inOne(), 'package.json': '{ "main": "a.mjs" }' },
    /^loaded my-study$/,
  ],
  ['index.mjs', { 'index.mjs': inOne() }, /^loaded my-study$/],
  [
    'packages of its own by our names, which are not used',
    {
      ...files,
      'node_modules/@ostiary/policy/package.json': '{ "name": "@ostiary/policy", "exports": "./index.js" }',
      'node_modules/@ostiary/policy/index.js': "throw new Error('this is another copy');",
    },
    /^loaded my-study$/,
  ],
  [
    'TypeScript, where Node runs it',
    { 'index.ts': inOne() },
    NODE_RUNS_TYPESCRIPT ? /^loaded my-study$/ : /^6 .*index\.ts is TypeScript, which Node runs since 22\.18/,
  ],
  [
    'nothing that was built',
    { 'package.json': '{ "exports": { ".": { "import": "./dist/index.js" } } }' },
    /^6 .* is not built: there is no .*dist\/index\.js/,
  ],
  ['no entry', { 'package.json': '{}' }, /^6 .* has no index\.js, and its package\.json names no other 'exports'/],
  ['a package.json that is not JSON', { ...files, 'package.json': '{' }, /^6 .*package\.json is not JSON/],
  [
    'a model in place of an application',
    { ...files, 'index.js': "export { study as application } from './model.js';" },
    /^6 .*application needs 'policy'|has no member 'name'/,
  ],
];

/** The guide's application as one file. */
function inOne(): string {
  const all = ['model.js', 'rules.js', 'index.js'].map(fileNamed).join('\n');
  return all.replaceAll(/^import .* from '\.\/.*$/gm, '');
}

test('folders of all kinds are loaded, or told why not', async () => {
  const root = await temporaryFolder();
  for (const [index, [, content]] of FOLDERS.entries()) await writeFiles(join(root, String(index)), content);
  const answers = await loadAll(FOLDERS.map((_, index) => join(root, String(index))));
  expect(FOLDERS.map(([name], index) => [name, answers[index]])).toEqual(
    FOLDERS.map(([name, , becomes]) => [name, expect.stringMatching(becomes)]),
  );
});

/** A mistake in the guide's own files: which text of which file becomes what, and what its author is told. */
type Mistake = readonly [name: string, file: string, from: string | RegExp, to: string, says: RegExp];

const MISTAKES: readonly Mistake[] = [
  // In the model
  [
    'a reference to no type',
    'model.js',
    "reference('Site')",
    "reference('Sites')",
    /Visit\.siteId: there is no resource type 'Sites' \(model\.js:4\)/,
  ],
  [
    'a field that was not made',
    'model.js',
    'text({ maxLength: 20 })',
    'text',
    /Visit\.participant is not a field: write text\(\)/,
  ],
  [
    'a misspelt option of a field',
    'model.js',
    '{ unique: true }',
    '{ uniqe: true }',
    /Site\.fields\.name has no member 'uniqe', but .*unique/,
  ],
  [
    'a type that was not made',
    'model.js',
    /Site: resource\((.*)\),\n/,
    'Site: $1,\n',
    /Site is not a resource type: write resource/,
  ],
  ['a misspelt part of the model', 'model.js', 'principals:', 'principal:', /a model needs 'principals'/],
  [
    'a kind of principal without a type',
    'model.js',
    "person: 'Person'",
    "person: 'Persons'",
    /principals\.person: there is no resource type 'Persons'/,
  ],
  [
    'a name that is reserved',
    'model.js',
    "'my-study'",
    "'ostiary'",
    /'ostiary' is a name that PostgreSQL or the installation uses/,
  ],
  ['a name that is no name', 'model.js', "'my-study'", "'My study'", /application\.policy\.model\.name must match/],
  [
    'two types at one address',
    'model.js',
    'fields: { name: text({ unique: true }) }',
    "fields: {}, collection: 'visits'",
    /Site is at \/api\/visits too: give one of them a 'collection'/,
  ],
  [
    'a field with a name of our own',
    'model.js',
    'participant:',
    'createdAt:',
    /Visit: 'createdAt' and 'created_at' are both 'created_at'/,
  ],
  [
    'two actions that are one word',
    'model.js',
    "['sign']",
    "['sign', 'can_read', 'can-read']",
    /'can_read' and 'can-read' are one word/,
  ],
  [
    'a default that is no value',
    'model.js',
    'default: false',
    "default: 'no'",
    /Visit\.fields\.signed\.default must be boolean/,
  ],
  [
    'a pattern that is none',
    'model.js',
    'maxLength: 20',
    "pattern: '['",
    /Visit\.fields\.participant: .*[Rr]egular expression/,
  ],
  // In the rules
  ['a misspelt field in a rule', 'rules.js', 'it.siteId', 'it.siteID', /Visit has no field 'siteID' \(rules\.js:\d+\)/],
  [
    'a misspelt option of a rule',
    'rules.js',
    'when: equal(it.signed',
    'wen: equal(it.signed',
    /Visit\/signed-stays: there is no option 'wen'/,
  ],
  [
    'a condition that is undefined',
    'rules.js',
    'when: isMonitor',
    'when: undefined',
    /Site\/monitor: 'when' is undefined/,
  ],
  ['a condition that is none', 'rules.js', 'when: isMonitor', 'when: true', /Site\/monitor: .* is not a condition/],
  [
    'an action that does not exist',
    'rules.js',
    "'delete', 'sign'",
    "'delete', 'seal'",
    /Visit\/staff: Visit has no action 'seal'/,
  ],
  [
    'an action that is not in a list',
    'rules.js',
    "actions: ['read']",
    "actions: 'read'",
    /Site\/staff: 'actions' is not a list/,
  ],
  [
    'a rule without its source',
    'rules.js',
    "source: 'house rules',",
    '',
    /Person\/self: it lacks its sentence or source/,
  ],
  [
    'a role that does not exist',
    'rules.js',
    'when: isMonitor',
    "when: holds('Site monitor')",
    /ReferenceError: holds is not defined \(rules\.js:\d+\)|there is no role 'Site monitor'/,
  ],
  [
    'a kind of principal that does not exist',
    'rules.js',
    'const { person }',
    'const { persn: person }',
    /Cannot read properties of undefined \(reading 'role'\) \(rules\.js:\d+\)/,
  ],
  [
    'unlike things compared',
    'rules.js',
    'equal(it.signed, true)',
    'equal(it.signed, it.on)',
    /Visit\/signed-stays: a value of boolean is compared with one of date/,
  ],
  ['a word that no choice has', 'rules.js', "person.role, 'monitor'", "it, 'monitor'", /it is not defined/],
  // In what is exported
  [
    'no application',
    'index.js',
    'export const application',
    'export const aplication',
    /index\.js exports no 'application', but only aplication/,
  ],
  [
    'a default export',
    'index.js',
    'export const application =',
    'export default',
    /exports no 'application', but only default/,
  ],
  ['a missing part', 'index.js', /administrator: .*\n/, '\n', /application needs 'administrator'/],
  ['a misspelt part', 'index.js', 'personas:', 'persona:', /application has no member 'persona', but .*personas/],
  [
    'a log-in of no kind',
    'index.js',
    'logins: { person:',
    'logins: { persn:',
    /logins\.persn: there is no kind of principal 'persn', but person/,
  ],
  [
    'a log-in by a field that is not there',
    'index.js',
    "login: 'name'",
    "login: 'username'",
    /logins\.person\.login: Person has no field 'username'/,
  ],
  [
    'a sign-on by a field that is not there',
    'index.js',
    'logins: {',
    "signOn: { kind: 'person', email: 'mail' }, logins: {",
    /signOn\.email: Person has no field 'mail'/,
  ],
  [
    'a sign-on by a field that is no text',
    'index.js',
    'logins: {',
    "signOn: { kind: 'person', email: 'password' }, logins: {",
    /signOn\.email: Person\.password is not a text/,
  ],
  [
    'a misspelt part of a sign-on',
    'index.js',
    'logins: {',
    "signOn: { kind: 'person', mail: 'name' }, logins: {",
    /application\.signOn has no member 'mail', but kind, email, newAccounts, connections/,
  ],
  [
    'a password that can be read',
    'index.js',
    "password: 'password', path",
    "password: 'name', path",
    /Person\.name is not a secret text/,
  ],
  [
    'an address that is taken',
    'index.js',
    "'/auth/login'",
    "'/api/login'",
    /\/api\/login is an address of every application/,
  ],
  [
    'an administrator of no kind',
    'index.js',
    "administrator: { kind: 'person'",
    "administrator: { kind: 'admin'",
    /administrator\.kind: there is no kind of principal 'admin'/,
  ],
  [
    'an administrator with a wrong value',
    'index.js',
    "values: { role: 'admin' }",
    "values: { role: 'root' }",
    /administrator\.values\.role: must be one of staff, monitor, admin/,
  ],
  [
    'a handler of no action',
    'index.js',
    "action: 'sign'",
    "action: 'seal'",
    /actions\[0\]\.action: Visit has no action 'seal', but sign/,
  ],
  [
    'a persona with a misspelt attribute',
    'index.js',
    "{ role: 'monitor' }",
    "{ rol: 'monitor' }",
    /personas\['Monitor'\]\.attributes: Person has no field 'rol'/,
  ],
  [
    'a persona with no such role',
    'index.js',
    "{ role: 'monitor' }, roles: []",
    "{ role: 'monitor' }, roles: ['Site monitor']",
    /there is no role 'Site monitor', but none/,
  ],
  [
    'an unknown algorithm',
    'index.js',
    'personas:',
    "tokens: { algorithm: 'none', lifetimeSeconds: 60 },\n  personas:",
    /tokens\.algorithm must be one of ES256, EdDSA, HS256/,
  ],
  [
    'an import that is not there',
    'index.js',
    'DEMO_PASSWORD, Type }',
    'DEMO_PASWORD, Type }',
    /does not provide an export named 'DEMO_PASWORD' \(index\.js:2\)/,
  ],
  ['a file that is not there', 'index.js', "'./rules.js'", "'./rule.js'", /Cannot find module .*rule\.js/],
  ['a syntax error', 'index.js', 'actions: [', 'actions [', /SyntaxError: .* \(index\.js:\d+\)/],
  [
    'something that is thrown',
    'index.js',
    'export const',
    "throw new Error('not yet');\nexport const",
    /Error: not yet \(index\.js:\d+\)/,
  ],
  [
    'CommonJS in an ES module',
    'index.js',
    /^import (\{ studyPolicy \}) from (.*);$/m,
    'const $1 = require($2);',
    /require is not defined.* write import in place of require/,
  ],
];

/** The same in what only a database finds out, one after the other on the same one: a blank makes no mistake. */
const MISTAKES_IN_DATA: readonly Mistake[] = [
  [
    'a required field is missing',
    'index.js',
    ", on: '2026-03-02'",
    '',
    /create\('Visit', …\): on is missing \(index\.js:\d+\)/,
  ],
  [
    'a field is misspelt',
    'index.js',
    "participant: 'L-01'",
    "patient: 'L-01'",
    /create\('Visit', …\): participant is missing/,
  ],
  [
    'an await is forgotten',
    'index.js',
    'const ghent = await',
    'const ghent =',
    /create\('Visit', …\): siteId must be string/,
  ],
  [
    'a value is there twice',
    'index.js',
    "name: 'Ghent'",
    "name: 'Leuven'",
    /create\('Site', …\): .*exists.* \(index\.js:\d+\)/,
  ],
  [
    'a type does not exist',
    'index.js',
    "create('Visit'",
    "create('Visits'",
    /there is no resource type 'Visits' \(index\.js:\d+\)/,
  ],
  [
    'it throws',
    'index.js',
    'const password =',
    'nothing(); const password =',
    /ReferenceError: nothing is not defined \(index\.js:\d+\)/,
  ],
  [
    'an account is not made',
    'index.js',
    "login: 'ida'",
    "login: 'ina'",
    /demo\.accounts names 'ina', whom demo\.load does not make/,
  ],
  ['none', 'index.js', '', ' ', /^my-study$/],
  [
    'a field that changes its type',
    'model.js',
    'on: date()',
    'on: boolean()',
    /Visit\.on is stored as date, but the model says boolean/,
  ],
  [
    'a new field that there is no value for',
    'model.js',
    'on: date()',
    'on: date(), off: date()',
    /Visit\.off is new and required/,
  ],
];

describe.each([
  ['before anything is opened', MISTAKES, false],
  ['when a database is opened', MISTAKES_IN_DATA, true],
] as const)('mistakes are told, with the place and what to do: %s', (_, mistakes, withDatabase) => {
  let database: TestDatabase | undefined;
  let told: ReadonlyMap<string, string>;

  beforeAll(async () => {
    if (withDatabase) database = await testDatabase();
    const root = await temporaryFolder();
    for (const [index, [name, file, from, to]] of mistakes.entries()) {
      const wrong = fileNamed(file).replace(from, to);
      if (wrong === fileNamed(file)) throw new Error(`'${name}' changes nothing: the guide has no ${from} in ${file}`);
      await writeFiles(join(root, String(index)), { ...files, [file]: wrong });
    }
    const folders = mistakes.map((_mistake, index) => join(root, String(index)));
    const answers = await loadAll(folders, database ? { DATABASE_URL: databaseUrl(database.config) } : {});
    told = new Map(mistakes.map(([name], index) => [name, answers[index] ?? '']));
  });
  afterAll(() => database?.drop());

  test.each(mistakes)('%s', (name, _file, _from, _to, says) => {
    const [code, ...message] = (told.get(name) ?? '').split(' ');
    const expected = name === 'none' ? 'loaded' : '6';
    expect({ code, message: message.join(' ') }).toEqual({ code: expected, message: expect.stringMatching(says) });
    expect(message.join(' '), 'one line, and no stack trace').not.toContain('\n');
  });
});
