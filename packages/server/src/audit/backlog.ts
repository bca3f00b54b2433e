import type { Executor } from '../storage/database.js';
import { query } from '../storage/query.js';

/** The audit entries that are not sealed yet. */
export interface AuditBacklog {
  readonly entries: number;
  readonly oldest: Date | null;
}

/** How far the sealing of the trail is behind. */
export async function auditBacklog(executor: Executor): Promise<AuditBacklog> {
  const [row] = await query<{ entries: number; oldest: Date | null }>(
    executor,
    `select count(*)::integer as entries, min(a.at) as oldest
     from ostiary.audit_unsealed q join ostiary.audit a on a.id = q.entry`,
  );
  return { entries: row?.entries ?? 0, oldest: row?.oldest ?? null };
}
