import { decide } from '@ostiary/policy';
import { columnOf } from '@ostiary/policy/sql';
import { environment } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { Problem } from '../problems.js';
import { storedFields } from '../storage/model-tables.js';
import type { LoadedRecord } from '../storage/rows.js';
import { principalKind } from './accounts.js';
import { mask } from './mask.js';

/** A record that is being written, as it will be. */
interface Proposed {
  readonly type: string;
  readonly record: LoadedRecord;
  /** The fields that the caller sent. */
  readonly sent: readonly string[];
}

/**
 * Writes a record, and where what it holds has to be unique and is taken, says of which fields: of those that the caller sent,
 * and only if the caller may read each of them in the record. The values are not repeated.
 * @throws Problem `already_exists`, and whatever `write` throws
 */
export async function writingUnique<T>(
  context: Context,
  caller: Caller,
  { type, record, sent }: Proposed,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const taken = takenIn(context, type, error);
    const told = taken.every((field) => mayRead(context, caller, type, record, field));
    const named = told ? taken.filter((field) => sent.includes(field)) : [];
    if (named.length === 0) throw error;
    const errors = named.map((field) => {
      const others = taken.filter((other) => other !== field);
      const message = others.length === 0 ? 'is taken' : `is taken, together with ${others.join(', ')}`;
      return { pointer: `/${field}`, message };
    });
    throw new Problem('already_exists', { errors }, { cause: error });
  }
}

/** The fields in which a record would be the same as another: one that is unique, or several together. */
function takenIn(context: Context, type: string, error: unknown): readonly string[] {
  const { model } = context.policy;
  if (error instanceof Problem) {
    // Of the account that goes with it: nothing else is unique there.
    const login = error.code === 'already_exists' ? principalKind(context, type)?.login?.login : undefined;
    return login === undefined ? [] : [login];
  }
  const { code, detail } = (error ?? {}) as { readonly code?: unknown; readonly detail?: unknown };
  if (code !== '23505') return [];
  // The columns, in whichever language: 'Key (name, site_id)=(…) already exists.' What the index is called may be another's word.
  const [, columns] = /\(([\w", ]+)\)=\(/.exec(String(detail)) ?? [];
  const unique = storedFields(model, type).flatMap(([name, field]) => (field.unique ? [[name]] : []));
  const together = model.resources[type]?.uniqueTogether ?? [];
  return [...unique, ...together].find((fields) => written(fields.map(columnOf).join(', ')) === written(columns)) ?? [];
}

/** PostgreSQL quotes only where it must. */
function written(columns: string | undefined): string | undefined {
  return columns?.replaceAll('"', '');
}

function mayRead(context: Context, { principal }: Caller, type: string, record: LoadedRecord, field: string): boolean {
  // What the installation itself writes is no answer to what somebody sent.
  if (principal === null) return false;
  const { policy } = context;
  const decision = decide(policy, principal, 'read', type, record.facts, environment(context));
  const shown = decision.allowed ? mask(policy, type, record, decision, null) : null;
  return shown !== null && field in shown;
}
