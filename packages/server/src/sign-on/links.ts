import { writeAudit } from '../audit/trail.js';
import type { AccountKey, Actor } from '../identity/index.js';
import { Problem } from '../problems.js';
import type { Runtime } from '../runtime.js';
import type { Database, Executor, Transaction } from '../storage/database.js';

/** That an account elsewhere is somebody here. */
export interface Link {
  readonly id: string;
  readonly kind: string;
  readonly principalId: string;
  /** The provider's name when it was made. */
  readonly provider: string;
  readonly issuer: string;
  readonly subject: string;
  readonly createdAt: Date;
}

type Owner = Partial<Pick<AccountKey, 'kind' | 'principalId'>>;

/** Whom an account elsewhere was linked with. */
export async function findLink(
  executor: Executor,
  application: string,
  { issuer, subject }: Pick<Link, 'issuer' | 'subject'>,
): Promise<{ readonly kind: string; readonly principalId: string } | null> {
  const found = await executor
    .selectFrom('ostiary.sign_on_link')
    .select(['kind', 'principal_id'])
    .where('application', '=', application)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst();
  return found === undefined ? null : { kind: found.kind, principalId: found.principal_id };
}

/**
 * Links an account elsewhere with one here.
 * @returns false where either has such a link already: one account elsewhere is one person here, and the other way round
 */
export async function addLink(
  transaction: Transaction,
  runtime: Runtime,
  account: AccountKey,
  person: Pick<Link, 'provider' | 'issuer' | 'subject'>,
  requestId: string | undefined,
): Promise<boolean> {
  const { application, kind, principalId } = account;
  const { provider, issuer, subject } = person;
  const id = runtime.id();
  const added = await transaction
    .insertInto('ostiary.sign_on_link')
    .values({ id, application, kind, principal_id: principalId, provider, issuer, subject, created_at: runtime.now() })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (added.numInsertedOrUpdatedRows !== 1n) return false;
  await writeAudit(transaction, runtime, {
    application,
    event: 'sign_on.linked',
    outcome: 'allowed',
    principal: { kind, id: principalId },
    resourceType: kind,
    recordId: principalId,
    detail: { link: id, provider, issuer, subject },
    ...(requestId === undefined ? {} : { requestId }),
  });
  return true;
}

/** The links of an application, or of one of its accounts, the oldest first. */
export async function listLinks(
  { database }: { readonly database: Database },
  application: string,
  { kind, principalId }: Owner = {},
): Promise<readonly Link[]> {
  const rows = await database.db
    .selectFrom('ostiary.sign_on_link')
    .selectAll()
    .where('application', '=', application)
    .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? ''))
    .$if(principalId !== undefined, (query) => query.where('principal_id', '=', principalId ?? ''))
    .orderBy('id')
    .execute();
  return rows.map(({ id, kind, principal_id, provider, issuer, subject, created_at }) => ({
    id,
    kind,
    principalId: principal_id,
    provider,
    issuer,
    subject,
    createdAt: created_at,
  }));
}

/**
 * Deletes a link: the account elsewhere is a stranger's from the next sign-on. Sessions go on.
 * @param owner whose it has to be; anybody's where nothing is said
 * @throws Problem `not_found`
 */
export async function removeLink(
  { database, runtime }: { readonly database: Database; readonly runtime: Runtime },
  application: string,
  id: string,
  actor: Actor,
  owner: Owner = {},
): Promise<void> {
  await database.db.transaction().execute(async (transaction) => {
    const removed = await transaction
      .deleteFrom('ostiary.sign_on_link')
      .where('id', '=', id)
      .where('application', '=', application)
      .$if(owner.kind !== undefined, (query) => query.where('kind', '=', owner.kind ?? ''))
      .$if(owner.principalId !== undefined, (query) => query.where('principal_id', '=', owner.principalId ?? ''))
      .returning(['kind', 'principal_id', 'provider', 'issuer', 'subject'])
      .executeTakeFirst();
    if (removed === undefined) throw new Problem('not_found');
    const { kind, principal_id, provider, issuer, subject } = removed;
    await writeAudit(transaction, runtime, {
      application,
      event: 'sign_on.unlinked',
      outcome: 'allowed',
      principal: actor.principal,
      resourceType: kind,
      recordId: principal_id,
      detail: { link: id, provider, issuer, subject },
      ...(actor.requestId === undefined ? {} : { requestId: actor.requestId }),
    });
  });
}
