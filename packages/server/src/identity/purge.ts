import type { Runtime } from '../runtime.js';
import type { Database } from '../storage/database.js';

/** Deletes what is over and counts for nothing any more: sessions, failures, set-up links, tokens, tickets, sign-ons. */
export async function purgeExpired(deps: { readonly database: Database; readonly runtime: Runtime }): Promise<void> {
  const { db } = deps.database;
  const now = deps.runtime.now();
  await db.deleteFrom('ostiary.login_session').where('expires_at', '<=', now).execute();
  await db.deleteFrom('ostiary.sign_on_state').where('expires_at', '<=', now).execute();
  await db.deleteFrom('ostiary.sign_on_code').where('expires_at', '<=', now).execute();
  // One that was used goes with its session: until then its use again tells of a theft.
  await db.deleteFrom('ostiary.refresh_token').where('expires_at', '<=', now).where('used_at', 'is', null).execute();
  await db.deleteFrom('ostiary.setup_link').where('expires_at', '<=', now).execute();
  await db.deleteFrom('ostiary.socket_ticket').where('expires_at', '<=', now).execute();
  await db
    .deleteFrom('ostiary.login_failure')
    .where('window_ends_at', '<=', now)
    .where((where) => where.or([where('locked_until', 'is', null), where('locked_until', '<=', now)]))
    .execute();
}
