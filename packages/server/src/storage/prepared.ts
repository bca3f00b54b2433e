import { createHash } from 'node:crypto';
import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { RECORD_TYPES } from './types.js';

/** So many statements are kept on each connection; it holds the plan of every one. */
const MOST = 300;

const names = new Map<string, string>();

/**
 * Says that a statement will be asked for again with other values: from then on PostgreSQL reads and plans it once for
 * each connection. For statements that read records, and whose best plan is the same whatever the values are.
 */
export function prepare(text: string): string {
  if (!names.has(text) && names.size < MOST) {
    names.set(text, createHash('sha256').update(text).digest('base64url'));
  }
  return text;
}

/** The same pool, whose connections know the statements that are to be prepared. */
export function preparing(pool: pg.Pool): PostgresPool {
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  return {
    async connect() {
      const client = await pool.connect();
      const known = clients.get(client);
      if (known !== undefined) return known;
      // Kysely asks for no more of a client than these, without its cursors.
      const made = { query: queryOf(client), release: () => client.release() } as unknown as PostgresPoolClient;
      clients.set(client, made);
      return made;
    },
    end: () => pool.end(),
  };
}

function queryOf(client: pg.PoolClient) {
  return (text: string, values: readonly unknown[]) => {
    const name = names.get(text);
    return name === undefined
      ? client.query(text, [...values])
      : client.query({ name, text, values: [...values], types: RECORD_TYPES });
  };
}
