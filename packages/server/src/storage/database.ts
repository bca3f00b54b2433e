import { Kysely, type Transaction as KyselyTransaction, PostgresDialect } from 'kysely';
import pg from 'pg';
import { Statements, tellOf } from '../telemetry/statements.js';
import { preparing } from './prepared.js';
import type { PlatformTables } from './tables.js';
import { RECORD_TYPES, TYPES } from './types.js';

/** The database behind an installation: kysely for queries, and the pool it runs on. */
export interface Database {
  readonly db: Kysely<PlatformTables>;
  readonly pool: pg.Pool;
  /** Tells of each statement that runs by `db` or `prepared`. */
  readonly statements: Statements;
  /** Runs a query that has a name, and so is prepared once for each connection. */
  prepared<R extends pg.QueryResultRow>(query: pg.QueryConfig): Promise<readonly R[]>;
  close(): Promise<void>;
}

/** A connection or a transaction: what a function takes when it runs inside its caller's transaction. */
export type Executor = Kysely<PlatformTables>;
export type Transaction = KyselyTransaction<PlatformTables>;

/** Compiling costs PostgreSQL more than running what is asked here: short questions with many branches. */
async function prepareConnection(client: pg.ClientBase): Promise<void> {
  await client.query('set jit = off');
}

/** Opens a pool on a PostgreSQL of version 15 or later. Connects only when the first query runs. */
export function openDatabase(config: pg.PoolConfig): Database {
  const pool = new pg.Pool({ max: 16, types: TYPES, onConnect: prepareConnection, ...config });
  // An idle connection that breaks must not end the process: the next query takes another one.
  pool.on('error', () => {});
  // Nor one that breaks between two statements of a transaction: the next statement fails, and says so.
  pool.on('connect', (client) => client.on('error', () => {}));
  const statements = new Statements();
  const db = new Kysely<PlatformTables>({
    dialect: new PostgresDialect({ pool: preparing(pool) }),
    log: tellOf(statements),
  });
  return {
    db,
    pool,
    statements,
    async prepared<R extends pg.QueryResultRow>(query: pg.QueryConfig) {
      const began = performance.now();
      let failed = true;
      try {
        const { rows } = await pool.query<R>({ ...query, types: RECORD_TYPES });
        failed = false;
        return rows;
      } finally {
        statements.tell('select', performance.now() - began, failed);
      }
    },
    close: () => db.destroy(),
  };
}
