import type { Context } from '../application/context.js';
import { writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { Database, Transaction } from '../storage/database.js';
import { query } from '../storage/query.js';
import { emitter } from './events.js';
import { type Held, standingOf } from './standing.js';

/** A socket that is open, or about to be, on one server. */
export interface Socket extends Held {
  readonly context: Context;
  /** The request that it was opened by. */
  readonly requestId: string;
}

/** A principal has so many sockets at once, on all servers. */
export const MOST_SOCKETS = 10;

/** A server that did not come back for so many beats is gone. */
export const BEATS_TO_LAPSE = 3;

/** What is known of a principal's sockets, over the alias `s`, on servers that are there. */
const LIVE = `ostiary.socket s join ostiary.socket_server v on v.id = s.server and v.ends_at > now()`;

/** The ids of those who are online, of some kinds, as SQL. */
export function onlineSql(application: string, kinds: string): string {
  return `select s.principal_id from ${LIVE} where s.application = ${application} and s.kind = any(${kinds})`;
}

/**
 * Puts off the end of a server, as one that did not die.
 * @returns whether nothing was known of it: at first, and after others have given it up or PostgreSQL has crashed
 */
export async function putOff({ db }: Database, server: string, beatSeconds: number): Promise<boolean> {
  const [row] = await query<{ fresh: boolean }>(
    db,
    `insert into ostiary.socket_server (id, ends_at) values ($1, now() + make_interval(secs => $2))
       on conflict (id) do update set ends_at = excluded.ends_at returning xmax = 0 as fresh`,
    [server, beatSeconds * BEATS_TO_LAPSE],
  );
  return row?.fresh ?? true;
}

/**
 * Writes that a socket is open, if its session still stands; and tells of its principal, unless that was online already.
 * @throws Problem `invalid_token`, `limit_reached`; `unavailable` where nothing is known of the server, until its next beat
 */
export async function enter(server: string, socket: Socket): Promise<void> {
  const { context } = socket;
  await context.database.db.transaction().execute(async (transaction) => {
    if (!(await isKnown(transaction, server))) throw new Problem('unavailable', { retryAfter: 5 });
    await oneAfterTheOther(transaction, socket);
    const standing = await standingOf(context, transaction, [socket], true);
    if (standing.get(socket)?.may !== true) throw new Problem('invalid_token');
    const others = await count(transaction, socket);
    if (others >= MOST_SOCKETS) {
      throw new Problem('limit_reached', { detail: `You have ${others} sockets open: close one of them.` });
    }
    await insert(transaction, server, socket);
    await audit(transaction, socket, 'socket.opened', {});
    if (others === 0) await tell(transaction, socket, 'online');
  });
}

/** Writes again that a socket is open, after its row was lost. */
export async function reenter(server: string, socket: Socket): Promise<void> {
  await socket.context.database.db.transaction().execute(async (transaction) => {
    await oneAfterTheOther(transaction, socket);
    const others = await count(transaction, socket);
    await insert(transaction, server, socket);
    if (others === 0) await tell(transaction, socket, 'online');
  });
}

/** Writes that a socket is closed, with the code it was closed by (RFC 6455 §7.4). Again it does nothing. */
export async function leave(socket: Socket, code: number): Promise<void> {
  await socket.context.database.db.transaction().execute(async (transaction) => {
    await oneAfterTheOther(transaction, socket);
    const gone = await query(transaction, 'delete from ostiary.socket where id = $1 returning id', [socket.id]);
    if (gone.length === 0) return;
    await audit(transaction, socket, 'socket.closed', { code });
    if ((await count(transaction, socket)) === 0) await tell(transaction, socket, 'offline');
  });
}

/** Forgets a server, which has no sockets any more. */
export async function forget({ db }: Database, server: string): Promise<void> {
  await query(db, 'delete from ostiary.socket_server where id = $1', [server]);
}

/** Writes for servers that died that their sockets are closed: for these applications. */
export async function lapse(database: Database, contexts: ReadonlyMap<string, Context>): Promise<void> {
  await database.db.transaction().execute(async (transaction) => {
    const dead = await query<{ id: string }>(
      transaction,
      'select id from ostiary.socket_server where ends_at <= now() order by id for update skip locked',
    );
    if (dead.length === 0) return;
    const ids = dead.map(({ id }) => id);
    const gone = await query<Row>(
      transaction,
      'delete from ostiary.socket where server = any($1::uuid[]) returning *',
      [ids],
    );
    await query(transaction, 'delete from ostiary.socket_server where id = any($1::uuid[])', [ids]);
    const told = new Set<string>();
    for (const { id, application, kind, principal_id: principalId } of gone) {
      const context = contexts.get(application);
      if (context === undefined) continue;
      const socket = { id, context, kind, principalId, requestId: null };
      await audit(transaction, socket, 'socket.closed', { code: null });
      const who = `${application} ${kind} ${principalId}`;
      if (told.has(who)) continue;
      told.add(who);
      if ((await count(transaction, socket)) === 0) await tell(transaction, socket, 'offline');
    }
  });
}

interface Row extends Record<string, unknown> {
  readonly id: string;
  readonly application: string;
  readonly kind: string;
  readonly principal_id: string;
}

type Known = Pick<Socket, 'context' | 'kind' | 'principalId'>;

const nameOf = ({ context }: Known) => context.policy.model.name;

/** Of two sockets of a principal that come or go at once, one is the first or the last. */
async function oneAfterTheOther(transaction: Transaction, socket: Known): Promise<void> {
  const who = `ostiary socket ${nameOf(socket)} ${socket.kind} ${socket.principalId}`;
  await query(transaction, 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [who]);
}

async function isKnown(transaction: Transaction, server: string): Promise<boolean> {
  const found = await query(transaction, 'select 1 from ostiary.socket_server where id = $1 for key share', [server]);
  return found.length > 0;
}

async function count(transaction: Transaction, socket: Known): Promise<number> {
  const [row] = await query<{ sockets: number }>(
    transaction,
    `select count(*)::integer as sockets from ${LIVE}
      where s.application = $1 and s.kind = $2 and s.principal_id = $3`,
    [nameOf(socket), socket.kind, socket.principalId],
  );
  return row?.sockets ?? 0;
}

async function insert(transaction: Transaction, server: string, socket: Socket): Promise<void> {
  await query(
    transaction,
    `insert into ostiary.socket (id, server, application, kind, principal_id)
       values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [socket.id, server, nameOf(socket), socket.kind, socket.principalId],
  );
}

async function tell(transaction: Transaction, socket: Known, event: 'online' | 'offline'): Promise<void> {
  const type = socket.context.policy.model.principals[socket.kind];
  if (type) await emitter(socket.context, transaction)({ event, about: { type, id: socket.principalId } });
}

async function audit(
  transaction: Transaction,
  socket: Known & { readonly id: string; readonly requestId: string | null },
  event: 'socket.opened' | 'socket.closed',
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  await writeAudit(transaction, socket.context.runtime, {
    application: nameOf(socket),
    event,
    outcome: 'allowed',
    principal: { kind: socket.kind, id: socket.principalId },
    ...(socket.requestId === null ? {} : { requestId: socket.requestId }),
    detail: { socket: socket.id, ...detail },
  });
}
