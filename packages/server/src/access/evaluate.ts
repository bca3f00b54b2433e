import {
  actionsOf,
  decide,
  type Explanation,
  explain,
  type Model,
  type Principal,
  possible,
  type RecordFacts,
} from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import type { Caller, Context } from '../context.js';
import { readId } from '../input/ids.js';
import { valueSchema } from '../input/schemas.js';
import { validatorFor } from '../input/validation.js';
import { Problem } from '../problems.js';
import { loadRecord, proposeRecord } from '../storage/load.js';
import { type LoadedRecord, newValues } from '../storage/rows.js';
import { authorize, environment, refusal } from './access.js';

/** A question as OpenID AuthZEN 1.0 asks it (§5, §6): may this principal do this on that? */
export interface Question {
  readonly subject: { readonly type: string; readonly id: string };
  readonly action: { readonly name: string };
  readonly resource: {
    readonly type: string;
    readonly id?: string;
    readonly properties?: Readonly<Record<string, unknown>>;
  };
}

export interface Answer {
  readonly decision: boolean;
  readonly context: { readonly rules: readonly string[]; readonly missing: readonly string[] };
}

/** What a question is about, with everything that deciding it needs. */
interface Resolved {
  readonly principal: Principal | null;
  readonly action: string;
  readonly type: string;
  readonly record: LoadedRecord | null;
  /** Whether the question names a record at all. */
  readonly named: boolean;
}

/** Answers a question. What does not exist may nothing, and nothing may be done on it. */
export async function evaluate(context: Context, caller: Caller, question: Question): Promise<Answer> {
  const { principal, action, type, record, named } = await resolve(context, caller, question);
  if (principal === null)
    return {
      decision: false,
      context: { rules: [], missing: ['there is no such principal, or its account is disabled'] },
    };
  const { policy } = context;
  const now = environment(context.runtime);
  const decided = record === null ? null : decide(policy, principal, action, type, record.facts, now);
  const allowed = named ? decided?.allowed === true : possible(policy, principal, action, type, now);
  if (allowed) {
    return { decision: true, context: { rules: decided?.permits.map((permit) => permit.rule) ?? [], missing: [] } };
  }
  const facts = tellable(context, caller, type, record);
  const { missing } = explain(policy, principal, action, type, facts, now, personOf(caller, principal));
  return { decision: false, context: { rules: facts === null ? [] : (decided?.forbiddenBy ?? []), missing } };
}

/** Explains a decision: every rule with a trace, and the least that is missing. */
export async function explainDecision(context: Context, caller: Caller, question: Question): Promise<Explanation> {
  const { principal, action, type, record } = await resolve(context, caller, question);
  if (principal === null) throw new Problem('not_found', { detail: 'There is no such principal.' });
  const facts = tellable(context, caller, type, record);
  const now = environment(context.runtime);
  return explain(context.policy, principal, action, type, facts, now, personOf(caller, principal));
}

/** A record that the one who asks can't read is explained as if it were not there: a trace would tell its fields. */
function tellable(context: Context, caller: Caller, type: string, record: LoadedRecord | null): RecordFacts | null {
  if (record === null || caller.principal === null) return record?.facts ?? null;
  const now = environment(context.runtime);
  return decide(context.policy, caller.principal, 'read', type, record.facts, now).allowed ? record.facts : null;
}

function personOf(caller: Caller, principal: Principal): 'you' | 'they' {
  return caller.principal?.kind === principal.kind && caller.principal.id === principal.id ? 'you' : 'they';
}

