import type { Along } from '../storage/query.js';
import type { IdentityDependencies } from './dependencies.js';
import { RevokedToken } from './guest.js';
import { askAlong, type Live, NOTHING, RIGHTS } from './live.js';

/** Who makes a request. */
export interface Identity {
  readonly kind: string;
  readonly principalId: string;
  /** Null for who came with a static token. */
  readonly sessionId: string | null;
  /** Of the static token, for who came with one. */
  readonly staticTokenId?: string;
  /** Changes with every change of what this principal may do: rights that were resolved under it are still good. */
  readonly rightsVersion: string;
}

/** Runs with every request. */
const LIVE_SESSION: Live = {
  name: 'session',
  values: 5,
  text: `
  select account.rights_version || '.' || application.rights_version as "${RIGHTS}"
  from ostiary.login_session session
  join ostiary.account account using (application, kind, principal_id)
  join ostiary.application application on application.name = session.application
  where session.id = $1 and session.application = $2 and session.kind = $3 and session.principal_id = $4
    and session.revoked_at is null and session.expires_at > $5
    and not account.disabled`,
};

type Dependencies = Pick<IdentityDependencies, 'database' | 'runtime' | 'tokens'>;

/**
 * Tells who a token belongs to: the token must be good, its session neither ended nor expired, its account not disabled.
 * All of that is as it stands in the database now, so what was revoked holds from the next request.
 *
 * @throws Problem `invalid_token`, the same whatever is wrong
 */
export async function authenticate(deps: Dependencies, application: string, token: string): Promise<Identity> {
  return (await authenticateAlong(deps, application, token, NOTHING)).identity;
}

/** The same, with the answer to another question, of the same moment: one way to the database in place of two. */
export async function authenticateAlong<T>(
  deps: Dependencies,
  application: string,
  token: string,
  along: Along<T>,
): Promise<{ readonly identity: Identity; readonly answer: T }> {
  const now = deps.runtime.now();
  const { kind, sub: principalId, sessionId } = await deps.tokens.verify(token, now);
  const row = await askAlong(deps.database, LIVE_SESSION, [sessionId, application, kind, principalId, now], along);
  if (!row) throw new RevokedToken();
  const identity = { kind, principalId, sessionId, rightsVersion: row[RIGHTS] as string };
  return { identity, answer: along.read(row) };
}
