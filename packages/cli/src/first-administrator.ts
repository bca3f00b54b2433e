import { resourceOf } from '@ostiary/policy';
import type { Context } from '@ostiary/server';

/** Whether anybody can log in to an application yet, and until when a set-up link is open; null where none is. */
export async function setupState(
  context: Context,
): Promise<{ readonly empty: boolean; readonly openUntil: Date | null }> {
  const { db } = context.database;
  const { name } = context.policy.model;
  const account = await db
    .selectFrom('ostiary.account')
    .select('principal_id')
    .where('application', '=', name)
    .limit(1)
    .executeTakeFirst();
  const link = await db
    .selectFrom('ostiary.setup_link')
    .select('expires_at')
    .where('application', '=', name)
    .where('used_at', 'is', null)
    .where('expires_at', '>', context.runtime.now())
    .orderBy('expires_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return { empty: account === undefined, openUntil: link?.expires_at ?? null };
}

/** The request that uses a set-up link: the fields that it needs are to be filled in. */
export function setupRequest(context: Context, base: string, token: string): string {
  const { administrator, logins } = context.application;
  const { model } = context.policy;
  const type = model.principals[administrator.kind] ?? '';
  const needed = Object.entries(resourceOf(model, type).fields).filter(
    ([name, field]) =>
      !(name in administrator.values) &&
      !field.filled &&
      (name === logins[administrator.kind]?.password || (!field.optional && field.default === undefined)),
  );
  const body = { token, ...Object.fromEntries(needed.map(([name]) => [name, '...'])) };
  return `curl -s ${base}/setup -H 'content-type: application/json' -d '${JSON.stringify(body)}'`;
}
