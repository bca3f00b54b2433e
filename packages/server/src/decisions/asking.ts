import { decide, isLoggedIn, type Principal, type RecordFacts } from '@ostiary/policy';
import { authorize, environment, refusal } from '../access/access.js';
import type { Asker, Context } from '../context.js';
import type { LoadedRecord } from '../storage/rows.js';
import type { Properties } from './question.js';

/** The resource type that stands for decisions: who reads it may ask about others. Undefined where a model has none. */
export function decisionType({ policy }: Context): string | undefined {
  const { resources } = policy.model;
  return Object.keys(resources).find((name) => resources[name]?.source === 'decision');
}

/**
 * Everyone may ask about themselves; about others, who may read decisions, and services, whose purpose that is.
 * @param id of whom is asked about; null for somebody who does not exist, or for everybody.
 * @throws Refusal
 */
export function requireMayAsk(context: Context, asker: Asker, kind: string, id: string | null): void {
  if ('service' in asker) return;
  const { principal } = asker;
  if (principal === null || (principal.kind === kind && principal.id === id)) return;
  const type = decisionType(context);
  if (type === undefined) throw refusal(context, asker, 'read', 'Decision', id);
  authorize(context, asker, 'read', type, decisionAbout(id));
}

/** A decision as a record, which none is: it is about whom it is about. Null for nobody. */
export function decisionAbout(id: string | null): LoadedRecord {
  const about = id ?? '';
  return { id: about, version: 0, values: {}, facts: { id: about } };
}

/**
 * Whether whom a question is about is taken to be logged in: oneself as one is, others unless the request says
 * `loggedIn: false`; but nobody of a kind that has no log-in.
 */
export function takenLoggedIn(
  { application }: Context,
  asker: Asker,
  about: { readonly kind: string; readonly id: string | null },
  request: Properties | undefined,
): boolean {
  if (application.logins[about.kind] === undefined || request?.loggedIn === false) return false;
  const self = 'service' in asker ? null : asker.principal;
  return self === null || self.kind !== about.kind || self.id !== about.id || isLoggedIn(self);
}

/** Whether somebody is believed about what subjects and resources are like. */
export function isTrusted(asker: Asker): boolean {
  return 'service' in asker ? asker.service.trusted : asker.principal === null;
}

export function isSelf(asker: Asker, { kind, id }: Pick<Principal, 'kind' | 'id'>): boolean {
  return !('service' in asker) && asker.principal?.kind === kind && asker.principal.id === id;
}

/** A record that the one who asks can't read is explained as if it were not there: a trace would tell its fields. */
export function tellable(
  context: Context,
  asker: Asker,
  type: string,
  record: LoadedRecord | null,
): RecordFacts | null {
  if (record === null || isTrusted(asker)) return record?.facts ?? null;
  if ('service' in asker || asker.principal === null) return null;
  const now = environment(context.runtime);
  return decide(context.policy, asker.principal, 'read', type, record.facts, now).allowed ? record.facts : null;
}
