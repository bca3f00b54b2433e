import { writeAudit } from '../audit/trail.js';
import { randomSecret, secretHash } from '../keys/index.js';
import { Problem } from '../problems.js';
import type { Runtime } from '../runtime.js';
import type { Database, Transaction } from '../storage/database.js';

/**
 * Makes the token of a one-time link that sets up an application: 32 random bytes in base64url. The database has its
 * SHA-256 alone, so this is the only time that it can be read.
 */
export async function createSetupLink(
  deps: { readonly database: Database; readonly runtime: Runtime },
  application: string,
  options: { readonly validSeconds?: number } = {},
): Promise<{ readonly token: string; readonly expiresAt: Date }> {
  const { database, runtime } = deps;
  const token = randomSecret(runtime);
  const now = runtime.now();
  const expiresAt = new Date(now.getTime() + (options.validSeconds ?? 86_400) * 1000);
  await database.db.transaction().execute(async (tx) => {
    await tx
      .insertInto('ostiary.setup_link')
      .values({
        token_hash: secretHash(token),
        application,
        created_at: now,
        expires_at: expiresAt,
        used_at: null,
      })
      .execute();
    await writeAudit(tx, runtime, { application, event: 'setup_link.created', outcome: 'allowed' });
  });
  return { token, expiresAt };
}

/**
 * Uses up a set-up link, in the transaction of what it is used for. Of several that try at once one succeeds; if its
 * transaction fails, the link is still good.
 * @throws Problem `invalid_setup_link` if it is unknown, used, expired, or another application's
 */
export async function redeemSetupLink(
  tx: Transaction,
  runtime: Runtime,
  use: { readonly application: string; readonly token: string; readonly requestId?: string },
): Promise<void> {
  const { application, token, requestId } = use;
  const now = runtime.now();
  const { numUpdatedRows } = await tx
    .updateTable('ostiary.setup_link')
    .set({ used_at: now })
    .where('token_hash', '=', secretHash(token))
    .where('application', '=', application)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) throw new Problem('invalid_setup_link');
  await writeAudit(tx, runtime, {
    application,
    event: 'setup_link.used',
    outcome: 'allowed',
    ...(requestId === undefined ? {} : { requestId }),
  });
}