/** Finds what a question names, and refuses to tell about others to whom may not ask. */
async function resolve(context: Context, caller: Caller, question: Question): Promise<Resolved> {
  const { policy, database } = context;
  const { model } = policy;
  const kind = Object.keys(model.principals).find((name) => same(name, question.subject.type));
  const type = typeNamed(model, question.resource.type);
  const action = type && actionsOf(model, type).find((name) => same(name, question.action.name));
  if (kind === undefined) throw unknown('/subject/type', `is none of ${Object.keys(model.principals).join(', ')}`);
  if (type === undefined) throw unknown('/resource/type', `is none of ${Object.keys(model.resources).join(', ')}`);
  if (action === undefined) throw unknown('/action/name', `is none of ${actionsOf(model, type).join(', ')}`);
  const id = await principalId(context, kind, question.subject.id);
  requireMayAsk(context, caller, kind, id);
  const principal =
    id === null || !(await isEnabled(context, kind, id)) ? null : await context.principals.load(database.db, kind, id);
  if (action === 'create') {
    const proposed = await proposal(context, type, question.resource.properties, principal?.id ?? null);
    return { principal, action, type, record: proposed, named: proposed !== null };
  }
  const named = question.resource.id !== undefined && question.resource.id !== '';
  const recordId =
    named && model.resources[type]?.source !== 'decision'
      ? await findRecord(context, type, question.resource.id ?? '')
      : null;
  const record = recordId === null ? null : await loadRecord(database.db, policy, type, recordId);
  return { principal, action, type, record, named: named && action !== 'list' };
}

/** The record that a question about `create` describes by its properties; null where it describes none. */
async function proposal(
  context: Context,
  type: string,
  properties: Readonly<Record<string, unknown>> | undefined,
  by: string | null,
): Promise<LoadedRecord | null> {
  const { policy, runtime, database } = context;
  const fields = policy.model.resources[type]?.fields ?? {};
  const told = Object.entries(properties ?? {}).filter(
    ([name]) => Object.hasOwn(fields, name) && !fields[name]?.secret,
  );
  if (told.length === 0) return null;
  for (const [name, value] of told) {
    const field = fields[name];
    const validate = field && validatorFor(valueSchema(field));
    if (value !== null && !validate?.(value))
      throw unknown(`/resource/properties/${name}`, 'is no value of that field');
  }
  const made = { id: runtime.id(), now: runtime.now(), by };
  return proposeRecord(database.db, policy, type, newValues(policy.model, type, made, Object.fromEntries(told)));
}

async function isEnabled(context: Context, kind: string, id: string): Promise<boolean> {
  const account = await context.database.db
    .selectFrom('ostiary.account')
    .select('disabled')
    .where('application', '=', context.policy.model.name)
    .where('kind', '=', kind)
    .where('principal_id', '=', id)
    .executeTakeFirst();
  return account?.disabled === false;
}

/** Everyone may ask about themselves; about others, who may evaluate decisions. */
function requireMayAsk(context: Context, caller: Caller, kind: string, id: string | null): void {
  const { principal } = caller;
  if (principal === null || (principal.kind === kind && principal.id === id)) return;
  const { model } = context.policy;
  const type = Object.keys(model.resources).find((name) => model.resources[name]?.source === 'decision');
  if (type === undefined) throw refusal(context, caller, 'read', 'Decision', id);
  const about = id ?? '';
  authorize(context, caller, 'read', type, { id: about, version: 0, values: {}, facts: { id: about } });
}

/** A principal by its id, or by the name that it logs in with. */
async function principalId(context: Context, kind: string, given: string): Promise<string | null> {
  const id = readId(given);
  if (id !== null) return id;
  // No log-in has one, and PostgreSQL takes no NUL in text.
  if (/\p{Cc}/u.test(given)) return null;
  const row = await context.database.db
    .selectFrom('ostiary.account')
    .select('principal_id')
    .where('application', '=', context.policy.model.name)
    .where('kind', '=', kind)
    .where('login', '=', given)
    .executeTakeFirst();
  return row?.principal_id ?? null;
}

/** A record by its id; a principal's record by its log-in too. */
async function findRecord(context: Context, type: string, given: string): Promise<string | null> {
  const kind = Object.entries(context.policy.model.principals).find(([, of]) => of === type)?.[0];
  if (kind !== undefined) return principalId(context, kind, given);
  return readId(given);
}

function typeNamed(model: Model, given: string): string | undefined {
  return Object.keys(model.resources).find((name) => same(name, given) || same(collectionOf(model, name), given));
}

/** `InstrumentRecord`, `instrument-record` and `instrument_record` are one name. */
function same(a: string, b: string): boolean {
  const plain = (text: string) => text.replaceAll(/[-_\s]/g, '').toLowerCase();
  return plain(a) === plain(b);
}

function unknown(pointer: string, message: string): Problem {
  return new Problem('malformed_request', { errors: [{ pointer, message }] });
}
