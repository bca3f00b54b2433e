/** The columns of `ostiary.audit`, by their names in an entry and in a model, in the order in which they are exported. */
export const AUDIT_COLUMNS = {
  id: 'id',
  at: 'at',
  application: 'application',
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
} as const;

export type AuditColumn = keyof typeof AUDIT_COLUMNS;
