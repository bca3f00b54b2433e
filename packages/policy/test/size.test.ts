import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { describe, expect, test } from 'vitest';

const source = fileURLToPath(new URL('../src/', import.meta.url));
const LARGEST = 15_000;

describe('the package stays small', () => {
  test.each(['browser.ts', 'index.ts'])('%s, minified and gzipped', async (entry) => {
    const built = (await build({
      configFile: false,
      logLevel: 'silent',
      build: {
        write: false,
        minify: true,
        // As an application would, whose own build removes the white space that a library's keeps.
        rolldownOptions: {
          input: `${source}${entry}`,
          preserveEntrySignatures: 'strict',
          output: { format: 'es', minify: true },
        },
      },
    })) as Rolldown.RolldownOutput;
    const code = built.output.map((file) => (file.type === 'chunk' ? file.code : ''));
    const size = gzipSync(code.join('')).length;
    console.log(`${entry}: ${size} bytes gzipped`);
    expect(size, 'something large was added: see what, before raising the limit').toBeLessThan(LARGEST);
  });
});

describe('the package is pure', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const impure: readonly (readonly [string, RegExp])[] = [
    ['an import of something outside', /from '(?!\.{1,2}\/)/],
    ['the clock', /\bDate\s*\.\s*now\b|\bnew Date\b|\bperformance\b/],
    ['chance', /\bMath\.random\b|\bcrypto\b/],
    ['the process', /\bprocess\s*\.|\bglobalThis\b/],
    ['output', /\bconsole\s*\./],
    ['source text that is run', /\bnew Function\b|\beval\(/],
  ];
  /** The one place that may; who asks it falls back where it may not. */
  const exempt = ['tree/source.ts'];

  test.each(impure)('it has no %s', (_, pattern) => {
    const found = files.filter(
      (file) =>
        !(exempt.includes(file) && pattern.test('new Function')) &&
        pattern.test(readFileSync(`${source}${file}`, 'utf8')),
    );
    expect(found, 'pass it in from the caller instead').toEqual([]);
  });
});
