import { columnOf, tableOf } from '@ostiary/policy/sql';
import type { Application } from '../application/application.js';
import type { Database } from '../storage/database.js';
import { query } from '../storage/query.js';

/** Further claims of a principal's tokens: what its record says at the time, in the fields that its kind's log-in names. */
export function tokenClaims(
  { db }: Database,
  { policy: { model }, logins }: Application,
): (kind: string, id: string) => Promise<Readonly<Record<string, unknown>>> {
  return async (kind, id) => {
    const [type, claims] = [model.principals[kind], Object.entries(logins[kind]?.claims ?? {})];
    if (!type || claims.length === 0) return {};
    const columns = claims.map(([, field], index) => `${columnOf(field)} as "${index}"`);
    const [row] = await query(db, `select ${columns.join(', ')} from ${tableOf(model, type)} where id = $1`, [id]);
    const told = claims.map(([claim], index) => [claim, row?.[index]] as const);
    return Object.fromEntries(told.filter(([, value]) => value !== null && value !== undefined));
  };
}
