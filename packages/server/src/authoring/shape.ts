import type {
  Field,
  GrantSource,
  Model,
  Persona,
  Policy,
  Relation,
  Resource,
  TypeSet,
  TypeSource,
} from '@ostiary/policy';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { Application, Declared } from '../application/application.js';
import type { LoginSettings, StaticTokenSettings } from '../application/logins.js';
import type { PresenceSettings } from '../application/presence.js';
import type { Demo } from '../application/seed.js';
import type { SignOnSettings } from '../application/sign-on.js';
import type { TokenSettings } from '../application/tokens.js';
import type { LockoutSettings } from '../identity/index.js';
import { type JsonSchema, Type } from '../input/json-schema.js';
import { ApplicationError } from './error.js';

type ActionHandler = NonNullable<Application['actions']>[number];
type Command = NonNullable<Application['commands']>[number];

/** One schema for each member of a type: one that is added to the type and not here does not compile. */
type Members<T> = Readonly<Record<keyof T & string, JsonSchema>>;

const closed = { additionalProperties: false };
const maybe = Type.Optional;
const word = Type.String({ minLength: 1 });
const words = Type.Array(Type.String());
const boolean = maybe(Type.Boolean());
const positive = Type.Number({ exclusiveMinimum: 0 });
const anything = Type.Object({});
const calls: JsonSchema = { function: true };

function members<T>(of: Members<T>): JsonSchema {
  return Type.Object(of, closed);
}

function each(schema: JsonSchema): JsonSchema {
  return Type.Object({}, { additionalProperties: schema });
}

const field = members<Field>({
  kind: Type.Enum(['text', 'integer', 'number', 'boolean', 'instant', 'date', 'choice', 'reference', 'json']),
  many: Type.Boolean(),
  to: Type.Nullable(word),
  parent: boolean,
  choices: maybe(Type.Array(word, { minItems: 1, uniqueItems: true })),
  says: maybe(word),
  optional: boolean,
  unique: boolean,
  secret: boolean,
  encrypted: boolean,
  fixed: boolean,
  clears: boolean,
  cascades: boolean,
  filled: maybe({ anyOf: [Type.Enum(['principal']), Type.Object({ type: word }, closed)] }),
  transfers: boolean,
  default: maybe({}),
  minLength: maybe(Type.Integer()),
  maxLength: maybe(Type.Integer()),
  minimum: maybe(Type.Number()),
  maximum: maybe(Type.Number()),
  pattern: maybe(word),
  format: maybe(Type.Enum(['email', 'uri'])),
  schema: maybe(anything),
});

const resource = members<Resource>({
  fields: each(field),
  actions: Type.Array(word),
  says: maybe(word),
  identifiedBy: maybe(word),
  orders: maybe(Type.Array(word)),
  referred: maybe(word),
  uniqueTogether: maybe(Type.Array(Type.Array(word, { minItems: 2 }))),
  collection: maybe(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._~-]*$' })),
  views: maybe(each(each(word))),
  defaultView: maybe(word),
  sensitive: boolean,
  source: maybe(Type.Enum(['audit', 'decision', 'form'])),
  counts: maybe(members<NonNullable<Resource['counts']>>({ by: Type.Array(word, { minItems: 1, uniqueItems: true }) })),
  relations: maybe(each(members<Relation>({ in: word, of: word, to: word }))),
});

const grant = members<GrantSource>({
  in: word,
  holder: word,
  role: {},
  members: maybe(members<NonNullable<GrantSource['members']>>({ in: word, group: word, member: word })),
  on: maybe(members<NonNullable<GrantSource['on']>>({ scope: word, field: word })),
  from: maybe(word),
  until: maybe(word),
  when: maybe(words),
  unless: maybe(words),
});

const typeSet = members<TypeSet>({
  in: word,
  type: word,
  of: word,
  bits: maybe(
    members<NonNullable<TypeSet['bits']>>({ field: word, mask: Type.Integer({ minimum: 1 }), otherwise: maybe(word) }),
  ),
});

const model = members<Model>({
  // It is a part of addresses, and the name of a schema.
  name: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]*$', maxLength: 63 }),
  title: word,
  resources: each(resource),
  principals: anything,
  roles: anything,
  implications: anything,
  grants: Type.Array(grant),
  permissions: maybe(anything),
  typeAttributes: maybe(each(field)),
  types: maybe(members<TypeSource>({ in: word, type: word, sets: maybe(each(typeSet)) })),
});

const login = members<LoginSettings>({
  login: word,
  password: word,
  disabled: maybe(word),
  enabled: maybe(word),
  path: maybe(Type.Nullable(Type.String({ pattern: '^(/[A-Za-z0-9._~-]+)+$' }))),
  names: maybe(words),
  claims: maybe(each(word)),
});

