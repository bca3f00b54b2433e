import {
  type Field,
  fieldOf,
  isLoggedIn,
  type Model,
  type Principal,
  principal,
  principalNeeds,
  type RecordFacts,
  type Value,
} from '@ostiary/policy';
import type { Context } from '../application/context.js';
import { readId } from '../input/ids.js';
import { valueSchema } from '../input/schemas.js';
import { validatorFor } from '../input/validation.js';
import { loadRecord, proposeFacts, proposeRecord } from '../storage/load.js';
import { type LoadedRecord, type Maker, newValues, toFact } from '../storage/rows.js';
import type { Lookup } from './lookup.js';
import { malformed, type Properties } from './question.js';

/**
 * The properties that are fields of a type, as its records would hold them; others are ignored, and secret fields too.
 * @param trusted whether a reference may be given by the name of its record, which would tell which names there are; and
 *   a choice by a text that is none of it, which says that it is neither of those.
 * @throws Problem `malformed_request` where a value is none of its field
 */
export async function fieldsTold(
  lookup: Lookup,
  type: string,
  properties: Properties | undefined,
  pointer: string,
  trusted: boolean,
): Promise<Properties> {
  const fields = lookup.context.policy.model.resources[type]?.fields ?? {};
  const told: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(properties ?? {})) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined || field.secret) continue;
    const value = trusted ? await byId(lookup, field, given) : given;
    if (value !== null && !validatorFor(valueSchema(trusted ? anyChoice(field) : field))(value)) {
      throw malformed(`${pointer}/${name}`, 'is no value of that field');
    }
    told[name] = value;
  }
  return told;
}

function anyChoice({ choices: _, ...field }: Field): Field {
  return field.kind === 'choice' ? { ...field, kind: 'text' } : field;
}

async function byId(lookup: Lookup, { to, many }: Field, given: unknown): Promise<unknown> {
  if (to === null) return given;
  const one = async (value: unknown) =>
    typeof value === 'string' ? (readId(value) ?? (await lookup.record(to, value))?.id ?? value) : value;
  return many && Array.isArray(given) ? Promise.all(given.map(one)) : one(given);
}

/** A stored record with other values in some of its fields; what the rules ask beyond them follows from those. */
export async function describeRecord(
  { database, policy }: Context,
  type: string,
  stored: LoadedRecord,
  told: Properties,
): Promise<LoadedRecord> {
  if (isEmpty(told)) return stored;
  const facts = plainFacts(policy.model, type, told);
  if (facts !== null) return { ...stored, facts: { ...stored.facts, ...facts } };
  return described(() => proposeRecord(database.db, policy, type, { ...stored.values, ...told }));
}

/** A record that is not stored, by what is told of it; null where that is nothing. */
export async function imagineRecord(
  { database, policy, runtime, types }: Context,
  type: string,
  told: Properties,
  by: Maker | null,
): Promise<LoadedRecord | null> {
  if (isEmpty(told)) return null;
  const made = { id: runtime.id(), now: runtime.now(), by, types: types.current };
  return described(() => proposeRecord(database.db, policy, type, newValues(policy.model, type, made, told)));
}

/** Some fields of a record that is not known, as rules would see them. */
export async function assumeFields(
  { database, policy }: Context,
  type: string,
  told: Properties,
): Promise<Readonly<Record<string, Value>>> {
  if (isEmpty(told)) return {};
  const facts = await described(() => proposeFacts(database.db, policy, type, told, { paths: [], links: [] }));
  return Object.fromEntries(Object.keys(told).map((name) => [name, facts[name] as Value]));
}

/** A stored principal with other values in some of its fields. What it holds is what is stored that it holds. */
export async function describePrincipal(context: Context, stored: Principal, told: Properties): Promise<Principal> {
  const { database, policy } = context;
  const type = policy.model.principals[stored.kind];
  if (!type || isEmpty(told)) return stored;
  const facts = plainFacts(policy.model, type, told);
  if (facts !== null) return principal({ ...stored, attributes: { ...stored.attributes, ...facts } });
  const record = await loadRecord(database.db, policy, type, stored.id);
  return record === null ? stored : made(context, stored, type, { ...record.values, ...told });
}

/** A principal that is not stored, by what is told of it; it holds nothing. Null where nothing is told. */
export async function imaginePrincipal(
  context: Context,
  { kind, given, loggedIn }: { readonly kind: string; readonly given: string; readonly loggedIn: boolean },
  told: Properties,
): Promise<Principal | null> {
  const { policy, runtime, types } = context;
  const type = policy.model.principals[kind];
  if (!type || isEmpty(told)) return null;
  const id = readId(given) ?? runtime.id();
  const values = newValues(policy.model, type, { id, now: runtime.now(), by: null, types: types.current }, told);
  return made(context, { kind, id, grants: [], loggedIn }, type, values);
}

async function made(
  { database, policy }: Context,
  { kind, id, grants, ...how }: Pick<Principal, 'kind' | 'id' | 'grants' | 'loggedIn'>,
  type: string,
  values: Properties,
): Promise<Principal> {
  const needs = principalNeeds(policy, kind);
  const attributes = await described(() => proposeFacts(database.db, policy, type, values, needs));
  const loggedIn = isLoggedIn(how);
  return principal({ kind, id, grants, loggedIn, attributes: attributes as Readonly<Record<string, Value>> });
}

/** What rules see of told fields where nothing follows from them: null where one is a reference, which leads further. */
function plainFacts(model: Model, type: string, told: Properties): Readonly<Record<string, Value>> | null {
  const entries = Object.entries(told).map(([name, value]) => [fieldOf(model, type, name), name, value] as const);
  if (entries.some(([field]) => field.to !== null)) return null;
  return Object.fromEntries(entries.map(([{ kind }, name, value]) => [name, toFact(kind, value)]));
}

function isEmpty(told: Properties): boolean {
  return Object.keys(told).length === 0;
}

/** PostgreSQL's class 22 is about values that fit their schema and no column: the year 0, a NUL in json. */
async function described<T extends LoadedRecord | RecordFacts>(propose: () => Promise<T>): Promise<T> {
  try {
    return await propose();
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (typeof code === 'string' && code.startsWith('22')) {
      throw malformed('/properties', 'hold a value that no field can have');
    }
    throw error;
  }
}
