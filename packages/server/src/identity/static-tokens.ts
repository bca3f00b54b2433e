import { writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { Runtime } from '../runtime.js';
import type { Transaction } from '../storage/database.js';
import type { Along } from '../storage/query.js';
import type { AccountKey, Actor } from './account-key.js';
import type { Identity } from './authenticate.js';
import type { IdentityDependencies } from './dependencies.js';
import { askAlong, type Live, RIGHTS } from './live.js';
import { isTokenOf, makeOpaqueToken, opaqueTokenId } from './opaque-tokens.js';

const PREFIX = 'ost_';

/** Whether a bearer token is meant to be a static token. */
export function isStaticToken(token: string): boolean {
  return token.startsWith(PREFIX);
}

/**
 * Makes the static token of a principal, `ost_<id>_<secret>`, in the place of the one before, which is refused from the
 * next request on. This is the only time that it can be read.
 */
export async function rotateStaticToken(
  tx: Transaction,
  runtime: Runtime,
  account: AccountKey,
  actor: Actor,
): Promise<string> {
  const { application, kind, principalId } = account;
  const { id, token, hash } = makeOpaqueToken(runtime, PREFIX);
  const values = { id, token_hash: hash, created_at: runtime.now() };
  await tx
    .insertInto('ostiary.static_token')
    .values({ application, kind, principal_id: principalId, ...values })
    .onConflict((conflict) => conflict.columns(['application', 'kind', 'principal_id']).doUpdateSet(values))
    .execute();
  await audit(tx, runtime, 'static_token.created', account, actor, id);
  return token;
}

/** Ends the static token of a principal, from the next request on. Returns whether there was one. */
export async function revokeStaticToken(
  tx: Transaction,
  runtime: Runtime,
  account: AccountKey,
  actor: Actor,
): Promise<boolean> {
  const gone = await tx
    .deleteFrom('ostiary.static_token')
    .where('application', '=', account.application)
    .where('kind', '=', account.kind)
    .where('principal_id', '=', account.principalId)
    .returning('id')
    .executeTakeFirst();
  if (gone === undefined) return false;
  await audit(tx, runtime, 'static_token.revoked', account, actor, gone.id);
  return true;
}

const HASH = '<hash';
const KIND = '<kind';
const PRINCIPAL = '<principal';

const LIVE_TOKEN: Live = {
  name: 'token',
  values: 2,
  text: `
  select token.token_hash as "${HASH}", token.kind as "${KIND}", token.principal_id as "${PRINCIPAL}",
    account.rights_version || '.' || application.rights_version as "${RIGHTS}"
  from ostiary.static_token token
  join ostiary.account account using (application, kind, principal_id)
  join ostiary.application application on application.name = token.application
  where token.id = $1 and token.application = $2 and not account.disabled and not account.static_token_disabled`,
};

/**
 * Tells whose a static token is, with the answer to another question, as it stands in the database now.
 * @throws Problem `invalid_token`, the same whatever is wrong
 */
export async function authenticateStatic<T>(
  { database }: Pick<IdentityDependencies, 'database'>,
  application: string,
  token: string,
  along: Along<T>,
): Promise<{ readonly identity: Identity; readonly answer: T }> {
  const id = opaqueTokenId(PREFIX, token);
  if (id === null) throw new Problem('invalid_token');
  const row = await askAlong(database, LIVE_TOKEN, [id, application], along);
  if (!isTokenOf(row?.[HASH] as Buffer | undefined, token) || row === undefined) throw new Problem('invalid_token');
  const identity = {
    kind: row[KIND] as string,
    principalId: row[PRINCIPAL] as string,
    sessionId: null,
    staticTokenId: id,
    rightsVersion: row[RIGHTS] as string,
  };
  return { identity, answer: along.read(row) };
}

function audit(
  tx: Transaction,
  runtime: Runtime,
  event: 'static_token.created' | 'static_token.revoked',
  { application, kind, principalId }: AccountKey,
  { principal, requestId }: Actor,
  id: string,
): Promise<void> {
  return writeAudit(tx, runtime, {
    application,
    event,
    outcome: 'allowed',
    principal,
    resourceType: kind,
    recordId: principalId,
    detail: { token: id },
    ...(requestId === undefined ? {} : { requestId }),
  });
}
