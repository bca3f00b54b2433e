import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { visibleJson } from '../src/visible.js';
import { logIn, makeDataFolder, ONE, ostiary, serve, temporaryFolder } from './support/command.js';

describe('the audit trail of an installation', () => {
  let folder: string;
  let data: string;
  const on = () => ['--data', data];

  beforeAll(async () => {
    folder = await temporaryFolder();
    data = await makeDataFolder(join(folder, 'data'));
    const live = await serve(['--port', '0', '--data', data]);
    await logIn(`${live.url}/open-data-capture`, 'JaneDoe', 'ostiary-demo');
    await logIn(`${live.url}/open-data-capture`, 'JaneDoe', '=wrong');
    expect((await live.stop()).code).toBe(0);
  });

  test('is sealed when the server stops, and whole', async () => {
    const { code, out, err } = await ostiary(['audit', 'verify', ...on()]);
    // A slow machine says how far it is.
    expect({ code, err: err.replaceAll(/^\d+ of \d+ places .*\n/gm, '') }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Installation \S+, seq 1 to \d+\.\n\d+ seals, \d+ entries compared, \d+ checkpoints?\.\n/);
    expect(out).toMatch(/Signed with the key [\w-]{43}\.\nWhole: /);
    expect(out, 'what can only be told with a checkpoint').toMatch(/signed with the keys above\.\n.*kept elsewhere:\n/);
    expect(out, 'nothing was left').not.toContain('wait');
  });

  test('is searched by who, what, which, when and how it ended', async () => {
    await serve(['--port', '0', ...ONE, ...on()]);
    const found = async (...filters: string[]) => (await ostiary(['audit', 'search', ...filters, ...on()])).out;
    expect(await found('--who', 'JaneDoe', '--what', 'login', '--outcome', 'refused')).toMatch(
      /^\S+Z {2}open-data-capture {2}\S*JaneDoe {2}login\.failed refused\n$/,
    );
    expect(await found('--who', 'user:JaneDoe', '--what', 'login.succeeded')).toMatch(
      /user:JaneDoe {2}login\.succeeded allowed/,
    );
    const whole = (await found('--app', 'open-data-capture', '--type', 'Session', '--limit', '1', '--json')).trim();
    const { recordId } = JSON.parse(whole);
    expect(await found('--record', recordId, '--what', 'create', '--app', 'open-data-capture')).toContain(recordId);
    const application = fileURLToPath(new URL('../../../apps/open-data-capture', import.meta.url));
    expect(await found('--app', application, '--limit', '1')).toContain('open-data-capture');
    expect(await found('--until', '2000-01-01')).toBe('');
    expect(await found('--what', 'audit.read', '--app', 'ostiary')).toContain('ostiary  -  audit.read allowed');
  });

  test.each([
    [['search', '--from', 'yesterday'], 'It is a date such as'],
    [['search', '--outcome', 'fine'], 'allowed, refused, failed'],
    [['search', '--from', '2026-02-31'], 'It is a date such as'],
    [['search', '--app', 'nothing'], 'There is no application in'],
    [['search', '--app', '.'], 'There is no application in'],
    [['verify', '.'], 'is a folder'],
    [['verify', '/nowhere/at-all'], "can't be read"],
    [['verify', '--checkpoint', '/nowhere/at-all'], "can't be read"],
  ])('audit %j is a mistake', async (args, says) => {
    const { code, err } = await ostiary(['audit', ...args, ...on()]);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining(says) });
  });

  test('is exported into a file that anyone can verify, and that is not whole once it was edited', async () => {
    await serve(['--port', '0', ...ONE, ...on()]);
    const file = join(folder, 'audit.jsonl');
    const made = await ostiary(['audit', 'export', '--out', file, ...on()]);
    expect(made).toMatchObject({ code: 0, out: `Wrote ${file}.\n` });
    expect((await stat(file)).mode & 0o777, 'nobody else may read it').toBe(0o600);
    expect(await ostiary(['audit', 'export', '--out', file, ...on()])).toMatchObject({ code: 1 });
    const [, key = ''] = /key ([\w-]{43})\./.exec((await ostiary(['audit', 'verify', file])).out) ?? [];
    expect(await ostiary(['audit', 'verify', file, '--key', key])).toMatchObject({ code: 0 });
    expect(await ostiary(['audit', 'verify', file, '--key', 'another'])).toMatchObject({ code: 8 });

    const text = await readFile(file, 'utf8');
    expect(text).not.toContain('ostiary-demo');
    await writeFile(
      file,
      text.replace('"event":"login.failed","outcome":"refused"', '"event":"login.failed","outcome":"allowed"'),
    );
    const { code, out } = await ostiary(['audit', 'verify', file]);
    expect({ code, out }).toEqual({
      code: 8,
      out: expect.stringMatching(/^changed .* login\.failed: it is not what was sealed\n/),
    });
    expect(out).toMatch(/NOT WHOLE: 1 fault\.\n$/);
    const csv = await ostiary(['audit', 'export', '--format', 'csv', '--what', 'login.failed', ...on()]);
    expect(csv.out.split('\r\n')).toHaveLength(3);
    expect(await ostiary(['audit', 'verify', join(data, 'PG_VERSION')])).toMatchObject({ code: 2 });
  });

  test('has checkpoints to be kept elsewhere, and a key that can be changed', async () => {
    await serve(['--port', '0', ...ONE, ...on()]);
    const { code, out } = await ostiary(['audit', 'checkpoint', ...on()]);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/) });
    const kept = join(folder, 'checkpoint.txt');
    await writeFile(kept, out);
    const rotated = await ostiary(['keys', 'rotate', '--audit', ...on()]);
    expect(rotated).toMatchObject({ code: 0, out: expect.stringMatching(/^[\w-]{43}\n$/) });
    for (const given of [kept, out.trim()]) {
      const { code, out } = await ostiary(['audit', 'verify', '--checkpoint', given, ...on()]);
      expect({ code, out }).toEqual({
        code: 0,
        out: expect.stringMatching(/Whole: up to seq \d+, nothing .* cut off\./),
      });
    }
  });

  test('prints nothing that looks like a line of its own', async () => {
    const file = join(folder, 'forged.jsonl');
    const made = await ostiary(['audit', 'export', ...on()]);
    const forged = made.out.replace('"event":"login.failed"', '"event":"\\nWhole: \\u001b[2J\u202e\u2028"');
    await writeFile(file, forged);
    const { code, out } = await ostiary(['audit', 'verify', file]);
    expect({ code, out }).toEqual({
      code: 8,
      out: expect.stringContaining('\\u{a}Whole: \\u{1b}[2J\\u{202e}\\u{2028}'),
    });
    expect(visibleJson('\u202e\u{e0041}')).toBe('"\\u202e\\udb40\\udc41"');
    expect(JSON.parse(visibleJson('\u202e\u{e0041}\n'))).toBe('\u202e\u{e0041}\n');
  });

  test('is carried along by a backup, which tells of itself, and goes on where that is restored', async () => {
    const kept = (await ostiary(['audit', 'checkpoint', ...on()])).out.trim();
    const file = join(folder, 'audit.backup');
    expect(await ostiary(['backup', file, ...on()])).toMatchObject({ code: 0 });
    expect(await ostiary(['backup', file, ...on()]), 'it is there already').toMatchObject({ code: 1 });
    const fresh = ['--data', await makeDataFolder(join(folder, 'fresh'))];
    expect(await ostiary(['restore', file, '--yes', ...fresh])).toMatchObject({ code: 0 });
    const { code, out } = await ostiary(['audit', 'verify', '--checkpoint', kept, ...fresh]);
    expect({ code, out }).toEqual({ code: 0, out: expect.not.stringContaining('wait') });
    const told = async (at: readonly string[]) => {
      const { out } = await ostiary(['audit', 'search', '--what', 'backup', '--app', 'ostiary', '--json', ...at]);
      const lines = out.trimEnd().split('\n');
      return lines.map((line) => JSON.parse(line)).map(({ event, detail }) => ({ event, ...detail }));
    };
    const what = { file: 'audit.backup', by: 'command line' };
    const made = { event: 'backup.made', ...what, applications: ['daptin', 'open-data-capture', 'opentera'] };
    const restored = { event: 'backup.restored', ...what };
    expect(await told(on()), 'one was made, and where none was there is no entry').toEqual([made]);
    expect(new Set(await told(fresh))).toEqual(new Set([made, restored]));
    const later = (await ostiary(['audit', 'checkpoint', ...on()])).out.trim();
    expect(await ostiary(['audit', 'verify', '--checkpoint', later, ...fresh]), 'what came after it').toMatchObject({
      code: 8,
      out: expect.stringMatching(/^(truncated|rewritten) /m),
    });
  });
});
