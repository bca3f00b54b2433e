import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

/** How many requirements of levels 1 and 2 the chapters of OWASP ASVS 5.0.0 have. */
const COUNTS: Readonly<Record<string, readonly [number, number]>> = {
  V6: [13, 22],
  V7: [6, 12],
  V8: [4, 3],
  V9: [4, 3],
  V11: [3, 11],
  V14: [2, 7],
  V16: [0, 16],
};

interface Requirement {
  readonly id: string;
  readonly level: 1 | 2;
  readonly says: string;
  /** Files, each with the title of a test in it, or with the text of a setting. */
  readonly met_by?: readonly string[];
  readonly not_applicable?: string;
  readonly not_yet?: string;
}

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const chapters = parse(read('docs/asvs.yaml')) as Readonly<
  Record<string, { readonly title: string; readonly requirements: readonly Requirement[] }>
>;
const all = Object.values(chapters).flatMap(({ requirements }) => requirements);

test('every requirement of the chapters is there, once', () => {
  expect(Object.keys(chapters)).toEqual(Object.keys(COUNTS));
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  for (const [chapter, { requirements }] of Object.entries(chapters)) {
    const ofLevel = (level: number) => requirements.filter((each) => each.level === level).length;
    expect([ofLevel(1), ofLevel(2)], chapter).toEqual(COUNTS[chapter]);
    for (const { id } of requirements) expect(id).toMatch(new RegExp(`^${chapter}\\.\\d+\\.\\d+$`));
  }
});

describe('each is met by something that is there, or says why not', () => {
  test.each(all)('$id $says', ({ says, met_by: evidence, not_applicable: never, not_yet: later }) => {
    expect(says).toEqual(expect.any(String));
    const answers = [evidence, never, later].filter((answer) => answer !== undefined && answer.length > 0);
    expect(answers, 'give one of met_by, not_applicable and not_yet').toHaveLength(1);
    for (const reference of evidence ?? []) expectThere(reference);
  });
});

/** A test's title follows a quotation mark in its file; the text of a setting is anywhere in it, broken into lines or not. */
function expectThere(reference: string): void {
  const [path = '', ...rest] = reference.split(' > ');
  const sought = rest.join(' > ');
  expect(existsSync(fileURLToPath(new URL(path, root))), `there is no ${path}`).toBe(true);
  expect(sought, `${reference} names only a file`).not.toBe('');
  const text = read(path).replaceAll(/\s+/g, ' ');
  const there = path.includes('/test/')
    ? ["'", '"', '`'].some((mark) => text.includes(mark + sought))
    : text.includes(sought);
  expect(there, `${path} has no '${sought}': name what took its place, or say not_yet`).toBe(true);
}
