import type { Runtime } from '../runtime.js';
import type { Executor } from '../storage/database.js';
import { traced } from '../telemetry/tracing.js';

/** What happened, as one word of a closed set. */
export type AuditEventName =
  | 'login.succeeded'
  | 'login.failed'
  | 'login.locked'
  | 'logout'
  | 'token.refused'
  | 'account.created'
  | 'account.login_changed'
  | 'account.password_changed'
  | 'account.disabled'
  | 'account.enabled'
  | 'account.deleted'
  | 'rights.changed'
  | 'setup_link.created'
  | 'setup_link.used'
  | 'record.created'
  | 'record.read'
  | 'record.listed'
  | 'record.updated'
  | 'record.deleted'
  | 'record.action'
  | 'rate.exceeded'
  | 'access.refused'
  | 'access.explained'
  | 'access.searched'
  | 'service_key.created'
  | 'service_key.revoked';

export interface AuditEntry {
  readonly application: string;
  readonly event: AuditEventName;
  readonly outcome: 'allowed' | 'refused' | 'failed';
  readonly principal?: { readonly kind: string; readonly id: string } | null;
  /** The user name as it was typed, for log-ins. */
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

/**
 * Writes one entry. Pass the transaction of what it tells of, so that both hold or neither does.
 * The trail is append-only: the database refuses to change, delete or truncate it.
 */
export function writeAudit(executor: Executor, runtime: Runtime, entry: AuditEntry): Promise<void> {
  return traced('audit', { 'ostiary.event': entry.event }, () => insertEntry(executor, runtime, entry));
}

async function insertEntry(executor: Executor, runtime: Runtime, entry: AuditEntry): Promise<void> {
  await executor
    .insertInto('ostiary.audit')
    .values({
      id: runtime.id(),
      at: runtime.now(),
      application: entry.application,
      event: entry.event,
      outcome: entry.outcome,
      principal_kind: entry.principal?.kind ?? null,
      principal_id: entry.principal?.id ?? null,
      login: entry.login ?? null,
      action: entry.action ?? null,
      resource_type: entry.resourceType ?? null,
      record_id: entry.recordId ?? null,
      decision_id: entry.decision ?? null,
      rules: [...(entry.rules ?? [])],
      request_id: entry.requestId ?? null,
      detail: JSON.stringify(entry.detail ?? {}),
    })
    .execute();
}
