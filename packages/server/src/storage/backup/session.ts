import pg from 'pg';
import type { Table } from './format.js';

/** Text forms of values that every PostgreSQL reads back as the same, and no time limits. For after `begin`. */
const SETTINGS = `
  set local datestyle = 'ISO, YMD';
  set local intervalstyle = 'postgres';
  set local timezone = 'UTC';
  set local bytea_output = 'hex';
  set local extra_float_digits = 1;
  set local lc_monetary = 'C';
  set local row_security = off;
  set local statement_timeout = 0;
  set local lock_timeout = 0;
  set local idle_in_transaction_session_timeout = 0`;

/** Runs `work` in one transaction of its own, which `begin` starts, and commits when it returns. */
export async function inTransaction<T>(
  pool: pg.Pool,
  begin: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  // A connection that breaks also fails the query that runs on it: that is where it is dealt with.
  const ignore = () => {};
  client.on('error', ignore);
  let broken = false;
  try {
    await client.query(`${begin}; ${SETTINGS}`);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.off('error', ignore);
    client.release(broken);
  }
}

export const quote = pg.escapeIdentifier;

/** The name of a table in a statement. */
export function quoteTable({ schema, name }: Pick<Table, 'schema' | 'name'>): string {
  return `${quote(schema)}.${quote(name)}`;
}
