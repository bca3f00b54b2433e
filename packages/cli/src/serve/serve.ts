import { basename, resolve } from 'node:path';
import {
  type Context,
  findInstallation,
  openInstallation,
  purgeExpired,
  startSealer,
  systemRuntime,
} from '@ostiary/server';
import { createServer, drain } from '@ostiary/server/http';
import { located } from '../application-folder.js';
import { type Found, findApplications, nameOf } from '../applications.js';
import { openConfigured } from '../database.js';
import { Failure } from '../failure.js';
import { fieldSecrets } from '../field-secrets.js';
import { print, say } from '../terminal.js';
import { isLoopback, portFailure, requirePort, urlOf } from './address.js';
import { metricsToken, publicUrl, rates } from './environment.js';
import { type Interrupt, Interrupted, listenForInterrupt } from './interrupt.js';
import { createLogger, logLevel } from './logger.js';
import { recordPlace } from './place.js';
import { signOn } from './sign-on.js';
import { startTracing, tracingIsConfigured } from './tracing.js';
import { welcome } from './welcome.js';

export interface ServeOptions {
  readonly version: string;
  readonly port: number;
  readonly host: string;
  readonly data: string;
  /** Undefined: not in production. */
  readonly demo?: boolean;
  readonly app?: string;
  readonly corsOrigin: readonly string[];
  readonly trustedProxy: readonly string[];
  /** How long running requests may take when the server stops. */
  readonly drainSeconds: number;
  /** That demo data may be served beyond this machine. */
  readonly toldTwice: boolean;
}

type Server = Awaited<ReturnType<typeof createServer>>;

const PURGE_MILLISECONDS = 3_600_000;

/** Serves until it is told to stop, and leaves nothing running, however it ends. */
export async function serve(options: ServeOptions): Promise<void> {
  const interrupt = listenForInterrupt();
  const opened: (() => Promise<void>)[] = [];
  try {
    const { lost } = await start(options, interrupt, opened);
    await Promise.race([interrupt.requested, lost.then(rethrow)]);
    print('Stopping ...');
  } catch (error) {
    if (!(error instanceof Interrupted) && !wasInterrupted(interrupt.check)) throw error;
    print('Stopping ...');
  } finally {
    for (const close of opened.reverse()) await close();
  }
  print('Stopped.');
}

function rethrow(error: Error): never {
  throw error;
}

function wasInterrupted(check: () => void): boolean {
  try {
    check();
    return false;
  } catch {
    return true;
  }
}

/**
 * Brings everything up. What is up already is in `opened`, to be closed in the opposite order. `lost` resolves
 * when the database is gone for good.
 */
async function start(
  options: ServeOptions,
  { check, signal }: Interrupt,
  opened: (() => Promise<void>)[],
): Promise<{ readonly lost: Promise<Error> }> {
  const production = process.env.NODE_ENV === 'production';
  const demo = options.demo ?? !production;
  const level = logLevel('info');
  const isPrivate = await isLoopback(options.host);
  const port = await requirePort(options.host, options.port);
  const known = publicUrl();
  const limits = rates();
  const token = metricsToken();
  const found = await findApplications(options.app);
  const applications = found.map(({ application }) => application);
  const elsewhere = await signOn(found.map(nameOf), known ?? (isPrivate ? urlOf(options.host, port) : undefined));
  check();

  if (tracingIsConfigured(process.env)) opened.push(await startTracing(options.version, process.env));
  const { database, where, lost, close } = await openConfigured({
    data: options.data,
    progress: print,
    join: false,
    signal,
  });
  opened.push(close);
  check();

  const before = await findInstallation(database);
  if ((before?.demo ?? demo) && (production || !isPrivate) && !options.toldTwice) {
    throw refuseToTell(
      isPrivate ? 'NODE_ENV is production' : `${options.host} can be reached from other machines`,
      before,
    );
  }
  const installation = await openInstallation({
    database,
    runtime: systemRuntime,
    applications,
    ...(known === undefined ? {} : { issuer: known }),
    production,
    environment: process.env,
    fieldSecrets: () => fieldSecrets(options.data),
    demo,
    progress: (line) => print(`${line[0]?.toUpperCase()}${line.slice(1)} ...`),
    warn: (line) => say(`Warning: ${line}.`),
  }).catch((error: unknown) => {
    throw located(
      error,
      found.map(({ folder }) => folder),
    );
  });
  check();
  if (options.demo !== undefined && options.demo !== installation.demo) {
    const has = installation.demo ? 'has demo data, and keeps it' : 'was made without demo data, and stays so';
    print(`The installation in ${where} ${has}. For another one say --data <folder>.`);
  }

  const alone = options.app === undefined ? undefined : applications[0]?.policy.model.name;
  const logger = createLogger(installation.demo ? logLevel('warn') : level);
  const sealer = startSealer(installation, {
    checkpoint: (jws) => logger.info({ checkpoint: jws }, 'the audit trail was sealed'),
    error: (err) => logger.error({ err }, 'the audit trail could not be sealed'),
    resumed: () => logger.warn('the audit trail is sealed again'),
  });
  // Stopped behind the server: what its last requests wrote is sealed too.
  opened.push(() => sealer.stop());
  const server = await createServer({
    installation,
    version: options.version,
    ...(alone === undefined ? {} : { alone }),
    publicUrl: known,
    ...(elsewhere === undefined ? {} : { signOn: elsewhere }),
    corsOrigins: options.corsOrigin,
    trustedProxies: options.trustedProxy,
    ...(limits === undefined ? {} : { rates: limits }),
    ...(token === undefined ? {} : { metricsToken: token }),
    logger,
  });
  opened.push(() => drain(server, options.drainSeconds * 1000));
  await server.listen({ host: options.host, port }).catch((error: unknown) => {
    throw portFailure(error, options.host, port);
  });
  check();
  opened.push(purgeHourly(() => purgeExpired(installation), server));
  const place = { url: urlOf(options.host, port), public: known, alone };
  if (!process.env.DATABASE_URL) await recordPlace(options.data, place);
  const flags = flagsOf(options, found);
  for (const line of await welcome(installation, place, flags)) print(line);
  return { lost };
}

/** What other commands are to be told, to work on the installation that is served here. */
function flagsOf({ data, app }: ServeOptions, found: readonly Found[]): (context: Context) => string {
  const where = process.env.DATABASE_URL || resolve(data) === resolve('./data') ? '' : ` --data ${quoted(data)}`;
  return ({ policy }) => {
    const folder = app ?? (found.length > 1 ? basename(found.find(named(policy.model.name))?.folder ?? '') : undefined);
    return `${folder === undefined ? '' : ` --app ${quoted(folder)}`}${where}`;
  };
}

const named = (name: string) => (found: Found) => nameOf(found) === name;

/** As one word for a shell. */
function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function refuseToTell(why: string, exists: object | null): Failure {
  const demo = exists ? 'This installation has demo data' : 'A new installation gets demo data';
  const other = exists ? 'Take another --data folder with --no-demo' : 'Say --no-demo';
  return new Failure(
    'configuration',
    `${demo}, with accounts whose password everyone knows, and ${why}. ` +
      `${other}; or, if it is meant so, add --i-know-that-everyone-knows-the-demo-passwords.`,
  );
}

function purgeHourly(purge: () => Promise<void>, server: Server): () => Promise<void> {
  const run = () => {
    purge().catch((err: unknown) => server.log.error({ err }, 'expired sessions could not be deleted'));
  };
  const timer = setInterval(run, PURGE_MILLISECONDS);
  timer.unref();
  return async () => clearInterval(timer);
}
