import { demand } from './mistakes.js';
import { snakeCase } from './spelling.js';

const WORD = /^[A-Za-z][A-Za-z0-9_]*$/;
/** The longest name that PostgreSQL keeps whole. */
const LONGEST = 63;

/**
 * Names become columns and parts of paths, so they are words, and different ones when written in SQL's way.
 * @param taken names that are not for the author to give, as SQL writes them
 */
export function checkWords(what: string, names: readonly string[], taken: readonly string[] = []): void {
  const seen = new Map(taken.map((name) => [name, name]));
  for (const name of names) {
    const written = snakeCase(name);
    const isWord = WORD.test(name) && written.length <= LONGEST;
    demand(isWord, `${what}: '${name}' is not a name: use letters and digits, at most ${LONGEST}`);
    // It would be there in every input that does not have it.
    demand(!(name in Object.prototype), `${what}: '${name}' is a word that every object knows: rename it`);
    const other = seen.get(written);
    demand(other === undefined, `${what}: '${name}' and '${other}' are both '${written}' in SQL: rename one`);
    seen.set(written, name);
  }
}
