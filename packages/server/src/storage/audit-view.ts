import type { Model } from '@ostiary/policy';
import { columnOf, tableOf } from '@ostiary/policy/sql';
import { AUDIT_COLUMNS } from './audit-columns.js';
import { SchemaError } from './model-tables.js';

/** The columns that a model may give fields of: a record has an id anyway, and the view is of one application. */
const { id: _id, application: _application, ...COLUMNS } = AUDIT_COLUMNS;
/** What a model may call text or a reference. */
const IDS = ['principalId', 'decisionId'];

/** Whether a model's audit type leaves out nothing: then who may read all of its fields may have the entries themselves. */
export function hasEveryAuditColumn(model: Model, type: string): boolean {
  const { fields = {} } = model.resources[type] ?? {};
  return Object.keys(COLUMNS).every((name) => Object.hasOwn(fields, name) && !fields[name]?.secret);
}

/** Statements that make the application's part of the audit trail, under the fields that its model gives it. */
export function auditView(model: Model, type: string): readonly string[] {
  const fields = Object.entries(model.resources[type]?.fields ?? {}).map(([name, { kind }]) => {
    const column = Object.hasOwn(COLUMNS, name) ? COLUMNS[name as keyof typeof COLUMNS] : undefined;
    if (column === undefined) throw new SchemaError(`${type}.${name}: the audit trail has no such column`);
    return `${column}${IDS.includes(name) && kind === 'text' ? '::text' : ''} as ${columnOf(name)}`;
  });
  const select = ['id', 'at as created_at', 'at as updated_at', '1 as version', ...fields].join(', ');
  return [
    // A view that is replaced can't change its columns.
    `drop view if exists ${tableOf(model, type)}`,
    `create view ${tableOf(model, type)} as
       select ${select} from ostiary.audit where application = '${model.name.replaceAll("'", "''")}'`,
  ];
}
