import fc from 'fast-check';

// biome-ignore lint/suspicious/noExplicitAny: a JSON Schema says of itself what it holds
export type AnySchema = any;

/**
 * Values that are known to be good somewhere, whatever the schema says: ids of records, a strong password. Asked with the
 * names that lead there: `subject.type`.
 */
export type Known = (path: string) => readonly unknown[] | undefined;

/** Values that fit a JSON Schema, as far as the schemas of our routes go. */
export function fromSchema(schema: AnySchema, known: Known, path = ''): fc.Arbitrary<unknown> {
  const good = known(path);
  if (good !== undefined && good.length > 0 && schema.type === 'string') return fc.constantFrom(...good);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((each: AnySchema) => fromSchema(each, known, path)));
  switch (schema.type) {
    case 'object':
      return objects(schema, known, path);
    case 'array':
      return fc.uniqueArray(fromSchema(schema.items ?? {}, known, path), {
        maxLength: Math.min(schema.maxItems ?? 3, 3),
        selector: (value) => JSON.stringify(value),
      });
    case 'string':
      return texts(schema);
    case 'integer':
      return fc.integer({ min: Math.max(schema.minimum ?? 0, -(2 ** 31)), max: schema.maximum ?? 1_000 });
    case 'number':
      return fc.double({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return fc.jsonValue({ maxDepth: 3 }).filter((value) => value !== null);
  }
}

function objects(schema: AnySchema, known: Known, path: string): fc.Arbitrary<unknown> {
  const properties = Object.entries<AnySchema>(schema.properties ?? {});
  const model = Object.fromEntries(
    properties.map(([name, each]) => [name, fromSchema(each, known, path === '' ? name : `${path}.${name}`)]),
  );
  return fc
    .record(model, { requiredKeys: schema.required ?? [], noNullPrototype: true })
    .filter((value) => Object.keys(value).length >= (schema.minProperties ?? 0));
}

const FORMATS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  uuid: fc.uuid(),
  'date-time': instants(),
  date: instants().map((text) => text.slice(0, 10)),
  email: fc.emailAddress(),
  uri: fc.webUrl(),
};

function instants(): fc.Arbitrary<string> {
  const [min, max] = [new Date('1900-01-01T00:00:00Z'), new Date('2099-12-31T00:00:00Z')];
  return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
}

function texts({ format, pattern, minLength = 0, maxLength = 10_000 }: AnySchema): fc.Arbitrary<string> {
  const fits = (text: string) => text.length >= minLength && text.length <= maxLength;
  if (format && FORMATS[format]) return (FORMATS[format] as fc.Arbitrary<string>).filter(fits);
  if (pattern) return fc.stringMatching(new RegExp(pattern, 'u'), { size: 'small' }).filter(fits);
  return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, Math.max(minLength, 30)) });
}
