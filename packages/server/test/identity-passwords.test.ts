import { parseOptions } from '@node-rs/argon2';
import { dictionary } from '@zxcvbn-ts/language-common';
import { describe, expect, it, vi } from 'vitest';
import { hashPassword, type PasswordContext, passwordProblem, verifyPassword } from '../src/identity/index.js';

const { verifiedHashes } = vi.hoisted(() => ({ verifiedHashes: [] as string[] }));

vi.mock('@node-rs/argon2', async (importOriginal) => {
  const original = await importOriginal<typeof import('@node-rs/argon2')>();
  const verify: typeof original.verify = (hashed, ...rest) => {
    verifiedHashes.push(String(hashed));
    return original.verify(hashed, ...rest);
  };
  return { ...original, verify };
});

const OWASP = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1, saltLen: 16, outputLen: 32 };

describe('password hashes', () => {
  it('are argon2id with the parameters that OWASP recommends, salted', async () => {
    const [one, two] = await Promise.all([hashPassword('the same'), hashPassword('the same')]);
    expect(parseOptions(one)).toMatchObject(OWASP);
    expect(one).not.toBe(two);
  });

  it.each<[string, string, string, boolean]>([
    ['the password', 'correct horse', 'correct horse', true],
    ['another one', 'correct horse', 'correct horsf', false],
    ['another case', 'correct horse', 'Correct horse', false],
    ['white space around it', 'correct horse', ' correct horse ', false],
    ['nothing', 'correct horse', '', false],
    ['the same characters, composed otherwise', 'Zürich am See', 'Zu\u0308rich am See', true],
    ['what follows a NUL', 'correct\0horse', 'correct\0battery', false],
    ['a difference behind 200 characters', `${'x'.repeat(200)}a`, `${'x'.repeat(200)}b`, false],
    ['a lone surrogate', 'correct \ud800', 'correct \ud800', true],
    ['256 characters', 'x'.repeat(256), 'x'.repeat(256), true],
    ['257 characters, even if they were hashed', 'x'.repeat(257), 'x'.repeat(257), false],
  ])('verify %s', async (_, password, typed, expected) => {
    expect(await verifyPassword(await hashPassword(password), typed)).toBe(expected);
  });

  it.each<[string, boolean, string]>([
    ['no such account', false, 'whatever'],
    ['no such account, a password that is too long', false, 'x'.repeat(1_000_000)],
    ['an account, a password that is too long', true, 'x'.repeat(1_000_000)],
  ])('take the same work for %s', async (_, exists, typed) => {
    const stored = exists ? await hashPassword('correct horse') : null;
    verifiedHashes.length = 0;
    expect(await verifyPassword(stored, typed)).toBe(false);
    const message = 'Verify exactly once, with the parameters of a real hash: renew NOBODYS_HASH if those change';
    expect(verifiedHashes, message).toHaveLength(1);
    expect(parseOptions(verifiedHashes[0] ?? ''), message).toMatchObject(OWASP);
  });
});

describe('password strength', () => {
  it.each<[string, PasswordContext, RegExp | null]>([
    ['correct horse battery staple', {}, null],
    ['пароль-длинный-фраза', {}, null],
    ['the quiet copper lantern hums above seven meadows of violet glass', {}, null],
    ['x7$kQ!v2m', {}, null],
    ['x7$kQ!v2', {}, /a few more/],
    ['ßüØ漢字かなカナ', {}, null],
    ['short1!', {}, /at least 8/],
    ['🙂🙂🙂🙂', {}, /at least 8/],
    ['', {}, /at least 8/],
    ['x7$kQ!v2'.repeat(33), {}, /at most 256/],
    ['password', {}, /common password/],
    ['PassWord1', {}, /common password/],
    ['p4$$w0rd', {}, /common password/],
    ['aaaaaaaaaaaa', {}, /repeated/],
    ['passwordpasswordpassword', {}, /repeated/],
    ['abcdefghij', {}, /guess|common/],
    ['qwertzuiop123', {}, /keyboard|keys in a row/],
    ['19840213', {}, /guess|common/],
    ['kassandra.z@x.org', { login: 'Kassandra.Z@x.org' }, /is your user name/],
    ['schroedingers', { names: ['Erwin Schroedingers'] }, /your name/],
    ['ostiary99', {}, /name of what it opens/],
    ['captureopen', { names: ['Open Data Capture'] }, /name of what it opens/],
    ['a'.repeat(256), {}, /repeated/],
  ])('%j with %j', (password, context, advice) => {
    const problem = passwordProblem(password, context);
    if (advice === null) {
      expect(problem?.details.detail ?? null).toBeNull();
      return;
    }
    expect(problem).toMatchObject({ code: 'weak_password', details: { detail: expect.stringMatching(advice) } });
    const told = JSON.stringify(problem?.details);
    if (password && password !== 'password') expect(told, 'Never repeat the password').not.toContain(password);
  });

  it('is none for the 3,000 most used passwords that are long enough', () => {
    const used = dictionary['passwords-common'].filter(({ length }) => length >= 8).slice(0, 3000);
    expect(used).toHaveLength(3000);
    expect(used.filter((password) => passwordProblem(password)?.code !== 'weak_password')).toEqual([]);
  });

  it('is estimated without keeping the server busy', () => {
    const begin = performance.now();
    passwordProblem('p4$$w0rd'.repeat(32), { login: 'x'.repeat(10_000), names: Array(10_000).fill('y'.repeat(1000)) });
    expect(performance.now() - begin, 'Bound what zxcvbn is given').toBeLessThan(2000);
  });
});
