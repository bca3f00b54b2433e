import { DeclarationError } from '@ostiary/server';

/** Something in a row that declares: in words, and as the members that lead to it. */
export interface Place {
  readonly id: string;
  readonly says: string;
  readonly path: readonly (string | number)[];
}

/**
 * Refuses what a row declares.
 * @param what is wrong, after the place: `: there is no such kind`
 * @param more the members that lead further to it
 * @throws DeclarationError
 */
export function wrong({ id, says, path }: Place, what: string, ...more: readonly (string | number)[]): never {
  // RFC 6901 §3.
  const escaped = [...path, ...more].map((member) => String(member).replaceAll('~', '~0').replaceAll('/', '~1'));
  throw new DeclarationError(id, escaped.map((member) => `/${member}`).join(''), `${says}${what}`);
}
