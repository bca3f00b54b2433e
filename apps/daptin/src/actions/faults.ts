import { type Model, type Resource, resourceOf } from '@ostiary/policy';
import type { Context } from '@ostiary/server';
import type { Definition } from './definition.js';
import type { InField } from './inputs.js';
import { type Outcome, SPECIAL } from './outcomes.js';
import { leavesOf, namedBy, type Values } from './templates.js';

/** What is wrong, and where: a JSON Pointer. */
export interface Fault {
  readonly pointer: string;
  readonly message: string;
}

type Faults = Generator<readonly [at: string, message: string]>;
type Earlier = ReadonlyMap<string, Outcome>;

/** What is wrong with a definition: what it names has to exist, and nothing is used that it may not. */
export function faultsOf({ policy, application }: Context, definition: Definition): readonly Fault[] {
  const { entity, inFields, outFields, elevated } = definition;
  const faults: Fault[] = [];
  const add = (place: string, found: Faults) => {
    for (const [at, message] of found) faults.push({ pointer: `${place}${at}`, message });
  };
  const names = inFields.map(({ name }) => name);
  for (const [index, field] of inFields.entries()) {
    add(`/in_fields/${index}`, inputFaults(field, names.slice(0, index), names, `${entity}_id`));
  }
  const passwords = Object.values(application.logins).map(({ password }) => password);
  const earlier = new Map<string, Outcome>();
  for (const [index, outcome] of outFields.entries()) {
    const place = `/out_fields/${index}`;
    add(place, outcome.method ? rowFaults(policy.model, outcome, passwords) : specialFaults(outcome, earlier));
    add(place, nameFaults(policy.model, outcome, [...names, `${entity}_id`], earlier));
    add(place, commonFaults(outcome, elevated, earlier));
    if (outcome.reference !== undefined) earlier.set(outcome.reference, outcome);
  }
  return faults;
}

function* inputFaults(
  { name, validations }: InField,
  before: readonly string[],
  all: readonly string[],
  row: string,
): Faults {
  if (before.includes(name)) yield ['/name', 'is there twice'];
  if (name === row) yield ['/name', 'is the row that the action is on, and is taken anyway'];
  const { equals } = validations ?? {};
  if (equals !== undefined && !all.includes(equals)) yield ['/validations/equals', 'names no input'];
}

function* commonFaults({ type, method, reference, as }: Outcome, elevated: boolean, earlier: Earlier): Faults {
  if (as === 'action' && !elevated) yield ['/as', "needs an action that is 'elevated', which administrators alone say"];
  if (reference === undefined) return;
  if (method === 'DELETE' || (method === undefined && type !== 'token'))
    yield ['/reference', 'is for what gives something'];
  if (earlier.has(reference)) yield ['/reference', 'is there twice'];
}

function* rowFaults(
  model: Model,
  { type, method, attributes = {}, as }: Outcome,
  passwords: readonly string[],
): Faults {
  const resource = entityOf(model, type);
  if (resource === null) {
    yield ['/type', 'is no entity'];
    return;
  }
  const needsId = method !== 'POST';
  if (needsId !== Object.hasOwn(attributes, 'id')) yield ['/attributes/id', needsId ? 'is missing' : 'is not for POST'];
  for (const name of Object.keys(attributes).filter((each) => each !== 'id')) {
    const field = Object.hasOwn(resource.fields, name) ? resource.fields[name] : undefined;
    const at = `/attributes/${name}`;
    if (field === undefined) yield [at, `is no field of ${type}`];
    else if (method === 'DELETE' || method === 'GET_BY_ID') yield [at, `is not for ${method}: the id is enough`];
    else if (field.filled === 'principal') yield [at, 'is filled by the server'];
    else if (as === 'action' && method === 'PATCH' && passwords.includes(name)) {
      yield [at, "is changed in the caller's name alone"];
    }
  }
}

function* specialFaults({ type, attributes = {}, as }: Outcome, earlier: Earlier): Faults {
  const special = Object.hasOwn(SPECIAL, type) ? SPECIAL[type] : undefined;
  if (special === undefined) {
    yield ['/type', `is none of ${Object.keys(SPECIAL).join(', ')}; where it is an entity, a method is missing`];
    return;
  }
  for (const name of Object.keys(attributes)) {
    if (!special.attributes.includes(name)) yield [`/attributes/${name}`, 'is not known here'];
  }
  for (const name of special.needed) {
    if (!Object.hasOwn(attributes, name)) yield [`/attributes/${name}`, 'is missing'];
  }
  for (const [name, pattern] of Object.entries(special.literal ?? {})) {
    const value = attributes[name];
    // Of a list or an object a part might be an input.
    const isOne = typeof value !== 'object';
    if (value !== undefined && !(isOne && pattern.test(String(value))))
      yield [`/attributes/${name}`, 'may not be this'];
  }
  if (type === 'token') yield* tokenFaults(attributes, as, earlier);
  else if (as !== undefined) yield ['/as', 'is for rows and tokens'];
}

/** A token is for who knows a password, for the caller, or for an account that this same action has just made. */
function* tokenFaults(attributes: Values, as: Outcome['as'], earlier: Earlier): Faults {
  const given = Object.keys(attributes).sort().join(' ');
  if (given === '' || given === 'email password') {
    if (as !== undefined) yield ['/as', 'is for the token of a user_account_id'];
    return;
  }
  if (given !== 'user_account_id') {
    yield ['/attributes', 'must be an email and a password, or a user_account_id, or nothing, for the caller'];
    return;
  }
  const named = namedBy(attributes.user_account_id);
  const made =
    named !== null && 'reference' in named && named.field === 'id' ? earlier.get(named.reference) : undefined;
  if (as === 'action' || (made?.method === 'POST' && made.type === 'user_account')) return;
  yield ['/attributes/user_account_id', "must be of an account that the action makes, or have as: 'action'"];
}

/** Every input and every earlier outcome that is named is there, and gives what is asked of it. */
function* nameFaults(
  model: Model,
  { type, method, attributes = {} }: Outcome,
  inputs: readonly string[],
  earlier: Earlier,
): Faults {
  const late = method === undefined && type.startsWith('client.');
  for (const [at, value] of leavesOf(attributes, '/attributes')) {
    const named = namedBy(value);
    if (named === null) yield [at, 'names nothing: a text that begins with ~ or $ needs another ~ before it'];
    else if ('input' in named && !inputs.includes(named.input)) yield [at, `names no input: '${named.input}'`];
    if (named === null || !('reference' in named)) continue;
    const { reference, field } = named;
    const from = earlier.get(reference);
    if (from === undefined) yield [at, `names no earlier outcome: '${reference}'`];
    else if (from.method === undefined) {
      if (field !== 'token') yield [at, `asks for '${field}': '${reference}' has a token, and nothing else`];
      else if (!late) yield [at, 'is made when all is written: only what the client is told can have it'];
    } else if (!shows(model, from.type, field)) yield [at, `asks for '${field}', which '${reference}' does not show`];
  }
}

/** The type of rows; null where there are none of that name. */
function entityOf(model: Model, type: string): Resource | null {
  const resource = Object.hasOwn(model.resources, type) ? resourceOf(model, type) : null;
  return resource?.source === undefined ? resource : null;
}

/** Whether rows show a field: a secret is never shown, to actions neither. */
function shows(model: Model, type: string, name: string): boolean {
  if (['id', 'version', 'createdAt', 'updatedAt'].includes(name)) return true;
  const { fields = {} } = entityOf(model, type) ?? {};
  return Object.hasOwn(fields, name) && fields[name]?.secret !== true;
}
