import { type Decision, type Policy, visibility } from '@ostiary/policy';
import type { Masked } from '../application/records.js';
import type { LoadedRecord } from '../storage/rows.js';

/**
 * Shows what a decision lets its reader see. A field that a view transforms is left out: no transform is installed.
 * @returns null where the decision does not give the view that was asked for.
 */
export function mask(
  policy: Policy,
  type: string,
  record: LoadedRecord,
  decision: Decision,
  view: string | null,
): Masked | null {
  const resource = policy.model.resources[type];
  const shown = visibility(policy, decision, type, view ?? resource?.defaultView ?? null);
  if (shown === null) return null;
  const whole = decision.permits.some((permit) => permit.view === null && permit.fields === 'every');
  const masked: Record<string, unknown> = { id: record.id };
  for (const [name, showing] of Object.entries(shown)) {
    if (showing === 'shown') masked[name] = record.values[name] ?? null;
  }
  if (whole && view === null) {
    masked.createdAt = record.values.createdAt;
    masked.updatedAt = record.values.updatedAt;
  }
  masked.version = record.version;
  return masked as Masked;
}
