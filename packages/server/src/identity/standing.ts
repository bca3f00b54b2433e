import type { Executor } from '../storage/database.js';
import { query } from '../storage/query.js';
import type { Identity } from './authenticate.js';

/** What somebody came in with: a session, or a static token. */
export type Credential = Pick<Identity, 'kind' | 'principalId' | 'sessionId' | 'staticTokenId'>;

interface Way {
  readonly idOf: (credential: Credential) => string | null | undefined;
  readonly table: string;
  readonly stands: string;
}

const WAYS: readonly Way[] = [
  {
    idOf: ({ sessionId }) => sessionId,
    table: 'ostiary.login_session',
    stands: 'way.revoked_at is null and way.expires_at > $5',
  },
  {
    idOf: ({ staticTokenId }) => staticTokenId,
    table: 'ostiary.static_token',
    stands: 'not account.static_token_disabled and $5::timestamptz is not null',
  },
];

/**
 * Of these credentials those that are good still, with the version of their principal's rights, as it stands in the
 * database now: as if each had come with a request.
 * @param lock whether they and their accounts stay as they are until the transaction ends: who ends one waits for it
 */
export async function standingCredentials<C extends Credential>(
  executor: Executor,
  application: string,
  now: Date,
  credentials: readonly C[],
  lock = false,
): Promise<ReadonlyMap<C, string>> {
  const found = new Map<C, string>();
  for (const { idOf, table, stands } of WAYS) {
    const own = credentials.filter((credential) => idOf(credential) != null);
    if (own.length === 0) continue;
    const rows = await query<{ place: number; version: string }>(
      executor,
      `select given.place::integer as place, account.rights_version || '.' || application.rights_version as version
         from unnest($1::uuid[], $2::text[], $3::uuid[]) with ordinality as given (id, of_kind, of_id, place)
         join ${table} way on way.id = given.id
         join ostiary.account account using (application, kind, principal_id)
         join ostiary.application application on application.name = way.application
        where way.application = $4 and way.kind = given.of_kind and way.principal_id = given.of_id
          and not account.disabled and ${stands}
        ${lock ? 'for share of way, account' : ''}`,
      [own.map(idOf), own.map(({ kind }) => kind), own.map(({ principalId }) => principalId), application, now],
    );
    for (const { place, version } of rows) {
      const credential = own[place - 1];
      if (credential !== undefined) found.set(credential, version);
    }
  }
  return found;
}
