import {
  type Decision,
  decide,
  type Environment,
  explain,
  type Policy,
  type Principal,
  possible,
  universal,
} from '@ostiary/policy';
import type { Authorized } from '../application/authorized.js';
import type { Caller, Context } from '../application/context.js';
import { type AuditEntry, writeAudit } from '../audit/trail.js';
import { Problem } from '../problems.js';
import type { LoadedRecord } from '../storage/rows.js';
import { traced } from '../telemetry/tracing.js';

/** A refusal, with what the audit trail is told of it once the transaction is rolled back. */
export class Refusal extends Problem {
  constructor(
    code: 'not_allowed' | 'field_not_allowed' | 'wrong_kind',
    details: { readonly missing?: readonly string[]; readonly detail?: string; readonly decision: string },
    readonly entry: Omit<AuditEntry, 'application'>,
  ) {
    super(code, details);
  }
}

/** What is known at the time of a request beside principal and record. */
export function environment({ runtime, types }: Pick<Context, 'runtime' | 'types'>): Environment {
  return { now: runtime.now().toISOString(), types: types.current };
}

/** Decides before any record is loaded: refuses where there can be no record on which the action is allowed. */
export function requirePossible(context: Context, caller: Caller, action: string, type: string): void {
  const { principal } = caller;
  if (principal === null || possible(context.policy, principal, action, type, environment(context))) return;
  throw refusal(context, caller, action, type, null);
}

/**
 * Decides on a record. One that does not exist is refused in the same words as one that is out of reach, unless the
 * caller may do the action on every record there could be.
 */
export function authorize<T extends string, A extends string>(
  context: Context,
  caller: Caller,
  action: A,
  type: T,
  record: LoadedRecord | null,
): Authorized<T, A> {
  const { policy, runtime } = context;
  const now = environment(context);
  const { principal } = caller;
  if (principal === null) {
    if (record === null) throw new Problem('not_found');
    return authorized(action, type, record, EVERYTHING, runtime.id());
  }
  if (record === null) {
    const knowsAll = universal(policy, principal, 'read', type, now) && possible(policy, principal, action, type, now);
    throw knowsAll ? new Problem('not_found') : refusal(context, caller, action, type, null);
  }
  const words = { 'ostiary.action': action, 'ostiary.type': type };
  const decision = traced('decide', words, () => decide(policy, principal, action, type, record.facts, now));
  if (!decision.allowed) throw refusal(context, caller, action, type, record.id, decision.forbiddenBy);
  context.decisions.count(action, 'allowed');
  return authorized(action, type, record, decision, runtime.id());
}

const EVERYTHING: Decision = {
  allowed: true,
  permits: [{ rule: 'the installation', fields: 'every', view: null }],
  forbiddenBy: [],
  forbiddenFields: [],
};

function authorized<T extends string, A extends string>(
  action: A,
  type: T,
  record: LoadedRecord,
  decision: Decision,
  decisionId: string,
): Authorized<T, A> {
  return { type, action, record, decision, decisionId } as Authorized<T, A>;
}

/** A refusal in words that don't depend on the record: they would tell that it exists. */
export function refusal(
  context: Context,
  caller: Caller,
  action: string,
  type: string,
  recordId: string | null,
  rules: readonly string[] = [],
): Refusal {
  const decision = context.runtime.id();
  context.decisions.count(action, 'refused');
  const { principal } = caller;
  const missing =
    principal === null ? [] : explainRefusal(context.policy, principal, action, type, environment(context));
  return new Refusal(
    'not_allowed',
    { missing, decision },
    { ...refused(caller, action, type, recordId, decision), rules },
  );
}

function explainRefusal(
  policy: Policy,
  principal: Principal,
  action: string,
  type: string,
  now: Environment,
): readonly string[] {
  return explain(policy, principal, action, type, null, now).missing;
}

/**
 * Refuses the use of fields that the decision does not cover.
 * @param why in a sentence that their names end
 */
export function refuseFields(
  context: Context,
  caller: Caller,
  action: string,
  type: string,
  fields: readonly string[],
  recordId: string | null,
  why = `You may not ${action} ${type} with`,
): Refusal {
  const decision = context.runtime.id();
  context.decisions.count(action, 'refused');
  return new Refusal(
    'field_not_allowed',
    { detail: `${why}: ${fields.join(', ')}.`, decision },
    { ...refused(caller, action, type, recordId, decision), detail: { fields } },
  );
}

/** Refuses whoever is not of the kind that an address is for. */
export function refuseKind(context: Context, caller: Caller, kind: string): Refusal {
  const decision = context.runtime.id();
  return new Refusal(
    'wrong_kind',
    { detail: `Only a ${kind} calls this address: take the one of your own kind.`, decision },
    { ...actor(caller), event: 'access.refused', outcome: 'refused', decision, detail: { root: kind } },
  );
}

/** Refuses to show a record in a view that the decision does not give. */
export function refuseView(
  context: Context,
  caller: Caller,
  action: string,
  type: string,
  view: string | null,
  recordId: string | null,
): Refusal {
  const decision = context.runtime.id();
  context.decisions.count(action, 'refused');
  return new Refusal(
    'not_allowed',
    { detail: `You may not see this in the view '${view}'.`, decision },
    { ...refused(caller, action, type, recordId, decision), detail: { view } },
  );
}

function refused(
  caller: Caller,
  action: string,
  type: string,
  recordId: string | null,
  decision: string,
): Omit<AuditEntry, 'application'> {
  return {
    ...actor(caller),
    event: 'access.refused',
    outcome: 'refused',
    action,
    resourceType: type,
    ...(recordId ? { recordId } : {}),
    decision,
  };
}

/** Who, for an audit entry. */
export function actor(caller: Caller): Pick<AuditEntry, 'principal' | 'requestId'> {
  const { principal, requestId } = caller;
  return {
    principal: principal === null ? null : { kind: principal.kind, id: principal.id },
    ...(requestId === null ? {} : { requestId }),
  };
}

/** Writes a refusal into the audit trail, after the transaction of what was refused was rolled back. */
export async function auditRefusal(context: Context, refusal: Refusal): Promise<void> {
  const application = context.policy.model.name;
  await writeAudit(context.database.db, context.runtime, { application, ...refusal.entry });
}
