import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = fileURLToPath(new URL('../src', import.meta.url));

/** What each folder of the server knows of the others: where it is imported. */
function arrows(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const found = new Map<string, Map<string, string>>();
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  for (const file of files) {
    for (const [, path = ''] of readFileSync(join(source, file), 'utf8').matchAll(/ from '(\.[^']+)'/g)) {
      const [from, to] = [file, relative(source, join(source, dirname(file), path))].map((name) => name.split(sep)[0]);
      if (from === undefined || to === undefined || from === to) continue;
      const known = found.get(from) ?? new Map<string, string>();
      found.set(from, known.set(to, `${file} imports ${path}`));
    }
  }
  return found;
}

/** A way that leads back to where it came from, told by the imports; null where there is none. */
function circle(known: ReturnType<typeof arrows>): readonly string[] | null {
  const finished = new Set<string>();
  const walk = (folder: string, path: readonly string[], told: readonly string[]): readonly string[] | null => {
    if (path.includes(folder)) return told.slice(path.indexOf(folder));
    if (finished.has(folder)) return null;
    for (const [to, how] of known.get(folder) ?? []) {
      const found = walk(to, [...path, folder], [...told, how]);
      if (found !== null) return found;
    }
    finished.add(folder);
    return null;
  };
  for (const folder of known.keys()) {
    const found = walk(folder, [], []);
    if (found !== null) return found;
  }
  return null;
}

test('the folders know each other one way only', () => {
  const known = arrows();
  expect([...known.keys()], 'the imports are not found any more').toEqual(expect.arrayContaining(['http', 'records']));
  expect(circle(known), 'one of these imports has to go: see docs/architecture.md').toBeNull();
});
