import type { Person } from '../application/sign-on.js';
import type { Told } from './client.js';
import type { Provider } from './provider.js';

/** The longest address there is (RFC 5321 §4.5.3.1), and what no address has. */
const ADDRESS = /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,255}$/u;
const MAX_SUBJECT = 255;
const MAX_NAME = 200;

/**
 * Reads who a person is out of what a provider told of them.
 * @throws TypeError where it tells no subject
 */
export function personOf(provider: Provider, issuer: string, told: Told): Person {
  const { claims, name } = provider;
  const address = told[claims.email];
  const email = typeof address === 'string' && ADDRESS.test(address) ? foldAddress(address) : null;
  const verified = isTrue(told[claims.verified]);
  const called = told[claims.name];
  return {
    provider: name,
    issuer,
    subject: subjectOf(told[claims.subject]),
    email: verified ? email : null,
    emailUnverified: email !== null && !verified,
    name: typeof called === 'string' && called !== '' ? called.replaceAll(/\p{C}/gu, '').slice(0, MAX_NAME) : null,
  };
}

/** An address in the form in which it is compared: letters of ASCII in lower case alone, since others fold to several. */
export function foldAddress(address: string): string {
  return address.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function subjectOf(value: unknown): string {
  const subject = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  const isUsable = typeof subject === 'string' && subject.length > 0 && subject.length <= MAX_SUBJECT;
  // OpenID Connect Core 1.0 §2: ASCII, 255 characters at most.
  if (!isUsable || !/^[\x20-\x7e]+$/.test(subject)) throw new TypeError('the provider does not tell who it is');
  return subject;
}

/** Some providers write a boolean as a text or a number. */
function isTrue(value: unknown): boolean {
  return value === true || value === 'true' || value === 1 || value === '1';
}
