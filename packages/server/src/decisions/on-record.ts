import type { Principal } from '@ostiary/policy';
import { actor } from '../access/access.js';
import type { Asker, Context } from '../application/context.js';
import { type AuditEntry, writeAudit } from '../audit/trail.js';
import { isSelf } from './asking.js';
import type { Question } from './question.js';

interface Search {
  readonly action?: string;
  readonly type: string;
  readonly id?: string | undefined;
  readonly subject: { readonly type: string; readonly id?: string };
}

/** That the reasons for a decision were read. */
export async function auditExplanation(context: Context, asker: Asker, asked: Question): Promise<void> {
  const { subject, action, resource } = asked;
  await writeAudit(context.database.db, context.runtime, {
    application: context.policy.model.name,
    event: 'access.explained',
    outcome: 'allowed',
    ...askedBy(asker, { subject: { type: subject.type, id: printable(subject.id) } }),
    action: action.name,
    resourceType: resource.type,
    ...(resource.id === undefined ? {} : { recordId: printable(resource.id) }),
  });
}

/** What others may do is on record as something that was read; what oneself may do is everybody's own. */
export async function auditUnlessSelf(
  context: Context,
  asker: Asker,
  search: string,
  principal: Principal | null,
  told: Search,
): Promise<void> {
  if (principal === null || !isSelf(asker, principal)) await auditSearch(context, asker, search, told);
}

/** What a search told of others: what was asked, and not what was found. */
export async function auditSearch(
  context: Context,
  asker: Asker,
  search: string,
  { action, type, id, subject }: Search,
): Promise<void> {
  await writeAudit(context.database.db, context.runtime, {
    application: context.policy.model.name,
    event: 'access.searched',
    outcome: 'allowed',
    ...askedBy(asker, {
      search,
      subject: { type: subject.type, ...(subject.id ? { id: printable(subject.id) } : {}) },
    }),
    ...(action === undefined ? {} : { action }),
    resourceType: type,
    ...(id === undefined ? {} : { recordId: printable(id) }),
  });
}

/** What somebody sent as an id, in a form that the audit trail can keep. */
function printable(id: string): string {
  return id.slice(0, 200).replaceAll(/[\p{Cc}\p{Cs}]/gu, '\u{fffd}');
}

/** Who asked, for an audit entry: a service is no principal, so it is among the details. */
function askedBy(
  asker: Asker,
  detail: Readonly<Record<string, unknown>>,
): Pick<AuditEntry, 'principal' | 'requestId' | 'detail'> {
  if (!('service' in asker)) return { ...actor(asker), detail };
  const { service, requestId } = asker;
  return {
    ...(requestId === null ? {} : { requestId }),
    detail: { ...detail, service: { id: service.id, name: service.name } },
  };
}