const signOn = members<SignOnSettings>({
  kind: word,
  email: maybe(word),
  newAccounts: maybe(members<NonNullable<SignOnSettings['newAccounts']>>({ values: calls, always: boolean })),
  connections: maybe(calls),
});

const handler = members<ActionHandler>({
  type: word,
  action: word,
  says: word,
  input: anything,
  before: maybe(calls),
  run: calls,
});

const command = members<Command>({
  name: Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_]*$' }),
  path: Type.String({ pattern: '^/[A-Za-z0-9._~-]+(/:?[A-Za-z0-9._~-]+)*$' }),
  says: word,
  decision: members<Command['decision']>({ action: word, type: word }),
  params: anything,
  input: anything,
  answer: maybe(anything),
  run: calls,
});

const application = members<Application>({
  policy: members<Policy>({ model, rules: Type.Array(anything), limits: Type.Array(anything) }),
  guests: maybe(word),
  roots: maybe(Type.Enum(['kind'])),
  api: maybe(Type.Enum(['json-api'])),
  personas: maybe(each(members<Persona>({ kind: word, attributes: anything, roles: words, loggedIn: boolean }))),
  logins: each(login),
  signOn: maybe(signOn),
  enabled: maybe(each(word)),
  staticTokens: maybe(each(members<StaticTokenSettings>({ enabled: maybe(word) }))),
  tokens: maybe(
    members<TokenSettings>({
      algorithm: Type.Enum(['ES256', 'EdDSA', 'HS256']),
      secretFrom: maybe(word),
      lifetimeSeconds: positive,
      refreshSeconds: maybe(positive),
      refreshedSeconds: maybe(positive),
      sessionSeconds: maybe(positive),
    }),
  ),
  lockout: maybe(members<LockoutSettings>({ maxFailures: positive, windowSeconds: positive, lockSeconds: positive })),
  presence: maybe(each(members<PresenceSettings>({ when: maybe(word) }))),
  declared: maybe(
    members<Declared>({
      in: word,
      by: words,
      policy: calls,
      at: maybe(calls),
      most: maybe(Type.Integer({ minimum: 0 })),
    }),
  ),
  administrator: members<Application['administrator']>({ kind: word, values: anything, made: maybe(calls) }),
  actions: maybe(Type.Array(handler)),
  commands: maybe(Type.Array(command)),
  effects: maybe(
    each(
      Type.Object(
        { created: maybe(calls), updated: maybe(calls), deleted: maybe(calls), deleting: maybe(calls) },
        closed,
      ),
    ),
  ),
  initial: maybe(calls),
  demo: maybe(
    members<Demo>({
      accounts: Type.Array(Type.Object({ login: word, says: word }, closed)),
      load: calls,
    }),
  ),
});

/** Compiled once: an application whose types are declared while it runs is checked with each of them. */
let compiled: ReturnType<Ajv2020['compile']> | undefined;

function validator(): ReturnType<Ajv2020['compile']> {
  if (compiled === undefined) {
    // The schema is our own: nobody need check it, nor compile what would.
    const ajv = new Ajv2020({ strict: false, verbose: true, validateSchema: false, code: { optimize: false } });
    ajv.addKeyword({ keyword: 'function', validate: (_: true, data: unknown) => typeof data === 'function' });
    compiled = ajv.compile(application);
  }
  return compiled;
}

/**
 * Checks what the compiler checks of an application, for those that no compiler has seen: nothing is missing, nothing
 * is misspelt, and everything is of its kind.
 * @throws ApplicationError with the place
 */
export function requireShape(value: unknown): asserts value is Application {
  const validate = validator();
  if (validate(value)) return;
  // Where something may be null, that it isn't tells nothing.
  const [first] = (validate.errors ?? []).filter(
    ({ keyword, params }) => keyword !== 'anyOf' && params.type !== 'null',
  );
  throw new ApplicationError(first === undefined ? 'application is not one' : inWords(first));
}

function inWords({ instancePath, keyword, params, parentSchema, message, data }: ErrorObject): string {
  const place = `application${instancePath.replaceAll('/', '.')}`;
  switch (keyword) {
    case 'additionalProperties': {
      const known = Object.keys((parentSchema as { readonly properties?: object }).properties ?? {});
      return `${place} has no member '${params.additionalProperty}', but ${known.join(', ')}`;
    }
    case 'required':
      return `${place} needs '${params.missingProperty}'`;
    case 'function':
      return `${place} must be a function`;
    case 'enum':
      return `${place} must be one of ${params.allowedValues.join(', ')}, and is ${JSON.stringify(data)}`;
    default:
      return `${place} ${message}`;
  }
}
