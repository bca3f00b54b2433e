import { ModelError } from '@ostiary/policy';
import {
  ApplicationError,
  BackupError,
  ConfigurationError,
  EmbeddedError,
  PROBLEMS,
  Problem,
  SchemaError,
} from '@ostiary/server';
import { CommanderError } from 'commander';
import { EXIT_CODES, type Exit } from './exit-codes.js';
import { visible } from './visible.js';

/** The command ends here: with a message for the person who ran it, and an exit code for scripts. */
export class Failure extends Error {
  constructor(
    readonly exit: Exit,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'Failure';
  }
}

const EMBEDDED: Readonly<Record<EmbeddedError['code'], Exit>> = {
  in_use: 'data_in_use',
  broken: 'data_broken',
  wrong_version: 'data_broken',
  no_user: 'configuration',
  no_binaries: 'configuration',
  not_started: 'database',
};

/** Says what went wrong on stderr, once and without a stack trace, and returns the exit code. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // Commander has said what there is to say.
    return error.exitCode === 0 ? 0 : EXIT_CODES.usage.code;
  }
  const failure = toFailure(error);
  process.stderr.write(`ostiary: ${failure.message.split('\n').map(visible).join('\n')}\n`);
  if (process.env.OSTIARY_DEBUG) console.error(error);
  return EXIT_CODES[failure.exit].code;
}

/** Puts whatever was thrown into a class of failure. */
export function toFailure(error: unknown): Failure {
  const wrap = (exit: Exit, message: string) => new Failure(exit, message, { cause: error });
  if (error instanceof Failure) return error;
  if (error instanceof EmbeddedError) {
    const other = /PostgreSQL of your own\.$/.test(error.message) ? ' DATABASE_URL names one.' : '';
    return wrap(EMBEDDED[error.code], `${error.message}${other}`);
  }
  if (error instanceof BackupError) return wrap('refused', error.message);
  if (error instanceof Problem) return wrap(error.code === 'malformed_request' ? 'usage' : 'refused', inWords(error));
  if (error instanceof ApplicationError || error instanceof ConfigurationError)
    return wrap('configuration', `${error.message}.`);
  if (error instanceof SchemaError || error instanceof ModelError) return wrap('configuration', error.message);
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  if (isAboutConnecting(code)) return wrap('database', `The database does not answer: ${message || code}.`);
  if (code === '42501') {
    return wrap(
      'database',
      `The role of the database may not do what is needed: ${message}. It has to own its database.`,
    );
  }
  return wrap('unexpected', `This should not have happened: ${message ?? error}. Set OSTIARY_DEBUG=1 to see more.`);
}

/** PostgreSQL's classes 08 (connection), 28 (log-in), 3D (no such database), 53 (resources), 57P (shut down), and the system's. */
function isAboutConnecting(code: unknown): boolean {
  return (
    typeof code === 'string' && /^(08|28|3D|53|57P|ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ETIMEDOUT|EPIPE)/.test(code)
  );
}

/** What the members of a question are called on the command line. */
const MEMBERS: Readonly<Record<string, string>> = {
  '/subject/type': 'the kind of the principal',
  '/action/name': 'the action',
  '/resource/type': 'the type',
};

function inWords({ code, details }: Problem): string {
  const { detail = `${PROBLEMS[code].title}.`, errors = [], missing = [] } = details;
  if (errors.length === 0) return [detail, ...missing].join(' ');
  return errors.map(({ pointer, message }) => `${MEMBERS[pointer] ?? pointer.slice(1)} ${message}`).join('; ');
}
