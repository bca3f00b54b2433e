import { decide, isLoggedIn, type Principal, type RecordFacts, recordNeeds, resourceOf } from '@ostiary/policy';
import { authorize, environment, refusal } from '../access/access.js';
import type { Asker, Context } from '../application/context.js';
import { readId } from '../input/ids.js';
import { proposeFacts } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import type { Properties } from './question.js';

/** The resource type that stands for decisions: who reads it may ask about others. Undefined where a model has none. */
export function decisionType({ policy }: Context): string | undefined {
  const { resources } = policy.model;
  return Object.keys(resources).find((name) => resources[name]?.source === 'decision');
}

/** What a decision is about, beside a principal. */
export interface Matter {
  readonly action: string;
  readonly type: string;
  readonly id?: string | undefined;
}

/**
 * Everyone may ask about themselves; about others, who may read decisions, and services, whose purpose that is.
 * @param id of whom is asked about; null for somebody who does not exist, or for everybody.
 * @param matter what is asked, where it is one action.
 * @throws Refusal
 */
export async function requireMayAsk(
  context: Context,
  asker: Asker,
  kind: string,
  id: string | null,
  matter?: Matter,
): Promise<void> {
  if ('service' in asker) return;
  const { principal } = asker;
  if (principal === null || (principal.kind === kind && principal.id === id)) return;
  const type = decisionType(context);
  if (type === undefined) throw refusal(context, asker, 'read', 'Decision', id);
  const facts = matter === undefined ? {} : await factsAbout(context, type, matter);
  const decision = decisionAbout(id);
  authorize(context, asker, 'read', type, { ...decision, facts: { ...facts, ...decision.facts } });
}

/**
 * What rules see of a decision, in the fields that the model gives it: `action`, `resourceType`, and in a reference to
 * the resource's type which record it is about. So a rule can open the decisions about some records alone.
 */
async function factsAbout({ database, policy }: Context, decision: string, matter: Matter): Promise<RecordFacts> {
  const { fields } = resourceOf(policy.model, decision);
  if (Object.keys(fields).length === 0) return {};
  const id = readId(matter.id ?? '') ?? null;
  const known: Properties = { action: matter.action, resourceType: matter.type };
  const values = Object.entries(fields).map(([name, { to }]) => [name, to === matter.type ? id : known[name]]);
  const told = Object.fromEntries(values.filter(([, value]) => value !== undefined));
  return proposeFacts(database.db, policy, decision, told, recordNeeds(policy, decision));
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
  const now = environment(context);
  return decide(context.policy, asker.principal, 'read', type, record.facts, now).allowed ? record.facts : null;
}
