import { isIP } from 'node:net';
import type { ServerOptions } from '@ostiary/server/http';
import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { Failure } from '../failure.js';

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'];
const SECRETS = ['authorization', 'cookie', 'password', 'token', 'accessToken', 'secret', 'apiKey'];

/** The level that OSTIARY_LOG names, or the one given. */
export function logLevel(otherwise: string): string {
  const level = process.env.OSTIARY_LOG || otherwise;
  if (LEVELS.includes(level)) return level;
  throw new Failure('configuration', `OSTIARY_LOG is '${level}': it is one of ${LEVELS.join(', ')}.`);
}

/** A logger that writes JSON, a line an entry, and never a secret. */
export function createLogger(
  level: string,
  stream: DestinationStream = destination({ dest: 2, sync: true }),
): Exclude<ServerOptions['logger'], false | undefined> {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      redact: {
        paths: SECRETS.flatMap((name) => [name, `*.${name}`, `req.headers.${name}`, `*.*.${name}`]),
        censor: '[not logged]',
      },
      serializers: { req: request, res: response, err: failure },
    },
    stream,
  );
}

/** No headers, and of the address the path alone: filters hold what somebody looked for. */
function request({ method, url, ip }: { readonly method?: string; readonly url?: string; readonly ip?: string }) {
  // Behind a proxy that passes on what callers write, the address may be any text.
  return { method, path: url?.split('?', 1)[0], ip: isIP(ip ?? '') === 0 ? undefined : ip };
}

function response({ statusCode }: { readonly statusCode?: number }) {
  return { statusCode };
}

interface Fault extends Error {
  readonly code?: unknown;
  readonly severity?: unknown;
  readonly schema?: unknown;
  readonly table?: unknown;
  readonly constraint?: unknown;
}

/** What PostgreSQL says of values it refused (class 22) repeats them: only its code and where in the code it was. */
function failure(error: Fault): object {
  if (!(error instanceof Error)) return { message: typeof error };
  const { name, message, stack = '', code, severity, schema, table, constraint } = error;
  const fromDatabase = severity !== undefined;
  const repeats = fromDatabase && /^2[23]/.test(String(code));
  const frames = stack.slice(Math.max(0, stack.indexOf('\n    at ')));
  return {
    type: name,
    message: repeats ? 'the database refused a value' : message,
    ...(code === undefined ? {} : { code }),
    ...(fromDatabase ? { schema, table, constraint } : {}),
    stack: frames.trimStart(),
    ...(error.cause instanceof Error ? { cause: failure(error.cause as Fault) } : {}),
  };
}
