import type { Model } from '@ostiary/policy';
import { columnOf, tableOf } from '@ostiary/policy/sql';
import { SchemaError } from './model-tables.js';

/** The application's part of the audit trail, under the fields that its model gives it. */
export function auditView(model: Model, type: string): string {
  const columns: Readonly<Record<string, string>> = {
    at: 'at',
    event: 'event',
    outcome: 'outcome',
    principalKind: 'principal_kind',
    principalId: 'principal_id',
    login: 'login',
    action: 'action',
    resourceType: 'resource_type',
    recordId: 'record_id',
    decisionId: 'decision_id',
    rules: 'rules',
    requestId: 'request_id',
    detail: 'detail',
  };
  const fields = Object.keys(model.resources[type]?.fields ?? {}).map((name) => {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (column === undefined) throw new SchemaError(`${type}.${name}: the audit trail has no such column`);
    return `${column} as ${columnOf(name)}`;
  });
  const select = ['id', 'at as created_at', 'at as updated_at', '1 as version', ...fields].join(', ');
  return `create or replace view ${tableOf(model, type)} as
    select ${select} from ostiary.audit where application = '${model.name.replaceAll("'", "''")}'`;
}
