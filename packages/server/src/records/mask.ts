import { type Decision, type Policy, visibility } from '@ostiary/policy';
import type { Masked } from '../application/records.js';
import type { LoadedRecord } from '../storage/rows.js';

/**
 * Shows what a decision lets its reader see. A field that a view transforms is left out: no transform is installed.
 * @returns null where the decision does not give the view that was asked for.
 */
export type Mask = (record: LoadedRecord, decision: Decision) => Masked | null;

/** What is shown of a record: fields by name, and whether it is shown as it is. */
interface Showing {
  readonly names: readonly string[];
  readonly whole: boolean;
}

/** Masks records of a type: what a decision shows is worked out once for all on which the same rules decided. */
export function masking(policy: Policy, type: string, view: string | null): Mask {
  const known = new Map<string, Showing | null>();
  return (record, decision) => {
    const key = [...decision.permits.map(({ rule }) => rule), '', ...decision.forbiddenFields].join('\n');
    let showing = known.get(key);
    if (showing === undefined) {
      showing = showingOf(policy, type, decision, view);
      known.set(key, showing);
    }
    return showing && shown(record, showing);
  };
}

/** The same for one record. */
export function mask(
  policy: Policy,
  type: string,
  record: LoadedRecord,
  decision: Decision,
  view: string | null,
): Masked | null {
  const showing = showingOf(policy, type, decision, view);
  return showing && shown(record, showing);
}

function showingOf(policy: Policy, type: string, decision: Decision, view: string | null): Showing | null {
  const fields = visibility(policy, decision, type, view ?? policy.model.resources[type]?.defaultView ?? null);
  if (fields === null) return null;
  const names = Object.keys(fields).filter((name) => fields[name] === 'shown');
  const asIs = decision.permits.some((permit) => permit.view === null && permit.fields === 'every');
  return { names, whole: asIs && view === null };
}

function shown({ id, version, values }: LoadedRecord, { names, whole }: Showing): Masked {
  const masked: Record<string, unknown> = { id };
  for (const name of names) masked[name] = values[name] ?? null;
  if (whole) {
    masked.createdAt = values.createdAt;
    masked.updatedAt = values.updatedAt;
  }
  masked.version = version;
  return masked as Masked;
}
