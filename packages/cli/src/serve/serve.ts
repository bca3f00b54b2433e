import { createServer, findInstallation, openInstallation, purgeExpired, systemRuntime } from '@ostiary/server';
import { findApplications } from '../applications.js';
import { openConfigured } from '../database.js';
import { Failure } from '../failure.js';
import { print, say } from '../terminal.js';
import { isLoopback, portFailure, requirePort, urlOf } from './address.js';
import { Interrupted, listenForInterrupt } from './interrupt.js';
import { createLogger, logLevel } from './logger.js';
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
  /** That demo data may be served beyond this machine. */
  readonly toldTwice: boolean;
}

type Server = Awaited<ReturnType<typeof createServer>>;

const DRAIN_MILLISECONDS = 10_000;
const PURGE_MILLISECONDS = 3_600_000;

/** Serves until it is told to stop, and leaves nothing running, however it ends. */
export async function serve(options: ServeOptions): Promise<void> {
  const interrupt = listenForInterrupt();
  const opened: (() => Promise<void>)[] = [];
  try {
    await start(options, interrupt.check, opened);
    await interrupt.requested;
    print('Stopping ...');
  } catch (error) {
    if (!(error instanceof Interrupted) && !wasInterrupted(interrupt.check)) throw error;
    print('Stopping ...');
  } finally {
    for (const close of opened.reverse()) await close();
  }
  print('Stopped.');
}

function wasInterrupted(check: () => void): boolean {
  try {
    check();
    return false;
  } catch {
    return true;
  }
}

/** Brings everything up. What is up already is in `opened`, to be closed in the opposite order. */
async function start(options: ServeOptions, check: () => void, opened: (() => Promise<void>)[]): Promise<void> {
  const production = process.env.NODE_ENV === 'production';
  const demo = options.demo ?? !production;
  const level = logLevel('info');
  const isPrivate = await isLoopback(options.host);
  const port = await requirePort(options.host, options.port);
  const known = publicUrl();
  const applications = (await findApplications(options.app)).map(({ application }) => application);
  check();

  const { database, where, close } = await openConfigured({ data: options.data, progress: print, join: false });
  opened.push(close);
  check();

  const before = await findInstallation(database);
  if ((before?.demo ?? demo) && !isPrivate && !options.toldTwice) throw refuseToTell(options.host, before !== null);
  const installation = await openInstallation({
    database,
    runtime: systemRuntime,
    applications,
    ...(known === undefined ? {} : { issuer: known }),
    production,
    environment: process.env,
    demo,
    progress: (line) => print(`${line[0]?.toUpperCase()}${line.slice(1)} ...`),
    warn: (line) => say(`Warning: ${line}.`),
  });
  check();
  if (options.demo !== undefined && options.demo !== installation.demo) {
    const has = installation.demo ? 'has demo data, and keeps it' : 'was made without demo data, and stays so';
    print(`The installation in ${where} ${has}. For another one say --data <folder>.`);
  }

  const alone = options.app === undefined ? undefined : applications[0]?.policy.model.name;
  const server = await createServer({
    installation,
    version: options.version,
    ...(alone === undefined ? {} : { alone }),
    corsOrigins: options.corsOrigin,
    ...(options.trustedProxy.length > 0 ? { trustedProxies: options.trustedProxy } : {}),
    logger: createLogger(installation.demo ? logLevel('warn') : level),
  });
  opened.push(() => drain(server));
  await server.listen({ host: options.host, port }).catch((error: unknown) => {
    throw portFailure(error, options.host, port);
  });
  check();
  opened.push(purgeHourly(() => purgeExpired(installation), server));
  const place = { url: urlOf(options.host, port), public: known, alone };
  for (const line of await welcome(installation, place)) print(line);
}

function refuseToTell(host: string, exists: boolean): Failure {
  const demo = exists ? 'This installation has demo data' : 'A new installation gets demo data';
  const other = exists ? 'Take another --data folder with --no-demo' : 'Say --no-demo';
  return new Failure(
    'configuration',
    `${demo}, with accounts whose password everyone knows, and ${host} can be reached from other machines. ` +
      `${other}; or, if it is meant so, add --i-know-that-everyone-knows-the-demo-passwords.`,
  );
}

/** The address that people use, where it is not the one that the server listens on. */
function publicUrl(): string | undefined {
  const url = process.env.OSTIARY_URL;
  if (!url) return undefined;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || /[?#]/.test(url)) {
    throw new Failure(
      'configuration',
      `OSTIARY_URL is '${url}': it is an address such as https://ostiary.example.org.`,
    );
  }
  return url.replace(/\/+$/, '');
}

/** Takes no more requests, and gives those that run a while to end. */
async function drain(server: Server): Promise<void> {
  const late = setTimeout(() => server.server.closeAllConnections(), DRAIN_MILLISECONDS);
  await server.close().finally(() => clearTimeout(late));
}

function purgeHourly(purge: () => Promise<void>, server: Server): () => Promise<void> {
  const run = () => {
    purge().catch((err: unknown) => server.log.error({ err }, 'expired sessions could not be deleted'));
  };
  const timer = setInterval(run, PURGE_MILLISECONDS);
  timer.unref();
  return async () => clearInterval(timer);
}
