import { writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { Runtime } from '../runtime.js';
import type { Database } from '../storage/database.js';
import { isTokenOf, makeOpaqueToken, opaqueTokenId } from './opaque-tokens.js';

/** The key of a program that asks for decisions. */
export interface ServiceKey {
  readonly id: string;
  readonly name: string;
  readonly trusted: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

/** A program, as its key tells. */
export type Program = Pick<ServiceKey, 'id' | 'name' | 'trusted'>;

interface Dependencies {
  readonly database: Database;
  readonly runtime: Runtime;
}

const PREFIX = 'osk_';

/** Whether a bearer token is meant to be a service key. */
export function isServiceKey(token: string): boolean {
  return token.startsWith(PREFIX);
}

/** Makes a service key, `osk_<id>_<secret>`. This is the only time that it can be read. */
export async function createServiceKey(
  { database, runtime }: Dependencies,
  application: string,
  options: { readonly name: string; readonly trusted: boolean; readonly expiresAt: Date | null },
): Promise<{ readonly id: string; readonly key: string }> {
  const { name, trusted, expiresAt } = options;
  const { id, token: key, hash } = makeOpaqueToken(runtime, PREFIX);
  await database.db.transaction().execute(async (tx) => {
    await tx
      .insertInto('ostiary.service_key')
      .values({
        id,
        application,
        name,
        key_hash: hash,
        trusted,
        created_at: runtime.now(),
        expires_at: expiresAt,
        revoked_at: null,
      })
      .execute();
    const detail = { key: id, name, trusted, expiresAt: expiresAt?.toISOString() ?? null };
    await writeAudit(tx, runtime, { application, event: 'service_key.created', outcome: 'allowed', detail });
  });
  return { id, key };
}

/** Every key of an application, the oldest first, revoked and expired ones too. */
export async function listServiceKeys({ database }: Dependencies, application: string): Promise<readonly ServiceKey[]> {
  const rows = await database.db
    .selectFrom('ostiary.service_key')
    .select(['id', 'name', 'trusted', 'created_at', 'expires_at', 'revoked_at'])
    .where('application', '=', application)
    .orderBy('id')
    .execute();
  return rows.map(({ id, name, trusted, created_at, expires_at, revoked_at }) => ({
    id,
    name,
    trusted,
    createdAt: created_at,
    expiresAt: expires_at,
    revokedAt: revoked_at,
  }));
}

/** Revokes a key, from the next request on. Returns whether there was one to revoke. */
export async function revokeServiceKey(
  { database, runtime }: Dependencies,
  application: string,
  id: string,
): Promise<boolean> {
  return database.db.transaction().execute(async (tx) => {
    const revoked = await tx
      .updateTable('ostiary.service_key')
      .set({ revoked_at: runtime.now() })
      .where('id', '=', id)
      .where('application', '=', application)
      .where('revoked_at', 'is', null)
      .returning('name')
      .executeTakeFirst();
    if (revoked === undefined) return false;
    const detail = { key: id, name: revoked.name };
    await writeAudit(tx, runtime, { application, event: 'service_key.revoked', outcome: 'allowed', detail });
    return true;
  });
}

/**
 * Tells which program a key belongs to, as it stands in the database now.
 * @throws Problem `invalid_token`, the same whatever is wrong
 */
export async function authenticateService(
  { database, runtime }: Dependencies,
  application: string,
  token: string,
): Promise<Program> {
  const id = opaqueTokenId(PREFIX, token);
  if (id === null) throw new Problem('invalid_token');
  const found = await database.db
    .selectFrom('ostiary.service_key')
    .select(['name', 'trusted', 'key_hash', 'expires_at', 'revoked_at'])
    .where('id', '=', id)
    .where('application', '=', application)
    .executeTakeFirst();
  const matches = isTokenOf(found?.key_hash, token);
  const expired = found?.expires_at != null && found.expires_at <= runtime.now();
  if (!matches || found === undefined || found.revoked_at !== null || expired) throw new Problem('invalid_token');
  return { id, name: found.name, trusted: found.trusted };
}
