import { sql } from 'kysely';
import type { Runtime } from '../runtime.js';
import type { Executor } from '../storage/database.js';
import { randomSecret } from './digest.js';

export const MIN_SECRET_LENGTH = 32;

/** The server can't start like this: the message says what to change. */
export class ConfigurationError extends Error {
  constructor(
    readonly code: 'secret_missing' | 'secret_too_short' | 'secret_unknown' | 'sign_on',
    message: string,
  ) {
    super(message);
    this.name = 'ConfigurationError';
  }
}

export interface SigningSecretOptions {
  /** The environment variable that holds the secret, for messages. */
  readonly variable: string;
  /** Its value. */
  readonly configured: string | undefined;
  readonly production: boolean;
  /** Fetches the secret that was made for this application, or makes one: see `storedSecret`. */
  readonly stored: () => Promise<string>;
  /** Told when a secret is used that production would refuse. */
  readonly warn?: (message: string) => void;
}

/**
 * Refuses what production does: a secret that is missing, or shorter than 32 characters (RFC 7518 section 3.2 wants 256
 * bits). For a start to ask before it makes anything.
 *
 * @throws ConfigurationError
 */
export function requireSecret({
  variable,
  configured,
  production,
}: Omit<SigningSecretOptions, 'stored' | 'warn'>): void {
  if (!production) return;
  if (!configured) throw new ConfigurationError('secret_missing', `${variable} is missing: ${advice(variable)}`);
  if (isShort(configured)) {
    throw new ConfigurationError('secret_too_short', `${variable} is too short: ${advice(variable)}`);
  }
}

const isShort = (secret: string) => secret.length < MIN_SECRET_LENGTH;
const advice = (variable: string) => `set ${variable} to at least ${MIN_SECRET_LENGTH} random characters`;

/**
 * The secret that an application's HS256 tokens are signed with: the configured one. Outside of production a missing one
 * is made up and kept, and a short one is used with a warning.
 *
 * @throws ConfigurationError in production, if it is missing or short
 */
export async function signingSecret(options: SigningSecretOptions): Promise<string> {
  const { variable, configured, stored, warn } = options;
  requireSecret(options);
  if (!configured) return stored();
  if (isShort(configured)) warn?.(`${variable} is too short: ${advice(variable)} before production`);
  return configured;
}

/** The secret that is kept for an application, made now if there is none: 32 random bytes in base64url. */
export async function storedSecret(executor: Executor, runtime: Runtime, application: string): Promise<string> {
  const made = randomSecret(runtime);
  const { rows } = await sql<{ secret: string }>`
    update ostiary.application set secret = coalesce(secret, ${made}) where name = ${application} returning secret
  `.execute(executor);
  const [row] = rows;
  if (!row) throw new Error(`The application ${application} is not installed`);
  return row.secret;
}
