import { actionsOf } from '@ostiary/policy';
import { filter, Parameters, pageSql, searchSql } from '@ostiary/policy/sql';
import { environment } from '../access/access.js';
import { formNames, formRecord } from '../access/forms.js';
import type { Asker, Context } from '../application/context.js';
import { readId } from '../input/ids.js';
import { Problem } from '../problems.js';
import { hasRows } from '../storage/model-tables.js';
import { makerOf } from '../storage/rows.js';
import { isTrusted, requireMayAsk, takenLoggedIn } from './asking.js';
import { type AnswerContext, isAllowed, unknown } from './evaluate.js';
import { type Identified, identified } from './identifiers.js';
import { recordsOf } from './leads.js';
import { Lookup } from './lookup.js';
import { actionNamed, kindNamed, typeNamed, UnknownName } from './names.js';
import { auditSearch, auditUnlessSelf } from './on-record.js';
import { type Page, type PageRequest, type Place, pageOf, placeOf } from './page.js';
import { assumeFields } from './properties.js';
import { malformed, type Properties, type Question, type Resource, type Subject } from './question.js';
import { propertiesTold, resolveResource, resolveSubject } from './resolve.js';

type Paged = { readonly page?: PageRequest };

export type SubjectSearch = Omit<Question, 'subject'> & { readonly subject: Pick<Subject, 'type'> } & Paged;
export type ResourceSearch = Question & Paged;
export type ActionSearch = Omit<Question, 'action' | 'resource'> &
  Paged & { readonly resource: Resource & { readonly id: string } };

/** What may be done, by whom or on what: exactly that about which an evaluation would say yes (AuthZEN 1.0 §8). */
export interface Found {
  readonly page: Page;
  readonly context?: AnswerContext;
  readonly results: readonly ({ readonly type: string; readonly id: string } | { readonly name: string })[];
}

const NOTHING: Found = { page: { next_token: '', count: 0 }, results: [] };

/**
 * The principals with an enabled account that may do an action on a record (§8.4). What the request says of subjects
 * beside their type is ignored.
 * @throws Refusal, Problem `malformed_request` or `invalid_cursor`
 */
export async function searchSubjects(context: Context, asker: Asker, asked: SubjectSearch): Promise<Found> {
  const { subject, action, resource } = asked;
  const place = placeOf(['subject', subject.type, action, resource, asked.context], asked.page);
  return answered(async () => {
    const { policy } = context;
    const kind = kindNamed(policy.model, subject.type);
    const type = typeNamed(context, resource.type);
    const does = actionNamed(policy.model, type, action.name);
    await requireMayAsk(context, asker, kind, null, { action: does, type, id: resource.id });
    const about = { type, action: does, by: null };
    const { record, named } = await resolveResource(asker, about, action, resource, new Lookup(context));
    if (!named)
      throw malformed('/resource', does === 'create' ? 'needs properties: of what is created' : 'needs an id');
    await auditSearch(context, asker, 'subject', { action: does, type, id: resource.id, subject: { type: kind } });
    const principalType = policy.model.principals[kind];
    if (record !== null && kind === context.application.guests) {
      const allowed = isAllowed(context, {
        principal: context.principals.guest(kind),
        action: does,
        type,
        record,
        named,
      });
      // There is one of them, whom any id names.
      const rows = allowed && (place.after ?? '') < kind ? [{ id: kind, name: null }] : [];
      return found(place, rows, ({ id }) => ({ type: subject.type, id }));
    }
    if (record === null || !principalType) return NOTHING;

    const parameters = new Parameters();
    const fields = Object.entries(policy.model.resources[type]?.fields ?? {});
    const madeBy =
      does === 'create' ? fields.filter(([, { filled }]) => filled === 'principal').map(([name]) => name) : [];
    const enabled = `exists (select 1 from ostiary.account a where a.application = ${parameters.add(policy.model.name, 'text')}
      and a.kind = ${parameters.add(kind, 'text')} and a.principal_id = p.id and not a.disabled)`;
    const ids = searchSql(policy, kind, does, type, record.facts, environment(context), parameters, {
      limit: place.limit + 1,
      where: [enabled],
      madeBy,
      loggedIn: takenLoggedIn(context, asker, { kind, id: null }, asked.context),
      ...(place.after === null ? {} : { after: idAfter(place.after) }),
    });
    const rows = await identified(context, asker, { type: principalType, kinds: [kind] }, ids, parameters);
    return found(place, rows, ({ id, name }) => ({ type: subject.type, id: name ?? id }));
  });
}

/**
 * The records on which a principal may do an action (§8.5). What a trusted program says of the resource beside its
 * type, and of the action, is taken to be so of each record. Nothing that could be created is there to be found.
 * @throws Refusal, Problem `malformed_request` or `invalid_cursor`
 */
