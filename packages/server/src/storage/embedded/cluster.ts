import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { EmbeddedError, systemCode } from './error.js';
import { clustersIn, findHome, type Home } from './home.js';
import { DATABASE, initialise, ROLE } from './initialise.js';
import { type Lock, takeLock } from './lock.js';
import { withLogFile } from './logfile.js';
import { findPrograms, type Programs } from './programs.js';
import { startServer } from './server.js';
import { clearSocketFolder, makeSocketFolder, PORT, removeSocketFolder } from './socket.js';

export interface EmbeddedOptions {
  /** The data folder, such as `./data`. The cluster lives in it, beside anything else. */
  readonly folder: string;
  /** Takes lines that tell a person what is going on. */
  readonly log?: (line: string) => void;
  /** A folder with `initdb` and `postgres` of another PostgreSQL, from version 15. The default comes as a package. */
  readonly binaries?: string;
  /** Settings of PostgreSQL for this run. With `fsync: 'off'` it is quick and forgets on a crash: for tests only. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Ends the wait for PostgreSQL when it is aborted. */
  readonly signal?: AbortSignal;
}

export interface EmbeddedCluster {
  /** For `new pg.Pool(...)`: the host is the folder of the socket. */
  readonly connection: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
  };
  /** The folder of the cluster. */
  readonly where: string;
  /** Resolves when PostgreSQL ended by itself and could not be started again. */
  readonly lost: Promise<EmbeddedError>;
  /** Shuts PostgreSQL down and gives the folder free. Can be called again. */
  stop(): Promise<void>;
}

/**
 * Starts a PostgreSQL of our own on the data folder, and creates folder, cluster and database where they are missing.
 * It can only be reached through a socket in a folder that is closed to other users. It outlives this process only
 * when this process is killed; the next start then stops it first.
 * Throws EmbeddedError; whatever was in the data folder is then as it was.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedCluster> {
  const log = options.log ?? (() => {});
  const home = await findHome(options.folder, log).catch(explain(options.folder));
  const lock = await takeLock(home.path, log).catch(explain(home.path));
  try {
    const programs = await findPrograms(options.binaries, home);
    return await startIn(home, programs, options, log, lock);
  } catch (error) {
    await lock.release();
    return explain(home.path)(error);
  }
}

async function startIn(
  home: Home,
  programs: Programs,
  { settings = {}, signal }: EmbeddedOptions,
  log: (line: string) => void,
  lock: Lock,
): Promise<EmbeddedCluster> {
  const cluster = await requireCluster(home, programs, async (path) => {
    log(`Creating the database in ${path} ...`);
    await withLogFile(home.path, (logFile) => initialise(path, programs, home, logFile, settings.fsync === 'off'));
  });
  const host = await makeSocketFolder(home);
  const connection = { host, port: PORT, user: ROLE, database: DATABASE };
  const server = await startServer({
    programs,
    cluster,
    home,
    settings: allSettings(settings, host),
    log,
    signal,
    prepare: () => clearSocketFolder(host),
    refusal: () => openDatabase(connection),
  }).catch(async (error: unknown) => {
    await removeSocketFolder(host);
    throw error;
  });
  const stop = async () => {
    await server.stop();
    await removeSocketFolder(host);
    await lock.release();
  };
  let stopped: Promise<void> | undefined;
  return {
    connection,
    where: cluster,
    lost: server.lost,
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Finds the cluster of the right version, or makes it where there is none at all. Touches nothing that is there. */
async function requireCluster(home: Home, programs: Programs, make: (path: string) => Promise<void>): Promise<string> {
  const cluster = join(home.path, `postgresql-${programs.major}`);
  const [found, ...more] = await clustersIn(home.path);
  if (found === undefined) {
    await make(cluster);
    return cluster;
  }
  const path = join(home.path, found);
  if (more.length > 0) {
    throw new EmbeddedError(
      'broken',
      `There is more than one database in ${home.path}: ${[found, ...more].join(', ')}. Move all but one away.`,
    );
  }
  const version = await readFile(join(path, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (version === undefined) {
    throw new EmbeddedError(
      'broken',
      `${path} is not a whole database: it has no readable file PG_VERSION. Nothing was changed. What was said about ` +
        `it earlier is in ${join(home.path, 'postgresql.log')}. If it cannot be repaired, move it away and restore a backup.`,
    );
  }
  if (path !== cluster || version.trim() !== String(programs.major)) {
    throw new EmbeddedError(
      'wrong_version',
      `The database in ${path} belongs to PostgreSQL ${version.trim()}, and this is PostgreSQL ${programs.version}. To ` +
        `move: make a backup with the version of Ostiary that came with PostgreSQL ${version.trim()}, move ${path} away, ` +
        'and restore the backup with this one.',
    );
  }
  return cluster;
}

function allSettings(
  settings: Readonly<Record<string, string>>,
  socketFolder: string,
): Readonly<Record<string, string>> {
  return {
    fsync: 'on',
    // The log is for people who run the server: what is stored must not get into it.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ...settings,
    log_line_prefix: '%m [%p] %e ',
    logging_collector: 'off',
    listen_addresses: '',
    port: String(PORT),
    unix_socket_directories: `"${socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
  };
}

/** Why the database does not answer, or undefined when it does. Creates it in a new cluster. */
async function openDatabase(connection: EmbeddedCluster['connection']): Promise<unknown> {
  const error = await attempt(connection, 'select 1');
  if (systemCode(error) !== '3D000') return error;
  const refused = await attempt({ ...connection, database: 'postgres' }, `create database ${DATABASE}`);
  return refused ?? error;
}

async function attempt(connection: EmbeddedCluster['connection'], statement: string): Promise<unknown> {
  const client = new pg.Client({ ...connection, ssl: false, connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(statement);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    await client.end().catch(() => {});
  }
}

/** For `.catch`: what the file system refused becomes an EmbeddedError. */
function explain(folder: string): (cause: unknown) => never {
  return (cause) => {
    if (cause instanceof EmbeddedError) throw cause;
    throw new EmbeddedError('broken', `The data folder ${folder} cannot be used: ${cause}. Nothing was changed.`, {
      cause,
    });
  };
}
