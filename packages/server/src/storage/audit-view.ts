import type { Model } from '@ostiary/policy';
import { columnOf, tableOf } from '@ostiary/policy/sql';
import { SchemaError } from './model-tables.js';

/** The columns of the trail, by the names that a model may give fields of. */
const COLUMNS: Readonly<Record<string, { readonly name: string; readonly isId?: boolean }>> = {
  at: { name: 'at' },
  event: { name: 'event' },
  outcome: { name: 'outcome' },
  principalKind: { name: 'principal_kind' },
  principalId: { name: 'principal_id', isId: true },
  login: { name: 'login' },
  action: { name: 'action' },
  resourceType: { name: 'resource_type' },
  recordId: { name: 'record_id' },
  decisionId: { name: 'decision_id', isId: true },
  rules: { name: 'rules' },
  requestId: { name: 'request_id' },
  detail: { name: 'detail' },
};

/** Statements that make the application's part of the audit trail, under the fields that its model gives it. */
export function auditView(model: Model, type: string): readonly string[] {
  const fields = Object.entries(model.resources[type]?.fields ?? {}).map(([name, { kind }]) => {
    const column = Object.hasOwn(COLUMNS, name) ? COLUMNS[name] : undefined;
    if (column === undefined) throw new SchemaError(`${type}.${name}: the audit trail has no such column`);
    return `${column.name}${column.isId && kind === 'text' ? '::text' : ''} as ${columnOf(name)}`;
  });
  const select = ['id', 'at as created_at', 'at as updated_at', '1 as version', ...fields].join(', ');
  return [
    // A view that is replaced can't change its columns.
    `drop view if exists ${tableOf(model, type)}`,
    `create view ${tableOf(model, type)} as
       select ${select} from ostiary.audit where application = '${model.name.replaceAll("'", "''")}'`,
  ];
}
