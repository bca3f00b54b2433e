import { isLoggedIn, type Principal } from '@ostiary/policy';
import { formRecord } from '../access/forms.js';
import type { Asker } from '../application/context.js';
import { type LoadedRecord, type Maker, makerOf } from '../storage/rows.js';
import { decisionAbout, isSelf, isTrusted, type Matter, requireMayAsk, takenLoggedIn } from './asking.js';
import type { Lookup } from './lookup.js';
import { actionNamed, kindNamed, typeNamed } from './names.js';
import { describePrincipal, describeRecord, fieldsTold, imaginePrincipal, imagineRecord } from './properties.js';
import type { Action, Properties, Question, Resource, Subject } from './question.js';

/** What a question is about, with everything that deciding it needs. */
export interface Resolved {
  /** Null where there is no such principal, or its account is disabled. */
  readonly principal: Principal | null;
  readonly action: string;
  readonly type: string;
  /** Null where no record is named, or there is no such record. */
  readonly record: LoadedRecord | null;
  /** Whether the question is about one record, rather than about whichever there could be. */
  readonly named: boolean;
}

/**
 * Finds what a question names, and refuses to tell about others to whom may not ask.
 * @throws UnknownName, Refusal, Problem `malformed_request` for properties that are no values
 */
export async function resolve(asker: Asker, question: Question, lookup: Lookup): Promise<Resolved> {
  const { model } = lookup.context.policy;
  const kind = kindNamed(model, question.subject.type);
  const type = typeNamed(lookup.context, question.resource.type);
  const action = actionNamed(model, type, question.action.name);
  const matter = { action, type, id: question.resource.id };
  const principal = await resolveSubject(asker, kind, question, lookup, matter);
  const by = makerOf(model, principal);
  const about = await resolveResource(asker, { type, action, by }, question.action, question.resource, lookup);
  return { principal, action, type, ...about };
}

/** The principal that a subject names, as it is stored or as a trusted program describes it. Any id names the guest. */
export async function resolveSubject(
  asker: Asker,
  kind: string,
  { subject, context: request }: { readonly subject: Subject; readonly context?: Properties },
  lookup: Lookup,
  matter?: Matter,
): Promise<Principal | null> {
  const { context } = lookup;
  if (kind === context.application.guests) {
    const guest = context.principals.guest(kind);
    await requireMayAsk(context, asker, kind, guest.id, matter);
    return guest;
  }
  // Who asks about themselves by their id was found when they were let in.
  const self = selfAsked(asker, kind, subject.id);
  if (self !== null && isLoggedIn(self) === takenLoggedIn(context, asker, self, request)) return self;
  const account = await lookup.account(kind, subject.id);
  await requireMayAsk(context, asker, kind, account?.id ?? null, matter);
  const type = context.policy.model.principals[kind];
  const properties = isTrusted(asker) && type ? subject.properties : undefined;
  const told = type ? await fieldsTold(lookup, type, properties, '/subject/properties', true) : {};
  const loggedIn = takenLoggedIn(context, asker, { kind, id: account?.id ?? null }, request);
  return lookup.principal(JSON.stringify([kind, account?.id ?? subject.id, told, loggedIn]), async () => {
    if (account === null) return imaginePrincipal(context, { kind, given: subject.id, loggedIn }, told);
    if (account.disabled) return null;
    const { principals, database } = context;
    const stored = await principals.current(database.db, kind, account.id, account.rightsVersion, loggedIn);
    return stored === null ? null : describePrincipal(context, stored, told);
  });
}

/** Who asks, where that is whom the question is about. */
function selfAsked(asker: Asker, kind: string, id: string): Principal | null {
  return 'service' in asker || !isSelf(asker, { kind, id }) ? null : asker.principal;
}

/** The record that a resource names, as it is stored or as a trusted program describes it; for `create` the new one. */
export async function resolveResource(
  asker: Asker,
  about: { readonly type: string; readonly action: string; readonly by: Maker | null },
  action: Pick<Action, 'properties'>,
  resource: Resource,
  lookup: Lookup,
): Promise<Pick<Resolved, 'record' | 'named'>> {
  const { context } = lookup;
  const { type, by } = about;
  const trusted = isTrusted(asker);
  if (about.action === 'create') {
    const told = trusted
      ? await propertiesTold(lookup, type, action.properties, resource.properties)
      : await fieldsTold(lookup, type, resource.properties, '/resource/properties', false);
    const record = await imagineRecord(context, type, told, by);
    return { record, named: record !== null };
  }
  const { id = '' } = resource;
  if (id === '') return { record: null, named: about.action !== 'list' && resource.id !== undefined };
  const { source } = context.policy.model.resources[type] ?? {};
  if (source === 'decision') return { record: decisionAbout(await principalIn(lookup, id)), named: true };
  if (source === 'form') return { record: formRecord(context.policy.model, id), named: true };
  const told = trusted ? await propertiesTold(lookup, type, action.properties, resource.properties) : {};
  const stored = await lookup.record(type, id);
  const record =
    stored === null
      ? await imagineRecord(context, type, told, null)
      : await describeRecord(context, type, stored, told);
  return { record, named: true };
}

/** The id of the one principal, of whichever kind, that a text leads to. */
async function principalIn(lookup: Lookup, given: string): Promise<string | null> {
  const found = new Set<string>();
  for (const kind of Object.keys(lookup.context.policy.model.principals)) {
    const account = await lookup.account(kind, given);
    if (account !== null) found.add(account.id);
  }
  const [id = null, ...others] = found;
  return others.length === 0 ? id : null;
}

/**
 * What the properties of a resource and of its action say of the record, where they are believed. Those of the action
 * come last: rules know how something is done as a field of the record that it is done to.
 */
export async function propertiesTold(
  lookup: Lookup,
  type: string,
  action: Properties | undefined,
  resource: Properties | undefined,
): Promise<Properties> {
  return {
    ...(await fieldsTold(lookup, type, resource, '/resource/properties', true)),
    ...(await fieldsTold(lookup, type, action, '/action/properties', true)),
  };
}
