import { hash } from 'node:crypto';

/** What a token is remembered by, so that a dump of the memory holds no list of tokens. */
export function digestOfToken(token: string): string {
  return hash('sha256', token, 'base64url');
}
