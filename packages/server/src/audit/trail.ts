import type { Runtime } from '../runtime.js';
import type { Executor } from '../storage/database.js';
import { keep } from '../storage/prepared.js';
import { query } from '../storage/query.js';
import { traced } from '../telemetry/tracing.js';

/** What can happen: a closed set. */
export const EVENTS = [
  'login.succeeded',
  'login.failed',
  'login.locked',
  'logout',
  'sign_on.refused',
  'sign_on.linked',
  'sign_on.unlinked',
  'token.refused',
  'token.refreshed',
  'token.reused',
  'account.created',
  'account.login_changed',
  'account.password_changed',
  'account.disabled',
  'account.enabled',
  'account.deleted',
  'login.disabled',
  'login.enabled',
  'static_token.created',
  'static_token.revoked',
  'static_token.disabled',
  'static_token.enabled',
  'rights.changed',
  'setup_link.created',
  'setup_link.used',
  'record.created',
  'record.read',
  'record.listed',
  'record.counted',
  'record.updated',
  'record.deleted',
  'record.action',
  'socket.opened',
  'socket.closed',
  'rate.exceeded',
  'access.refused',
  'access.explained',
  'access.searched',
  'service_key.created',
  'service_key.revoked',
  'keys.rotated',
  'audit.read',
  'audit.exported',
  'audit.verified',
  'backup.made',
  'backup.restored',
] as const;

/** What happened, as one word of it. */
export type AuditEventName = (typeof EVENTS)[number];

/** Stands for an application in what concerns all of them. None can have this name: its tables would be there already. */
export const INSTALLATION = 'ostiary';

export interface AuditEntry {
  readonly application: string;
  readonly event: AuditEventName;
  readonly outcome: 'allowed' | 'refused' | 'failed';
  /** The id is empty for a guest, who has none. */
  readonly principal?: { readonly kind: string; readonly id: string } | null;
  /** The user name as it was typed, for log-ins; in every other entry it becomes the principal's at that time. */
  readonly login?: string;
  readonly action?: string;
  readonly resourceType?: string;
  readonly recordId?: string;
  readonly decision?: string;
  readonly rules?: readonly string[];
  readonly requestId?: string;
  /** Names of changed fields, rights before and after: never the content of research data, never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** Queues the entry as well, to be sealed: what comes into the trail in any other way is never sealed. */
const INSERT = keep(`with entry as (
  insert into ostiary.audit (id, at, application, event, outcome, principal_kind, principal_id, login, action,
    resource_type, record_id, decision_id, rules, request_id, detail)
  values ($1, $2, $3, $4, $5, $6, $7,
    coalesce($8, (select login from ostiary.account where application = $3 and kind = $6 and principal_id = $7::uuid)),
    $9, $10, $11, $12, $13, $14, $15)
  returning id
) insert into ostiary.audit_unsealed (entry) select id from entry`);

/**
 * Writes one entry. Pass the transaction of what it tells of, so that both hold or neither does.
 * The trail is append-only: the database refuses to change, delete or truncate it. Writers wait for nobody: the entry
 * is sealed afterwards, see seal.ts.
 */
export function writeAudit(executor: Executor, runtime: Runtime, entry: AuditEntry): Promise<void> {
  return traced('audit', { 'ostiary.event': entry.event }, () => insertEntry(executor, runtime, entry));
}

async function insertEntry(executor: Executor, runtime: Runtime, entry: AuditEntry): Promise<void> {
  await query(executor, INSERT, [
    runtime.id(),
    runtime.now(),
    entry.application,
    entry.event,
    entry.outcome,
    entry.principal?.kind ?? null,
    entry.principal?.id || null,
    entry.login ?? null,
    entry.action ?? null,
    entry.resourceType ?? null,
    entry.recordId ?? null,
    entry.decision ?? null,
    entry.rules ?? [],
    entry.requestId ?? null,
    JSON.stringify(entry.detail ?? {}),
  ]);
}
