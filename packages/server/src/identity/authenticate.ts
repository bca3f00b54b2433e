import { Problem } from '../problems.js';
import type { IdentityDependencies } from './dependencies.js';

/** Who makes a request. */
export interface Identity {
  readonly kind: string;
  readonly principalId: string;
  readonly sessionId: string;
  /** Changes with every change of what this principal may do: rights that were resolved under it are still good. */
  readonly rightsVersion: string;
}

/** Runs with every request, so it is prepared once per connection. */
const LIVE_SESSION = `
  select account.rights_version || '.' || application.rights_version as rights_version
  from ostiary.login_session session
  join ostiary.account account using (application, kind, principal_id)
  join ostiary.application application on application.name = session.application
  where session.id = $1 and session.application = $2 and session.kind = $3 and session.principal_id = $4
    and session.revoked_at is null and session.expires_at > $5
    and not account.disabled`;

/**
 * Tells who a token belongs to: the token must be good, its session neither ended nor expired, its account not disabled.
 * All of that is as it stands in the database now, so what was revoked holds from the next request.
 *
 * @throws Problem `invalid_token`, the same whatever is wrong
 */
export async function authenticate(
  deps: Pick<IdentityDependencies, 'database' | 'runtime' | 'tokens'>,
  application: string,
  token: string,
): Promise<Identity> {
  const now = deps.runtime.now();
  const { kind, sub: principalId, sessionId } = await deps.tokens.verify(token, now);
  const [row] = await deps.database.prepared<{ readonly rights_version: string }>({
    name: 'ostiary live session',
    text: LIVE_SESSION,
    values: [sessionId, application, kind, principalId, now],
  });
  if (!row) throw new Problem('invalid_token');
  return { kind, principalId, sessionId, rightsVersion: row.rights_version };
}
