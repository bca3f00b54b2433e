import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type DeclaredTest, declaredTests } from './support/titles.js';

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
  /** Files, each with the title of a test in it (and a row of its table), or with the text of a setting. */
  readonly met_by?: readonly string[];
  readonly not_applicable?: string;
  readonly not_yet?: string;
}

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const chapters = parse(read('docs/asvs.yaml')) as Readonly<
  Record<string, { readonly title: string; readonly requirements: readonly Requirement[] }>
>;
/** What vitest.config.ts includes. */
const RUN = /^(packages|apps)\/[^/]+\/test\/.*\.test\.ts$/;
const declared = new Map<string, readonly DeclaredTest[]>();
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
    const missing = (evidence ?? []).map(faultOf).filter((fault) => fault !== null);
    expect(missing, 'name what took its place, or say not_yet').toEqual([]);
  });
});

test.each([
  ['docs/security.md', 'names only a file'],
  ['docs/nothing.md > ## Keys', 'there is no docs/nothing.md'],
  ['docs/security.md > ## Nothing', 'has no such text'],
  ['packages/server/test/support/forgeries.ts > jku', 'is no file of tests'],
  ['packages/server/test/hostile-tokens.test.ts > jku', 'has no such test'],
  ['packages/server/test/hostile-tokens.test.ts > refuses', 'has no such test'],
  ['packages/server/test/hostile-tokens.test.ts > refuses %s > no such forgery', 'has no such test'],
  ['packages/server/test/backup.test.ts > what one version wrote, the other reads', 'is a test that may be left out'],
])('%s: %s', (reference, fault) => expect(faultOf(reference)).toContain(fault));

/** What is wrong with a reference. In a folder of tests it names a test that runs; anywhere else it is a text. */
function faultOf(reference: string): string | null {
  const [path = '', ...named] = reference.split(' > ');
  if (!existsSync(fileURLToPath(new URL(path, root)))) return `there is no ${path}`;
  if (named.length === 0) return `${reference} names only a file`;
  if (path.includes('/test/')) return faultOfTest(path, named);
  const there = read(path).replaceAll(/\s+/g, ' ').includes(named.join(' > '));
  return there ? null : `${path} has no such text: ${named.join(' > ')}`;
}

/** A test goes by its whole title, behind those of groups where that helps; and then a row of its table, if one is meant. */
function faultOfTest(path: string, named: readonly string[]): string | null {
  if (!RUN.test(path)) return `${path} is no file of tests`;
  const found = testsOf(path).filter(({ titles, rows }) => {
    const row = named.at(-1) ?? '';
    return endsWith(titles, named) || (endsWith(titles, named.slice(0, -1)) && rows.has(row));
  });
  if (found.length === 0) return `${path} has no such test: ${named.join(' > ')}`;
  return found.some(({ skipped }) => skipped) ? `${path} > ${named.join(' > ')} is a test that may be left out` : null;
}

function endsWith(titles: readonly string[], named: readonly string[]): boolean {
  return named.length > 0 && named.every((title, at) => titles.at(at - named.length) === title);
}

function testsOf(path: string): readonly DeclaredTest[] {
  const known = declared.get(path) ?? declaredTests(new URL(path, root));
  declared.set(path, known);
  return known;
}
