import type { Context } from '../application/context.js';
import type { Transaction } from '../storage/database.js';
import { System } from './system.js';

/**
 * Makes an administrator of an application: the record, and what makes it one beside its fields.
 * @param values the fields, those that make an administrator among them
 * @returns the id
 */
export async function makeAdministrator(
  context: Context,
  transaction: Transaction,
  values: Readonly<Record<string, unknown>>,
  requestId: string | null = null,
): Promise<string> {
  const { administrator, policy } = context.application;
  const type = policy.model.principals[administrator.kind];
  if (!type) throw new TypeError(`administrators are of the kind '${administrator.kind}', which has no records`);
  const system = new System(context, transaction, requestId);
  const id = await system.create(type, values);
  await administrator.made?.(system, id);
  return id;
}
