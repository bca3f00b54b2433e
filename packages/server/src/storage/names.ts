import { createHash } from 'node:crypto';

const LONGEST = 63;

/**
 * What an index, a constraint or a trigger is called, after what it is for. PostgreSQL cuts names that are too long, and
 * what was cut to the same name is taken to be there already: a hash of the whole tells them apart.
 */
export function nameOf(...words: readonly string[]): string {
  const name = words.join('_');
  if (name.length <= LONGEST) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, LONGEST - hash.length - 1)}_${hash}`;
}
