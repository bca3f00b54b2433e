import { type Field, fieldOf, type Model, resourceOf } from '@ostiary/policy';
import { authorize } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import { loadRecord } from '../storage/load.js';

type Values = Readonly<Record<string, unknown>>;

/**
 * Requires, of each record that a write begins to refer to, or no longer refers to, the action that its type asks for
 * (`referred`). The installation itself is not asked.
 * @param before null where the record is created: what the server fills in then is nobody's reference
 * @param after null where it is deleted: it takes those references away with which it would have gone
 * @throws Refusal; Problem `reference_not_found` where there is no such record, and the caller may know it
 */
export async function requireReferred(
  context: Context,
  transaction: Transaction,
  caller: Caller,
  type: string,
  before: Values | null,
  after: Values | null,
): Promise<void> {
  if (caller.principal === null) return;
  const { policy } = context;
  for (const [name, to, action] of referring(policy.model, type)) {
    const field = fieldOf(policy.model, type, name);
    if (after === null ? !field.cascades : before === null && field.filled === 'principal') continue;
    const [was, is] = [idsOf(before?.[name]), idsOf(after?.[name])];
    for (const id of new Set([...was, ...is])) {
      if (was.includes(id) && is.includes(id)) continue;
      const record = await loadRecord(transaction, policy, to, id);
      if (record === null && was.includes(id)) continue;
      try {
        authorize(context, caller, action, to, record);
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== 'not_found') throw error;
        throw new Problem('reference_not_found', { errors: [{ pointer: `/${name}`, message: NOBODY }] });
      }
    }
  }
}

const NOBODY = 'names a record that does not exist';

type Referring = readonly (readonly [name: string, to: string, action: string])[];
const known = new WeakMap<Model, Map<string, Referring>>();

/** The fields of a type that refer to one which asks something of who refers to it. */
function referring(model: Model, type: string): Referring {
  const types = known.get(model) ?? new Map<string, Referring>();
  known.set(model, types);
  const found =
    types.get(type) ??
    Object.entries(resourceOf(model, type).fields).flatMap(([name, { to }]: [string, Field]) => {
      const action = to === null ? undefined : resourceOf(model, to).referred;
      return to === null || action === undefined ? [] : [[name, to, action] as const];
    });
  types.set(type, found);
  return found;
}

function idsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value;
  return typeof value === 'string' ? [value] : [];
}
