import { resolve } from 'node:path';
import {
  type Database,
  EmbeddedError,
  holdsDatabase,
  joinEmbedded,
  openDatabase,
  startEmbedded,
} from '@ostiary/server';
import { EXIT_CODES } from './exit-codes.js';
import { Failure } from './failure.js';

/** The database of an installation, and what has to be closed with it. */
export interface Opened {
  readonly database: Database;
  /** For messages: where it is, without any password. */
  readonly where: string;
  /** Resolves when it is gone for good. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** The data folder; not used where DATABASE_URL names a database. */
  readonly data: string;
  readonly progress: (line: string) => void;
  /** Work beside a server that runs on the same data folder, in place of being refused. */
  readonly join: boolean;
  /** Ends the wait for the built-in one. */
  readonly signal?: AbortSignal;
}

const OLDEST_VERSION = 15;
const CLOSING_MILLISECONDS = 5_000;

/** Opens the database that DATABASE_URL names, or else the built-in one in the data folder. */
export async function openConfigured(options: DatabaseOptions): Promise<Opened> {
  const url = process.env.DATABASE_URL;
  return url ? openUrl(url) : openBuiltIn(options);
}

async function openUrl(url: string): Promise<Opened> {
  const form = 'postgres://user:password@host:5432/database';
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new Failure('configuration', `DATABASE_URL is not the address of a PostgreSQL: it looks like ${form}.`);
  }
  const unreadable = new Failure('configuration', `DATABASE_URL can't be read: it looks like ${form}.`);
  const database = openDatabase({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    const { rows } = await database.pool.query<{ number: number; version: string; name: string }>(
      `select current_setting('server_version_num')::integer as number, current_setting('server_version') as version,
         current_database() as name`,
    );
    const [{ number, version, name } = { number: 0, version: 'unknown', name: '' }] = rows;
    if (number < OLDEST_VERSION * 10_000) {
      throw new Failure('configuration', `PostgreSQL ${OLDEST_VERSION} or later is needed, and this is ${version}.`);
    }
    return {
      database,
      where: `the database ${name} of DATABASE_URL`,
      lost: new Promise(() => {}),
      close: () => close(database),
    };
  } catch (cause) {
    await close(database);
    if (cause instanceof Failure) throw cause;
    // What the parser says repeats the address, with its password.
    if (cause instanceof URIError || (cause as { readonly code?: string }).code === 'ERR_INVALID_URL') throw unreadable;
    const why = (cause as Error).message || (cause as { readonly code?: string }).code;
    throw new Failure('database', `The database that DATABASE_URL names does not answer: ${why}.`, { cause });
  }
}

async function openBuiltIn({ data, progress, join, signal }: DatabaseOptions): Promise<Opened> {
  const folder = resolve(data);
  if (join) endOnSignal();
  const cluster = await startEmbedded({ folder, log: progress, ...(signal && { signal }) }).catch((error: unknown) => {
    if (join && error instanceof EmbeddedError && error.code === 'in_use') return joinEmbedded(folder);
    throw error;
  });
  const database = openDatabase(cluster.connection);
  return {
    database,
    where: folder,
    lost: cluster.lost,
    async close() {
      await close(database);
      await cluster.stop();
    },
  };
}

/** Ends by the event of Node, which takes the built-in database along: a signal alone would leave it running. */
function endOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(EXIT_CODES.interrupted.code));
  }
}

/** Closes the pool; connections that are still at work after a while are given up. */
async function close(database: Database): Promise<void> {
  await Promise.race([database.close(), new Promise((done) => setTimeout(done, CLOSING_MILLISECONDS).unref())]);
}

/** Refuses where there is nothing yet: a command that reads must not create a database. */
export async function requireDatabase(data: string): Promise<void> {
  const folder = resolve(data);
  if (process.env.DATABASE_URL || (await holdsDatabase(folder))) return;
  throw new Failure(
    'usage',
    `There is no installation in the data folder ${folder}. Start the server first, or say with --data where it is.`,
  );
}
