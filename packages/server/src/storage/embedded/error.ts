/**
 * Why the built-in database did not start:
 * - `in_use`: another server uses the same data folder
 * - `broken`: the data folder cannot be used as it is
 * - `wrong_version`: the data belongs to another major version of PostgreSQL
 * - `no_user`: there is no user that PostgreSQL could run as
 * - `no_binaries`: there is no PostgreSQL that runs on this system
 * - `not_started`: the data is fine as far as anybody knows, but PostgreSQL did not come up
 */
export type EmbeddedErrorCode = 'in_use' | 'broken' | 'wrong_version' | 'no_user' | 'no_binaries' | 'not_started';

/** The built-in database did not start. The message is for a person: what is wrong, and what to do about it. */
export class EmbeddedError extends Error {
  constructor(
    readonly code: EmbeddedErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'EmbeddedError';
  }
}

/** The `code` of a system error such as `ENOENT`, or undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** For `.catch`: swallows the system errors named, and throws everything else again. */
export function ignoring(...codes: readonly string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(systemCode(error) ?? '')) throw error;
  };
}
