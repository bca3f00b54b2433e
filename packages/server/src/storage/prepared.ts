import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import { RECORD_TYPES } from './types.js';

/** So many statements that callers choose the form of are kept on each connection; it holds the plan of every one. */
export const MOST_RECURRING = 100;

// At the end, where they change neither what a statement does nor how it begins.
const KEPT = ' /* kept */';
const RECURRING = ' /* recurring */';

/**
 * Says that a statement will be asked for again with other values: each connection then reads and plans it once. For
 * statements that read records, whose best plan is the same whatever the values are, and of which a model has few.
 */
export function keep(text: string): string {
  return text + KEPT;
}

/**
 * The same for statements that come in as many forms as callers think of: from the second time on that a connection is
 * asked for one, until there are too many that were asked for since.
 */
export function prepare(text: string): string {
  return text + RECURRING;
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
  const names = new Names();
  return async (text: string, values: unknown[]) => {
    const kept = text.endsWith(KEPT);
    if (!kept && !text.endsWith(RECURRING)) return client.query(text, values);
    const name = kept ? names.kept(text) : names.recurring(text);
    for (const gone of names.tooMany()) await close(client, gone);
    const statement = { text, values, types: RECORD_TYPES };
    return client.query(name === null ? statement : { name, ...statement });
  };
}

const NONE: readonly string[] = [];

/** The names of the statements that one connection has prepared: no name is given twice. */
class Names {
  readonly #kept = new Map<string, string>();
  /** Least recently used first. */
  readonly #recurring = new Map<string, string>();
  readonly #once = new Set<string>();
  #given = 0;

  kept(text: string): string {
    const name = this.#kept.get(text) ?? this.#next();
    this.#kept.set(text, name);
    return name;
  }

  /** None for what is asked for the first time. */
  recurring(text: string): string | null {
    const known = this.#recurring.get(text);
    if (known === undefined && !this.#once.delete(text)) {
      this.#once.add(text);
      const [oldest] = this.#once;
      if (this.#once.size > MOST_RECURRING && oldest !== undefined) this.#once.delete(oldest);
      return null;
    }
    const name = known ?? this.#next();
    this.#recurring.delete(text);
    this.#recurring.set(text, name);
    return name;
  }

  /** Forgets what is to make place, and gives the names of that. */
  tooMany(): readonly string[] {
    const tooMany = this.#recurring.size - MOST_RECURRING;
    if (tooMany <= 0) return NONE;
    const gone = [...this.#recurring].slice(0, tooMany);
    for (const [text] of gone) this.#recurring.delete(text);
    return gone.map(([, name]) => name);
  }

  #next(): string {
    this.#given += 1;
    return `ostiary ${this.#given}`;
  }
}

/**
 * Closes a prepared statement by a message of the protocol: unlike DEALLOCATE, that goes through a pooler, and fails
 * neither in a transaction that has failed nor where the statement is not there.
 */
function close(client: pg.PoolClient, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const callback = (error?: Error | null) => (error ? reject(error) : resolve());
    const closing = {
      callback,
      submit(connection: pg.Connection) {
        connection.close({ type: 'S', name }, false);
        connection.sync();
        // The driver's own list of what there is, which it never makes shorter.
        delete (connection as { parsedStatements?: Record<string, string> }).parsedStatements?.[name];
      },
      handleReadyForQuery: () => closing.callback(),
      handleError: (error: Error) => closing.callback(error),
    };
    client.query(closing);
  });
}
