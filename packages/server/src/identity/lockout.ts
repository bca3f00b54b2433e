import { hash } from 'node:crypto';
import { sql } from 'kysely';
import { Problem } from '../problems.js';
import type { Runtime } from '../runtime.js';
import type { Executor } from '../storage/database.js';
import { loginKey } from './login-key.js';

/** When guessing ends. */
export interface LockoutSettings {
  /** This many failures within the window lock the login. */
  readonly maxFailures: number;
  readonly windowSeconds: number;
  readonly lockSeconds: number;
}

export const DEFAULT_LOCKOUT: LockoutSettings = { maxFailures: 5, windowSeconds: 900, lockSeconds: 900 };

/** What failures are counted for: a login, whether or not an account has it. */
export interface LockoutKey {
  readonly application: string;
  readonly kind: string;
  readonly login: string;
}

/**
 * Counts an attempt, before its password is looked at: one statement, so that however many guesses run at once, no more
 * than `maxFailures` of them get to the password. A success takes the count back with `clearFailures`.
 *
 * Run it outside of any transaction: it must hold before the password is verified.
 *
 * @returns null, or the problem `account_locked` with the seconds to wait
 */
export async function reserveAttempt(
  executor: Executor,
  runtime: Runtime,
  settings: LockoutSettings,
  key: LockoutKey,
): Promise<Problem | null> {
  const now = runtime.now();
  const windowEnd = after(now, settings.windowSeconds);
  const lockEnd = after(now, settings.lockSeconds);
  const max = settings.maxFailures;
  // `f` is the row as it was. A lock that is over, or a window that ended without one, begins the count anew.
  const over = sql`coalesce(f.locked_until, f.window_ends_at) <= ${now}`;
  const { rows } = await sql<{ failures: number; locked_until: Date | null }>`
    insert into ostiary.login_failure as f
      (application, kind, login_hash, failures, window_ends_at, locked_until)
    values
      (${key.application}, ${key.kind}, ${loginHash(key.login)}, 1, ${windowEnd}, ${max <= 1 ? lockEnd : null})
    on conflict (application, kind, login_hash) do update set
      failures = case when ${over} then 1 else least(f.failures, ${max}::integer) + 1 end,
      window_ends_at = case when ${over} then excluded.window_ends_at else f.window_ends_at end,
      locked_until = case
        when ${over} then excluded.locked_until
        when f.locked_until is null and f.failures + 1 >= ${max} then ${lockEnd}::timestamptz
        else f.locked_until
      end
    returning failures, locked_until
  `.execute(executor);
  const [row] = rows;
  if (!row || row.failures <= max) return null;
  const milliseconds = (row.locked_until ?? lockEnd).getTime() - now.getTime();
  return new Problem('account_locked', { retryAfter: Math.max(1, Math.ceil(milliseconds / 1000)) });
}

/** Forgets the failures of a login: somebody knew the password. */
export async function clearFailures(executor: Executor, key: LockoutKey): Promise<void> {
  await executor
    .deleteFrom('ostiary.login_failure')
    .where('application', '=', key.application)
    .where('kind', '=', key.kind)
    .where('login_hash', '=', loginHash(key.login))
    .execute();
}

/** A hash, because people type their password where the login belongs; and because a login may be of any length. */
function loginHash(login: string): Buffer {
  return hash('sha256', loginKey(login), 'buffer');
}

function after(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}
