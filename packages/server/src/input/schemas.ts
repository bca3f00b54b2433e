import { type Field, type Model, resourceOf, spaced } from '@ostiary/policy';
import { ID_PATTERN } from './ids.js';
import { type JsonSchema, Type } from './json-schema.js';

/** Longest text where a field does not say: enough for a note, too little to fill a disk. */
const LONGEST_TEXT = 10_000;
const MOST_ELEMENTS = 1_000;
/** What PostgreSQL can't store as it was sent: a zero character, and half of a surrogate pair. */
const STORABLE = { not: { pattern: '[\\u0000\\ud800-\\udfff]' } } as const;

/** Any UUID in lower case, as ids are written. */
const idSchema = Type.String({
  format: 'uuid',
  pattern: ID_PATTERN,
  description: 'An id: a UUID in small letters.',
});
const instantSchema = Type.String({
  format: 'date-time',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:[0-5]\\d(\\.\\d{1,3})?Z$',
  examples: ['2026-03-01T09:30:00.000Z'],
});

/** The JSON Schema of a field's value, null aside. */
export function valueSchema(field: Field): JsonSchema {
  const one = oneSchema(field);
  return field.many ? Type.Array(one, { maxItems: MOST_ELEMENTS, uniqueItems: true }) : one;
}

function oneSchema(field: Field): JsonSchema {
  const numbers = {
    ...(field.minimum === undefined ? {} : { minimum: field.minimum }),
    ...(field.maximum === undefined ? {} : { maximum: field.maximum }),
  };
  switch (field.kind) {
    case 'text':
      return Type.String({
        maxLength: field.maxLength ?? LONGEST_TEXT,
        ...(field.minLength === undefined ? {} : { minLength: field.minLength }),
        ...(field.pattern === undefined ? {} : { pattern: field.pattern }),
        ...(field.format === undefined ? {} : { format: field.format }),
        ...STORABLE,
      });
    case 'integer':
      return Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1, ...numbers });
    case 'number':
      return Type.Number(numbers);
    case 'boolean':
      return Type.Boolean();
    case 'instant':
      return instantSchema;
    case 'date':
      return Type.String({ format: 'date', pattern: '^\\d{4}-\\d\\d-\\d\\d$', examples: ['2026-03-01'] });
    case 'choice':
      return Type.Enum(field.choices ?? []);
    case 'reference':
      return idSchema;
    case 'json':
      return (field.schema as JsonSchema | undefined) ?? { not: { type: 'null' } };
  }
}

function described(field: Field, schema: JsonSchema): JsonSchema {
  const refers = field.to === null ? undefined : `The id of a ${spaced(field.to)}.`;
  const description = field.says ?? refers;
  return description === undefined ? schema : { ...schema, description };
}

/** A value that may be null. */
const nullable = (schema: JsonSchema): JsonSchema => Type.Nullable(schema);

function writeSchema(field: Field): JsonSchema {
  const schema = described(field, valueSchema(field));
  return field.optional ? nullable(schema) : schema;
}

/** The body of a create: required fields are required, unknown ones refused. */
export function createSchema(model: Model, type: string): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const [name, field] of Object.entries(resourceOf(model, type).fields)) {
    if (field.filled === 'principal') continue;
    const schema = writeSchema(field);
    properties[name] = field.optional || field.filled || field.default !== undefined ? Type.Optional(schema) : schema;
  }
  return Type.Object(properties, { additionalProperties: false });
}

/** The body of an update: the fields that change, at least one. */
export function updateSchema(model: Model, type: string): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  for (const [name, field] of Object.entries(resourceOf(model, type).fields)) {
    const isKept = field.fixed || (field.filled === 'principal' && !field.transfers);
    if (!isKept) properties[name] = Type.Optional(writeSchema(field));
  }
  return Type.Object(properties, { additionalProperties: false, minProperties: 1 });
}

/** A record as the API shows it: what the reader may not see is left out. */
export function recordSchema(model: Model, type: string): JsonSchema {
  const properties: Record<string, JsonSchema> = {
    id: idSchema,
    createdAt: Type.Optional(instantSchema),
    updatedAt: Type.Optional(instantSchema),
    version: Type.Optional(Type.Integer({ description: 'Also the ETag, for If-Match.' })),
  };
  for (const [name, field] of Object.entries(resourceOf(model, type).fields)) {
    if (!field.secret) properties[name] = Type.Optional(nullable(described(field, valueSchema(field))));
  }
  return Type.Object(properties);
}

const OPERATORS = ['lt', 'le', 'gt', 'ge', 'in', 'contains', 'null'] as const;
export type FilterOperator = (typeof OPERATORS)[number];

/** Fields that a list can be filtered by, with the operators that make sense for each. */
export function filterable(
  model: Model,
  type: string,
): readonly { name: string; field: Field; operators: readonly FilterOperator[] }[] {
  const own: readonly (readonly [string, Field])[] = [
    ['createdAt', { kind: 'instant', many: false, to: null }],
    ['updatedAt', { kind: 'instant', many: false, to: null }],
  ];
  return [...own, ...Object.entries(resourceOf(model, type).fields)]
    .filter(([, field]) => !field.secret && field.kind !== 'json')
    .map(([name, field]) => {
      const ordered = ['integer', 'number', 'instant', 'date', 'text'].includes(field.kind) && !field.many;
      const operators: FilterOperator[] = [...(ordered ? (['lt', 'le', 'gt', 'ge'] as const) : [])];
      if (!field.many && field.kind !== 'boolean') operators.push('in');
      if (field.kind === 'text' && !field.many) operators.push('contains');
      if (field.optional) operators.push('null');
      return { name, field, operators };
    });
}

/** The query of what takes the filters of a list, but neither its pages nor its order. */
export function filterSchema(model: Model, type: string, own: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return Type.Object({ ...filters(model, type), ...own }, { additionalProperties: false });
}

/** The query of a list. Values come as text and are read by the field's type. */
export function listSchema(model: Model, type: string): JsonSchema {
  const own: Record<string, JsonSchema> = {
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,2})$', description: 'At most so many: 1 to 200.' })),
    cursor: Type.Optional(Type.String({ maxLength: 2_000, description: 'Where the last page ended: its `next`.' })),
    sort: Type.Optional(
      Type.String({ pattern: '^-?[A-Za-z][A-Za-z0-9_]*$', description: 'A field; with a minus in front descending.' }),
    ),
    view: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]*$' })),
  };
  return Type.Object({ ...own, ...filters(model, type) }, { additionalProperties: false });
}

function filters(model: Model, type: string): Readonly<Record<string, JsonSchema>> {
  const properties: Record<string, JsonSchema> = {};
  for (const { name, field, operators } of filterable(model, type)) {
    const value = (description: string) => Type.Optional(Type.String({ maxLength: 2_000, description }));
    properties[name] = value(`${spaced(name)} ${field.many ? 'has this element' : 'is'}`);
    for (const operator of operators) properties[`${name}[${operator}]`] = value(`${spaced(name)}: ${operator}`);
  }
  return properties;
}
