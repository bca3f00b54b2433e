import { randomSecret, secretHash } from '../keys/index.js';
import { Problem } from '../problems.js';
import type { Runtime } from '../runtime.js';
import type { Database } from '../storage/database.js';
import type { Identity } from './authenticate.js';
import { type Credential, standingCredentials } from './standing.js';

type Dependencies = { readonly database: Database; readonly runtime: Runtime };

const LIFETIME_SECONDS = 60;
const PREFIX = 'ticket.';
/** As a token of HTTP (RFC 9110 §5.6.2), which is what a subprotocol has to be: 32 random bytes in base64url. */
const FORM = /^ticket\.[A-Za-z0-9_-]{43}$/;

/** Whether a subprotocol is meant to be a ticket. */
export function isSocketTicket(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * Makes a ticket with which a principal opens one socket, within a minute: for browsers, which can't send a token along. The
 * database has its SHA-256 alone.
 */
export async function createSocketTicket(
  { database, runtime }: Dependencies,
  application: string,
  credential: Credential,
): Promise<{ readonly ticket: string; readonly expiresAt: Date }> {
  const ticket = `${PREFIX}${randomSecret(runtime)}`;
  const expiresAt = new Date(runtime.now().getTime() + LIFETIME_SECONDS * 1000);
  await database.db
    .insertInto('ostiary.socket_ticket')
    .values({
      token_hash: secretHash(ticket),
      application,
      kind: credential.kind,
      principal_id: credential.principalId,
      session_id: credential.sessionId,
      static_token_id: credential.staticTokenId ?? null,
      expires_at: expiresAt,
    })
    .execute();
  return { ticket, expiresAt };
}

/**
 * Uses a ticket up, and tells whose it is: if what they came in with, when they asked for it, is good still.
 * @throws Problem `invalid_token`, the same whatever is wrong
 */
export async function redeemSocketTicket(
  { database, runtime }: Dependencies,
  application: string,
  ticket: string,
): Promise<Identity> {
  if (!FORM.test(ticket)) throw new Problem('invalid_token');
  const found = await database.db
    .deleteFrom('ostiary.socket_ticket')
    .where('token_hash', '=', secretHash(ticket))
    .where('application', '=', application)
    .returning(['kind', 'principal_id', 'session_id', 'static_token_id', 'expires_at'])
    .executeTakeFirst();
  if (found === undefined || found.expires_at <= runtime.now()) throw new Problem('invalid_token');
  const { kind, principal_id: principalId, session_id: sessionId, static_token_id: staticTokenId } = found;
  const credential = { kind, principalId, sessionId, ...(staticTokenId === null ? {} : { staticTokenId }) };
  const standing = await standingCredentials(database.db, application, runtime.now(), [credential]);
  const rightsVersion = standing.get(credential);
  if (rightsVersion === undefined) throw new Problem('invalid_token');
  return { ...credential, rightsVersion };
}