export async function searchResources(context: Context, asker: Asker, asked: ResourceSearch): Promise<Found> {
  const { subject, action, resource } = asked;
  const { id: _, ...wanted } = resource;
  const place = placeOf(['resource', subject, action, wanted, asked.context], asked.page);
  return answered(async () => {
    const { policy } = context;
    const { model } = policy;
    const lookup = new Lookup(context);
    const kind = kindNamed(model, subject.type);
    const type = typeNamed(context, resource.type);
    const does = actionNamed(model, type, action.name);
    const principal = await resolveSubject(asker, kind, asked, lookup);
    await auditUnlessSelf(context, asker, 'resource', principal, { action: does, type, subject });
    if (principal === null || does === 'create') return NOTHING;
    if (model.resources[type]?.source === 'form') {
      const named = formNames(model).map((id) => ({ id, name: id, record: formRecord(model, id) }));
      const allowed = named.filter(({ record }) =>
        isAllowed(context, { principal, action: does, type, record, named: true }),
      );
      const rest = allowed.toSorted((a, b) => (a.id < b.id ? -1 : 1)).filter(({ id }) => id > (place.after ?? ''));
      return found(place, rest, ({ id }) => ({ type: resource.type, id }));
    }
    if (!hasRows(model, type)) return NOTHING;

    const told = isTrusted(asker) ? await propertiesTold(lookup, type, action.properties, resource.properties) : {};
    const assumed = await assumeFields(context, type, withoutReferences(context, type, told));
    const parameters = new Parameters();
    const reach = filter(policy, principal, does, type, environment(context), assumed);
    const last = place.after === null ? null : idAfter(place.after);
    const after = last === null ? null : { value: last, id: last };
    const sort = { field: 'id', descending: false };
    const ids = pageSql(reach, parameters, { sort, limit: place.limit + 1, after, where: [] });
    const rows = await identified(context, asker, recordsOf(model, type), ids, parameters);
    return found(place, rows, ({ id, name }) => ({ type: resource.type, id: name ?? id }));
  });
}

/**
 * The actions that a principal may do on a record (§8.6).
 * @throws Refusal, Problem `malformed_request` or `invalid_cursor`
 */
export async function searchActions(context: Context, asker: Asker, asked: ActionSearch): Promise<Found> {
  const { subject, resource } = asked;
  const place = placeOf(['action', subject, resource, asked.context], asked.page);
  return answered(async () => {
    const { model } = context.policy;
    const lookup = new Lookup(context);
    const kind = kindNamed(model, subject.type);
    const type = typeNamed(context, resource.type);
    const principal = await resolveSubject(asker, kind, asked, lookup);
    await auditUnlessSelf(context, asker, 'action', principal, { type, id: resource.id, subject });
    const order = actionsOf(model, type);
    const allowed = new Set<string>();
    // Whether it could create anything is asked of every type; of a record only where there is one.
    let anything = false;
    for (const action of order) {
      const about = { type, action, by: makerOf(model, principal) };
      const resolved = await resolveResource(asker, about, {}, resource, lookup).catch(noneToCreate(action));
      if (isAllowed(context, { principal, action, type, ...resolved })) allowed.add(action);
      if (action === 'create') anything = !resolved.named && resource.id !== '';
    }
    if (anything && !(await isThere(lookup, asker, type, resource.id, allowed))) allowed.delete('create');
    const rest = [...allowed].filter((name) => order.indexOf(name) > order.indexOf(place.after ?? ''));
    const { page, items } = pageOf(place, rest, (name) => name);
    return { page, results: items.map((name) => ({ name })) };
  });
}

/**
 * Whether there is a record, as far as who asks may know: who is not trusted knows of those on which something is allowed,
 * and is not told more by what could be created.
 */
async function isThere(
  lookup: Lookup,
  asker: Asker,
  type: string,
  id: string,
  allowed: ReadonlySet<string>,
): Promise<boolean> {
  if (!isTrusted(asker)) return [...allowed].some((action) => action !== 'create');
  return !hasRows(lookup.context.policy.model, type) || (await lookup.record(type, id)) !== null;
}

/** Properties that no new record could have are no mistake in a question about what may be done with one that is there. */
function noneToCreate(action: string): (error: unknown) => { readonly record: null; readonly named: true } {
  return (error) => {
    if (action !== 'create' || !(error instanceof Problem) || error.status >= 500) throw error;
    return { record: null, named: true };
  };
}

/** Nothing is found of what the application does not know; and it is said so, since its names are no secret. */
async function answered(search: () => Promise<Found>): Promise<Found> {
  try {
    return await search();
  } catch (error) {
    if (!(error instanceof UnknownName)) throw error;
    const { page, results } = NOTHING;
    return { page, context: unknown(error).context, results };
  }
}

function found(
  place: Place,
  rows: readonly Identified[],
  result: (row: Identified) => Found['results'][number],
): Found {
  const { page, items } = pageOf(place, rows, ({ id }) => id);
  return { page, results: items.map(result) };
}

/** Where a page of records goes on, by whoever the token was made. */
function idAfter(after: string): string {
  const id = readId(after);
  if (id === null) throw new Problem('invalid_cursor');
  return id;
}

/** A reference decides on more than itself, which a query can't take to be otherwise for each record. */
function withoutReferences({ policy }: Context, type: string, told: Properties): Properties {
  const reference = Object.keys(told).find((name) => policy.model.resources[type]?.fields[name]?.to !== null);
  if (reference !== undefined) {
    throw malformed(`/resource/properties/${reference}`, 'is a reference: a search takes no other than the stored one');
  }
  return told;
}
