import { universal } from '@ostiary/policy';
import { filter, type Parameters, showsField, tableOf } from '@ostiary/policy/sql';
import { actor, environment, refusal, refuseFields } from '../access/access.js';
import type { Caller, Context } from '../application/context.js';
import { type ExportFormat, exportTrail, writeAudit } from '../audit/index.js';
import { fieldsOf, filtersOf, type ListQuery, whereOf } from './list-query.js';

/**
 * The application's part of the audit trail as a file, in pieces: for who may read every entry of it, with every field.
 * Entries of other applications are in it as places of the chain alone.
 */
export async function exportRecords(
  context: Context,
  caller: Caller,
  type: string,
  asked: ListQuery,
  format: ExportFormat,
): Promise<AsyncIterable<string>> {
  const { database, policy, runtime } = context;
  const { model } = policy;
  const now = environment(context);
  if (caller.principal === null) throw new TypeError('the installation itself reads through the store');
  if (!universal(policy, caller.principal, 'list', type, now)) throw refusal(context, caller, 'list', type, null);
  const reach = filter(policy, caller.principal, 'list', type, now);
  const hidden = [...Object.keys(model.resources[type]?.fields ?? {}), ...fieldsOf(asked)].filter(
    (field) => !showsField(reach, field),
  );
  if (hidden.length > 0) throw refuseFields(context, caller, 'list', type, [...new Set(hidden)], null);

  const filters = filtersOf(asked);
  await writeAudit(database.db, runtime, {
    application: model.name,
    event: 'audit.exported',
    outcome: 'allowed',
    ...actor(caller),
    action: 'list',
    resourceType: type,
    detail: { format, filters },
  });
  const selection = {
    from: tableOf(model, type),
    where: (parameters: Parameters) => whereOf(reach, asked, parameters),
  };
  return exportTrail({ database, runtime }, selection, { format, filters: { application: model.name, ...filters } });
}
