import type { Model } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import { ID_PATTERN } from '../input/ids.js';
import { type JsonSchema, Type } from '../input/json-schema.js';
import { createSchema, recordSchema, updateSchema } from '../input/schemas.js';
import { PROBLEMS } from '../problems.js';
import { VERSION } from './document.js';
import { isToMany, type Relationship, relationshipsOf } from './relationships.js';

type Properties = Readonly<Record<string, JsonSchema>>;

/** Members whose names begin so are ignored, wherever they stand: the specification's 'Member Names'. */
const AT_MEMBERS = { '^@': {} };
const MOST_IDENTIFIERS = 1_000;

/** An object of a request: what is not known is refused, so that nothing of what was sent is lost unsaid. */
const closed = (properties: Properties, options: JsonSchema = {}) =>
  Type.Object(properties, { additionalProperties: false, patternProperties: AT_MEMBERS, ...options });

const anything = Type.Optional(Type.Object({}));
/** What an answer has beside, and may be sent back: it is not looked at. */
const beside = { links: anything, meta: anything };

const document = (data: JsonSchema) => closed({ data, jsonapi: anything, ...beside });

const id = Type.String({ format: 'uuid', pattern: ID_PATTERN, description: 'An id: a UUID in small letters.' });

function identifier(model: Model, type: string): JsonSchema {
  return closed({ type: Type.Enum([collectionOf(model, type)]), id, meta: anything });
}

/** The value of a relationship: one identifier, which may be null where nothing needs to be there, or several. */
function linkageSchema(model: Model, relationship: Relationship): JsonSchema {
  const one = identifier(model, relationship.to);
  if (isToMany(relationship)) return Type.Array(one, { maxItems: MOST_IDENTIFIERS });
  return relationship.by === 'field' && relationship.field.optional ? Type.Nullable(one) : one;
}

/** The body with which a record is created; an id is the server's to make, and refused in words of its own. */
export function createDocument(model: Model, type: string): JsonSchema {
  return document(resource(model, type, createSchema(model, type), { id: Type.Optional(Type.String()) }));
}

/** The body with which a record is changed. */
export function updateDocument(model: Model, type: string): JsonSchema {
  return document(resource(model, type, updateSchema(model, type), { id: Type.String() }));
}

/** A resource object with the fields of a plain body: those that refer to others are its relationships. */
function resource(model: Model, type: string, plain: JsonSchema, own: Properties): JsonSchema {
  const { properties, required = [] } = plain as { readonly properties: Properties; readonly required?: string[] };
  const attributes: Record<string, JsonSchema> = { ...properties };
  const relationships: Record<string, JsonSchema> = {};
  for (const relationship of relationshipsOf(model, type)) {
    const { name, by } = relationship;
    if (by === 'field' && properties[name] === undefined) continue;
    delete attributes[name];
    relationships[name] = closed({ data: linkageSchema(model, relationship), ...beside });
  }
  const part = (of: Properties) => {
    const needed = required.filter((name) => name in of);
    const schema = closed({}, { properties: of, ...(needed.length > 0 ? { required: needed } : {}) });
    return needed.length > 0 ? schema : Type.Optional(schema);
  };
  return closed({
    type: Type.String({ examples: [collectionOf(model, type)] }),
    ...own,
    attributes: part(attributes),
    ...(Object.keys(relationships).length > 0 ? { relationships: part(relationships) } : {}),
    ...beside,
  });
}

/** The body with which a relationship is changed. */
export function linkageDocument(model: Model, relationship: Relationship): JsonSchema {
  return document(linkageSchema(model, relationship));
}

const told = (data: JsonSchema, more: Properties = {}) =>
  Type.Object({
    jsonapi: Type.Object({ version: Type.Enum([VERSION]) }),
    data,
    included: Type.Optional(Type.Array(Type.Object({ type: Type.String(), id }))),
    links: Type.Optional(Type.Object({}, { additionalProperties: Type.Nullable(Type.String()) })),
    ...more,
  });

/** A record in an answer: what its reader may not see is left out. */
function resourceSchema(model: Model, type: string): JsonSchema {
  const { properties } = recordSchema(model, type) as { readonly properties: Properties };
  const { id: _, version: __, ...rest } = properties;
  const attributes: Record<string, JsonSchema> = rest;
  const links = Type.Object({ self: Type.String(), related: Type.String() });
  const relationships: Record<string, JsonSchema> = {};
  for (const relationship of relationshipsOf(model, type)) {
    delete attributes[relationship.name];
    const one = Type.Object({ type: Type.Enum([collectionOf(model, relationship.to)]), id });
    const data = isToMany(relationship) ? Type.Array(one) : Type.Nullable(one);
    relationships[relationship.name] = Type.Optional(Type.Object({ data: Type.Optional(data), links }));
  }
  return Type.Object({
    type: Type.Enum([collectionOf(model, type)]),
    id,
    attributes: Type.Optional(Type.Object(attributes)),
    relationships: Type.Optional(Type.Object(relationships)),
    links: Type.Optional(Type.Object({ self: Type.String() })),
    meta: Type.Optional(Type.Object({ version: Type.Integer({ description: 'Also the ETag, for If-Match.' }) })),
  });
}

/** The answer with one record. */
export function answerDocument(model: Model, type: string): JsonSchema {
  return told(resourceSchema(model, type));
}

const listMeta = Type.Object({
  total: Type.Optional(Type.Integer({ description: 'How many there are, where a page is asked for by its number.' })),
  after: Type.Nullable(Type.String({ description: 'What page[after] takes for the next page.' })),
});

/** The answer with a page of records. */
export function listDocument(model: Model, type: string): JsonSchema {
  return told(Type.Array(resourceSchema(model, type)), { meta: listMeta });
}

/** The answer with what a relationship leads to: records, or their identifiers. */
export function relatedDocument(model: Model, relationship: Relationship, whole: boolean): JsonSchema {
  const { to } = relationship;
  const one = whole ? resourceSchema(model, to) : Type.Object({ type: Type.Enum([collectionOf(model, to)]), id });
  if (isToMany(relationship)) return told(Type.Array(one), { meta: Type.Optional(listMeta) });
  return told(Type.Nullable(one));
}

/** What is told in place of a record that was deleted, or was not, and why. */
export const keptDocument = Type.Object({ meta: Type.Object({ kept: Type.String() }) });

/** A problem. */
export const errorSchema = Type.Object(
  {
    jsonapi: Type.Object({ version: Type.Enum([VERSION]) }),
    errors: Type.Array(
      Type.Object({
        status: Type.String(),
        code: Type.Enum(Object.keys(PROBLEMS)),
        title: Type.String(),
        detail: Type.Optional(Type.String()),
        source: Type.Optional(Type.Object({}, { additionalProperties: Type.String() })),
        meta: Type.Object({
          missing: Type.Optional(
            Type.Array(Type.String(), { description: 'The least that was missing for an allow.' }),
          ),
          decision: Type.Optional(Type.String({ description: "The decision's id, known to the audit trail." })),
          requestId: Type.String(),
        }),
      }),
    ),
  },
  { description: 'JSON:API 1.1, Error Objects' },
);
