import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  databasesIn,
  logIn,
  makeDataFolder,
  ONE,
  ostiary,
  ROOT,
  type Running,
  serve,
  temporaryFolder,
} from './support/command.js';

describe('on an installation of one application, with demo data', () => {
  let folder: string;
  let data: string;
  let server: Running;
  const on = () => ['--data', data, ...ONE];

  beforeAll(async () => {
    folder = await temporaryFolder();
    data = await makeDataFolder(join(folder, 'data'));
    server = await serve(['--port', '0', ...on()]);
    await server.stop();
  });

  test('check says yes or no, and why', async () => {
    const yes = await ostiary(['check', 'admin', 'delete', 'Session', ...on()]);
    expect(yes).toMatchObject({ code: 0, out: expect.stringMatching(/^yes\n/) });
    const no = await ostiary(['check', 'user:JaneDoe', 'create', 'User', ...on()]);
    expect(no).toMatchObject({ code: 1, out: expect.stringMatching(/^no\n {2}missing: /) });
    const own = await ostiary(['check', 'JaneDoe', 'read', 'User', 'JaneDoe', ...on()]);
    expect(own).toMatchObject({ code: 0, out: expect.stringContaining('by the rule User/') });
  });

  test.each([
    [['nobody', 'read', 'Session'], /There is no principal 'nobody'/],
    [['admin', 'frob', 'Session'], /the action is none of .*read/],
    [['admin', 'read', 'Sesion'], /the type is none of .*Session/],
  ])('check %j is a mistake', async (args, says) => {
    const { code, err } = await ostiary(['check', ...args, ...on()]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(says) });
  });

  test('explain shows the rules as a tree, with their references and what is missing', async () => {
    const { code, out } = await ostiary(['explain', 'FrancoisBouchard', 'delete', 'Session', ...on()]);
    expect(code).toBe(1);
    expect(out).toContain('FrancoisBouchard may delete Session: no');
    expect(out).toMatch(/✗ Session\/admin allows\n {2}"An administrator .*" \(.+\)\n {2}✗ /);
    expect(out).toMatch(/Missing:\n {2}- /);
  });

  test('commands that read refuse where there is nothing, and make nothing', async () => {
    const nowhere = join(folder, 'nowhere');
    for (const args of [
      ['check', 'admin', 'read', 'User'],
      ['backup', join(folder, 'b')],
      ['keys', 'rotate'],
      ['user', 'create', '--password-stdin'],
      ['setup-link'],
    ]) {
      const app = ['backup', 'keys'].includes(args[0] ?? '') ? [] : ONE;
      const { code, err } = await ostiary([...args, '--data', nowhere, ...app]);
      expect({ args, code, err }).toEqual({
        args,
        code: 2,
        err: expect.stringContaining('There is no installation in the data folder'),
      });
    }
    await expect(stat(nowhere)).rejects.toThrow('ENOENT');
  });

  test('an installation is made by a command only where it is told to', async () => {
    const made = await makeDataFolder(join(folder, 'made'));
    const link = ['setup-link', '--data', made, ...ONE];
    expect(await ostiary(link)).toMatchObject({ code: 2, err: expect.stringContaining(made) });
    const { code, out, err } = await ostiary([...link, '--new']);
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringContaining('http://127.0.0.1:4000/open-data-capture/'),
    });
    expect(err).toContain('--url');
    expect(err).not.toContain('demo data of');
    expect(await ostiary(link)).toMatchObject({ code: 0 });
  });

  test('keys rotate says so where there are none', async () => {
    expect(await ostiary(['keys', 'rotate', ...on()])).toMatchObject({
      code: 1,
      err: expect.stringContaining('change SECRET_KEY'),
    });
  });

  test('commands work beside a running server, and leave it running', async () => {
    const live = await serve(['--port', '0', ...on()]);
    expect(await ostiary(['check', 'admin', 'read', 'Session', ...on()])).toMatchObject({ code: 0 });
    expect(await ostiary(['backup', join(folder, 'live.backup'), '--data', data])).toMatchObject({ code: 0 });
    expect((await fetch(`${live.url}/readyz`)).status).toBe(200);
    expect((await live.stop()).code).toBe(0);
  });

  test('a service key is printed once, asks for decisions, and is refused once it is revoked', async () => {
    const live = await serve(['--port', '0', ...on()]);
    const made = await ostiary(['service-key', 'create', '--name', 'the portal', '--expires', '2999-01-31', ...on()]);
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^osk_\S+\n$/) });
    const [, id = ''] = made.out.split('_');
    const listed = await ostiary(['service-key', 'list', ...on()]);
    expect(listed.out).toMatch(
      new RegExp(`^${id}  made \\S+  good until 2999-01-31T00:00:00.000Z  not trusted  the portal\n$`),
    );
    expect(listed.out).not.toContain(made.out.trim());

    const ask = () =>
      fetch(`${live.url}/access/v1/evaluation`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${made.out.trim()}` },
        body: JSON.stringify({
          subject: { type: 'user', id: 'JaneDoe' },
          action: { name: 'read' },
          resource: { type: 'Group', id: 'Depression Clinic' },
        }),
      });
    expect(await (await ask()).json()).toEqual({ decision: true });
    const unasked = await ostiary(['service-key', 'revoke', id, ...on()]);
    expect(unasked).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
    expect(await ostiary(['service-key', 'revoke', id, '--yes', ...on()])).toMatchObject({ code: 0 });
    expect((await ask()).status).toBe(401);
    await live.stop();
  });

  test.each([
    [['create', '--name', 'x', '--expires', '2020-01-01'], /It is in the past/],
    [['revoke', 'x', '--yes'], /There is no service key 'x'/],
  ])('service-key %j is a mistake', async (args, says) => {
    const { code, err } = await ostiary(['service-key', ...args, ...on()]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(says) });
  });

  test('a backup is restored into a fresh folder: the same rows, and everyone can log in', async () => {
    const file = join(folder, 'one.backup');
    const made = await ostiary(['backup', file, '--data', data]);
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^Wrote \d+ rows of \d+ tables/) });
    expect((await stat(file)).mode & 0o777, 'nobody else may read it').toBe(0o600);
    expect(await ostiary(['backup', file, '--data', data])).toMatchObject({
      code: 1,
      err: expect.stringContaining('--force'),
    });

    const fresh = ['--data', await makeDataFolder(join(folder, 'fresh'))];
    const unasked = await ostiary(['restore', file, ...fresh]);
    expect(unasked).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
    const restored = await ostiary(['restore', file, '--yes', ...fresh]);
    expect(restored).toMatchObject({ code: 0, err: expect.not.stringContaining('ostiary:') });
    const counted = /\d+ rows of \d+ tables/;
    expect(counted.exec(restored.out)?.[0]).toBe(counted.exec(made.out)?.[0]);

    const again = await ostiary(['restore', file, '--yes', ...fresh]);
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('only restored into an empty database') });
    const second = join(folder, 'two.backup');
    await ostiary(['backup', second, ...fresh]);

    const copy = await serve(['--port', '0', ...fresh, ...ONE]);
    expect(copy.said(), 'a restored installation is what it was').not.toContain('Loading');
    expect((await logIn(copy.url, 'JaneDoe', 'ostiary-demo')).status).toBe(200);
    await copy.stop();
    expect(await databasesIn(folder)).toEqual([]);
  });

  test('a command does not add an application to an installation', async () => {
    const other = await otherApplication(await temporaryFolder());
    for (const args of [['check', 'admin', 'read', 'User'], ['setup-link']]) {
      const { code, err } = await ostiary([...args, '--app', other, '--data', data]);
      expect({ args, code, err }).toEqual({
        args,
        code: 2,
        err: expect.stringContaining('has open-data-capture, and not other'),
      });
    }
  });

  test('what is not a backup is not restored', async () => {
    const file = join(folder, 'not.backup');
    await writeFile(file, 'hello');
    const { code, err } = await ostiary(['restore', file, '--yes', '--data', join(folder, 'other')]);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('not a backup of Ostiary') });
  });
});

/** The folder of an application that is not under apps/: Open Data Capture under another name, with keys of its own. */
async function otherApplication(folder: string): Promise<string> {
  const app = pathToFileURL(join(ROOT, 'apps/open-data-capture/dist/index.js')).href;
  await writeFile(join(folder, 'package.json'), '{"type":"module","exports":"./index.js"}');
  await writeFile(
    join(folder, 'index.js'),
    `import { application as original } from '${app}';
     const { policy } = original;
     export const application = {
       ...original,
       policy: { ...policy, model: { ...policy.model, name: 'other' } },
       tokens: { algorithm: 'ES256', lifetimeSeconds: 60 },
     };`,
  );
  return folder;
}

describe('on an installation of an application from elsewhere', () => {
  let folder: string;
  let app: string;
  let data: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    app = await otherApplication(await temporaryFolder());
    data = await makeDataFolder(join(folder, 'data'));
    const server = await serve(['--port', '0', '--data', data, '--app', app, '--no-demo']);
    expect(server.said(), 'what it prints names this installation').toContain(`--app ${app} --data ${data}`);
    const link = await ostiary(['setup-link', '--app', app, '--data', data]);
    expect(link).toMatchObject({ code: 0, out: expect.stringContaining(`curl -s ${server.url}/setup`) });
    await server.stop();
  });

  test('its keys are rotated, and others are not added', async () => {
    const unnamed = await ostiary(['keys', 'rotate', '--data', data]);
    expect(unnamed).toMatchObject({ code: 2, out: '', err: expect.stringContaining('other') });
    const rotated = await ostiary(['keys', 'rotate', '--data', data, '--app', app]);
    expect(rotated).toMatchObject({ code: 0, out: expect.stringMatching(/^ES256 \S+\n$/) });
    const missing = await ostiary(['check', 'admin', 'read', 'User', '--data', data, ...ONE]);
    expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('has other, and not open-data-capture') });
  });

  test('it is backed up and restored', async () => {
    const file = join(folder, 'other.backup');
    expect(await ostiary(['backup', file, '--data', data])).toMatchObject({ code: 0 });
    const fresh = ['--data', await makeDataFolder(join(folder, 'fresh'))];
    const unnamed = await ostiary(['restore', file, '--yes', ...fresh]);
    expect(unnamed).toMatchObject({ code: 2, err: expect.stringContaining('holds other') });
    expect(await ostiary(['restore', file, '--yes', '--app', app, ...fresh])).toMatchObject({ code: 0 });
    expect(await ostiary(['keys', 'rotate', '--app', app, ...fresh])).toMatchObject({ code: 0 });
  });
});

describe('matrix', () => {
  test('prints, writes and compares', async () => {
    const folder = await temporaryFolder();
    const app = pathToFileURL(join(ROOT, 'apps/open-data-capture/dist/index.js')).href;
    await writeFile(join(folder, 'package.json'), '{"type":"module","exports":{".":{"import":"./index.js"}}}');
    await writeFile(join(folder, 'index.js'), `export { application } from '${app}';`);
    const golden = join(folder, 'matrix.golden.md');

    const printed = await ostiary(['matrix', '--app', folder]);
    expect(printed).toMatchObject({ code: 0, out: expect.stringContaining('| Session: read | yes |') });
    expect(await ostiary(['matrix', '--check', '--app', folder])).toMatchObject({ code: 1 });
    expect(await ostiary(['matrix', '--write', '--app', folder])).toMatchObject({ code: 0 });
    expect(await ostiary(['matrix', '--check', '--app', folder])).toEqual({ code: 0, out: '', err: '' });
    const text = await readFile(golden, 'utf8');
    expect(text).toBe(printed.out);
    await writeFile(golden, text.replace('| Session: read | yes |', '| Session: read | – |'));
    const differs = await ostiary(['matrix', '--check', '--app', folder]);
    expect(differs.code).toBe(1);
    expect(
      differs.out
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(0, 25)),
    ).toEqual(['- | Session: read | – | i', '+ | Session: read | yes |']);
    expect(differs.err).toContain(`npx ostiary matrix --write --app ${folder}`);
  });
});
