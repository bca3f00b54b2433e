import type { Executor } from '../storage/database.js';

/** The audit entries that are not sealed yet. */
export interface AuditBacklog {
  readonly entries: number;
  readonly oldest: Date | null;
}

/** How far the sealing of the trail is behind; null where the trail is not sealed. */
export async function auditBacklog(_executor: Executor): Promise<AuditBacklog | null> {
  return null;
}
