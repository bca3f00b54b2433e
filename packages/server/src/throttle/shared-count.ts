import { sql } from 'kysely';
import type { Executor } from '../storage/database.js';

/** What a draw from a shared count came to. */
export interface Draw {
  /** How many of those asked for may be spent: none once the rate is used up. */
  readonly granted: number;
  /** How many are left for others. */
  readonly remaining: number;
  /** Until the count begins anew. */
  readonly milliseconds: number;
  /** Whether this is the first draw of the window, on any node, that got nothing. */
  readonly first: boolean;
}

/**
 * Draws from the count that all servers share. The window and the time are the database's, whose clock is one: those
 * of the servers may differ. It is one statement, so that any number of draws at once get no more than there is.
 *
 * @param lot how many are asked for: the same for each draw of a key
 * @param rate how many there are in a window
 */
export async function draw(
  executor: Executor,
  key: string,
  { lot, rate, windowSeconds }: { readonly lot: number; readonly rate: number; readonly windowSeconds: number },
): Promise<Draw> {
  const over = sql`r.ends_at <= now()`;
  const { rows } = await sql<{ readonly drawn: number; readonly milliseconds: number }>`
    insert into ostiary.rate as r (key, drawn, ends_at)
    values (${key}, ${lot}, now() + ${windowSeconds}::float8 * interval '1 second')
    on conflict (key) do update set
      drawn = case when ${over} then excluded.drawn else r.drawn + excluded.drawn end,
      ends_at = case when ${over} then excluded.ends_at else r.ends_at end
    returning drawn::float8 as drawn, extract(epoch from ends_at - clock_timestamp())::float8 * 1000 as milliseconds
  `.execute(executor);
  const [row] = rows;
  if (row === undefined) throw new TypeError('an upsert always returns its row');
  const before = row.drawn - lot;
  return {
    granted: Math.max(0, Math.min(lot, rate - before)),
    remaining: Math.max(0, rate - row.drawn),
    milliseconds: Math.max(0, row.milliseconds),
    first: before >= rate && before < rate + lot,
  };
}

/** Deletes counts whose window is over. Several servers may do so at once, beside those that draw. */
export async function forgetOver(executor: Executor): Promise<void> {
  await sql`
    delete from ostiary.rate where key in
      (select key from ostiary.rate where ends_at <= now() for update skip locked)
  `.execute(executor);
}
