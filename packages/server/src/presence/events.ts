import type { Context } from '../application/context.js';
import type { Emit, Emitted } from '../application/presence.js';
import type { Executor } from '../storage/database.js';
import { query } from '../storage/query.js';

/** An event on its way between servers. */
export interface Told {
  readonly application: string;
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly event: string;
  readonly about: Emitted['about'];
  readonly to: Emitted['to'] | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The action on a principal's record that lets somebody know whether it is online. */
export const ONLINE = 'online';

export const EVENT_CHANNEL = 'ostiary_event';

/** PostgreSQL takes 8,000 bytes at once (NOTIFY): so many ids of recipients, and so much of detail beside them. */
const MOST_RECIPIENTS = 50;
const MOST_DETAIL_BYTES = 2_000;

/** What an effect or an action emits with, in its transaction. Nobody is told where the application has no presence. */
export function emitter(context: Pick<Context, 'application' | 'runtime'>, transaction: Executor): Emit {
  return (emitted) => emit(context, transaction, emitted);
}

async function emit(
  { application, runtime }: Pick<Context, 'application' | 'runtime'>,
  executor: Executor,
  { event, about, to, detail = {} }: Emitted,
): Promise<void> {
  if (application.presence === undefined) return;
  if (Buffer.byteLength(JSON.stringify({ event, about, detail })) > MOST_DETAIL_BYTES) {
    throw new RangeError(`the event '${event}' is longer than ${MOST_DETAIL_BYTES} bytes: emit ids, and no content`);
  }
  const { name } = application.policy.model;
  const common = { application: name, id: runtime.id(), at: runtime.now().toISOString(), event, about, detail };
  for (const recipients of to === undefined ? [null] : chunks(to)) {
    const told: Told = { ...common, to: recipients };
    await query(executor, 'select pg_notify($1, $2)', [EVENT_CHANNEL, JSON.stringify(told)]);
  }
}

function chunks<T>(all: readonly T[]): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let at = 0; at < all.length; at += MOST_RECIPIENTS) parts.push(all.slice(at, at + MOST_RECIPIENTS));
  return parts;
}
