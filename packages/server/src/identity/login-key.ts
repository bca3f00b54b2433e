/** Longest login, in UTF-16 code units. */
const MAX_LENGTH = 256;
/** Control characters (PostgreSQL can't store all of them) and lone surrogates (UTF-8 has none). */
const UNUSABLE = /[\p{Cc}\p{Cs}]/u;

/** The form in which a login is stored, looked up and counted. For now as it is: upper and lower case differ. */
export function loginKey(login: string): string {
  return login;
}

/** Whether an account could have this login at all. */
export function isUsableLogin(login: string): boolean {
  return login.length > 0 && login.length <= MAX_LENGTH && !UNUSABLE.test(login);
}

/** A login as it was typed, in a form that the audit trail can keep. */
export function printableLogin(login: string): string {
  return login.slice(0, MAX_LENGTH).replaceAll(new RegExp(UNUSABLE, 'gu'), '\u{fffd}');
}
