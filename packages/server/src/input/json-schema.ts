/**
 * JSON Schemas (2020-12) in few words, as the routes and the OpenAPI documents show them. What they describe is checked
 * by a validator, and typed where it is used: most of it comes from models, which no compiler knows.
 */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Options = JsonSchema;

/** Properties that may be left out of an object. */
const optional = new WeakSet<JsonSchema>();

const typed =
  (type: string) =>
  (options: Options = {}): JsonSchema => ({ type, ...options });

/** JSON Schemas of input, in few words: `Type.Object({ reason: Type.String({ maxLength: 200 }) })`. */
export const Type = {
  String: typed('string'),
  Integer: typed('integer'),
  Number: typed('number'),
  Boolean: typed('boolean'),
  Null: typed('null'),
  /** Anything. */
  Unknown: (): JsonSchema => ({}),
  /** One of these words. */
  Enum: (values: readonly string[]): JsonSchema => ({ enum: values }),
  Array: (items: JsonSchema, options: Options = {}): JsonSchema => ({ type: 'array', items, ...options }),
  /** Also null. */
  Nullable: (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] }),
  /** An object; what is not marked `Optional` is required. */
  Object: (properties: Readonly<Record<string, JsonSchema>>, options: Options = {}): JsonSchema => {
    const required = Object.keys(properties).filter((name) => !optional.has(properties[name] as JsonSchema));
    return { type: 'object', properties, ...(required.length > 0 ? { required } : {}), ...options };
  },
  Optional: (schema: JsonSchema): JsonSchema => {
    const marked = { ...schema };
    optional.add(marked);
    return marked;
  },
} as const;
