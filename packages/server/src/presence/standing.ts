import { columnOf, tableOf } from '@ostiary/policy/sql';
import type { Context } from '../application/context.js';
import { type Credential, standingCredentials } from '../identity/index.js';
import type { Executor } from '../storage/database.js';
import { query } from '../storage/query.js';

/** A socket, with what its principal came in with. */
export interface Held extends Credential {
  readonly id: string;
}

/** What that is worth now. */
export interface Standing {
  /** Changes with every change of what the principal may do. */
  readonly rightsVersion: string;
  /** Whether it may be online: the field says so that the application names with `when`. */
  readonly may: boolean;
}

/**
 * Of these sockets those whose session or token is good still, as it stands in the database now.
 * @param lock whether that stays so until the transaction ends: who ends one waits, and then finds the socket
 */
export async function standingOf<S extends Held>(
  context: Context,
  executor: Executor,
  sockets: readonly S[],
  lock = false,
): Promise<ReadonlyMap<S, Standing>> {
  const { policy, runtime } = context;
  const good = await standingCredentials(executor, policy.model.name, runtime.now(), sockets, lock);
  const may = new Map<string, ReadonlySet<string> | null>();
  for (const kind of new Set([...good.keys()].map((socket) => socket.kind))) {
    const ids = [...good.keys()].filter((socket) => socket.kind === kind).map(({ principalId }) => principalId);
    may.set(kind, await allowedOf(context, executor, kind, ids));
  }
  const isAllowed = ({ kind, principalId }: Held) => may.get(kind)?.has(principalId) ?? true;
  return new Map([...good].map(([socket, rightsVersion]) => [socket, { rightsVersion, may: isAllowed(socket) }]));
}

/** Which of these principals may be online; null for all of them. */
async function allowedOf(
  { application, policy }: Context,
  executor: Executor,
  kind: string,
  ids: readonly string[],
): Promise<ReadonlySet<string> | null> {
  const type = policy.model.principals[kind];
  const settings = application.presence?.[kind];
  if (!type || settings === undefined) return new Set();
  if (settings.when === undefined) return null;
  const rows = await query<{ id: string }>(
    executor,
    `select id from ${tableOf(policy.model, type)} where id = any($1::uuid[]) and ${columnOf(settings.when)} is true`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}
