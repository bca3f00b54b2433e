import { toUSVString } from 'node:util';
import fc from 'fast-check';
import { type AnySchema, fromSchema, type Known } from './from-schema.js';
import { MARK, replaced, WHOLE, withKey, withoutKey } from './json-mutations.js';
import {
  AWKWARD_TEXTS,
  BAD_UTF8,
  EDGES_OF_TIME,
  HOSTILE_HEADERS,
  HOSTILE_QUERIES,
  HOSTILE_SEGMENTS,
  HOSTILE_TYPES,
  NAUGHTY_TEXTS,
  RAW_VALUES,
} from './naughty.js';

/** One operation of an application's OpenAPI document. */
export interface Operation {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly definition: AnySchema;
}

export interface HostileRequest {
  /** What is wrong with it, in a word. */
  readonly how: string;
  readonly method: string;
  /** Below the application's address. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Buffer | null;
}

const METHODS = ['get', 'put', 'post', 'patch', 'delete'];

/** All operations that a document describes. */
export function operationsOf(document: AnySchema): readonly Operation[] {
  return Object.entries<AnySchema>(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      definition: item[method],
    })),
  );
}

/** What requests are made from: ids for addresses, values for bodies, cursors that lists gave out. */
export interface Material {
  /** Of records, by their type. */
  readonly ids: ReadonlyMap<string, readonly string[]>;
  readonly known: Known;
  readonly cursors: readonly string[];
}

const NO_RECORD = '01900000-0000-7000-8000-000000000000';
const JSON_TYPE = { 'content-type': 'application/json' };

/** The address of an operation on a record; a parameter that is one of several words is the first of them. */
function addressOf({ path, definition }: Operation, record: string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name) => {
    const { schema } =
      (definition.parameters ?? []).find((of: AnySchema) => of.in === 'path' && of.name === name) ?? {};
    return schema?.enum?.[0] ?? record;
  });
}

/** Requests of an operation: some are in order, and the others are wrong in one place. */
export function requestsOf(operation: Operation, material: Material): fc.Arbitrary<HostileRequest> {
  const { method, path, definition } = operation;
  const schema = definition.requestBody?.content?.['application/json']?.schema;
  const value = schema === undefined ? fc.constant(undefined) : fromSchema(schema, material.known);
  const own = material.ids.get(definition.tags[0]) ?? [];
  const id = fc.constantFrom(...(own.length > 0 ? own : [NO_RECORD]));
  const good = fc.tuple(value, id).map(([draft, record]): HostileRequest => {
    const url = addressOf(operation, record);
    const body = addressed(schema, draft, record);
    return { how: 'in order', method, url, headers: body === undefined ? {} : JSON_TYPE, payload: bytesOf(body) };
  });
  const wrong: fc.Arbitrary<HostileRequest>[] = [
    ...(schema === undefined ? [withBody(good)] : Array<fc.Arbitrary<HostileRequest>>(5).fill(wrongBody(good, value))),
    ...(path.includes('{') ? [wrongAddress(good, path)] : []),
    wrongQuery(good, definition, material),
    change(good, fc.constantFrom(...HOSTILE_HEADERS), 'a header', (request, headers) => ({
      headers: { ...request.headers, ...headers },
    })),
    change(
      good,
      fc.constantFrom('GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'),
      'a method',
      (_, other) => ({
        method: other,
      }),
    ),
  ];
  return fc.oneof({ weight: 2, arbitrary: good }, ...wrong.map((arbitrary) => ({ weight: 1, arbitrary })));
}

/** Of JSON:API, what a document says of the record of its address: its type and its id. */
function addressed(schema: AnySchema, draft: unknown, record: string): unknown {
  const { data } = schema?.properties ?? {};
  const type = data?.properties?.type?.examples?.[0];
  if (type === undefined) return draft;
  const { id: _, ...given } = (draft as { readonly data: { readonly id?: string } }).data;
  return { ...(draft as object), data: { ...given, type, ...(data.required.includes('id') ? { id: record } : {}) } };
}

/** Where a body has its fields: of JSON:API, deep inside. */
function fieldsOf(schema: AnySchema): { readonly at: readonly string[]; readonly properties: AnySchema } {
  const attributes = schema.properties?.data?.properties?.attributes;
  return attributes === undefined
    ? { at: [], properties: schema.properties ?? {} }
    : { at: ['data', 'attributes'], properties: attributes.properties };
}

/** A value with another in the place of what it has there. */
function withAt(value: unknown, [first, ...rest]: readonly string[], put: object): object {
  const object = (value ?? {}) as Readonly<Record<string, unknown>>;
  return first === undefined ? { ...object, ...put } : { ...object, [first]: withAt(object[first], rest, put) };
}

/**
 * A request for each field that a body may have and each value that its type lets through, or nearly: otherwise in order,
 * so that it gets as far as it can.
 */
export function directHits(operation: Operation, material: Material, seed: number): readonly HostileRequest[] {
  const { method, definition } = operation;
  const schema = definition.requestBody?.content?.['application/json']?.schema;
  if (schema === undefined) return [];
  const ids = material.ids.get(definition.tags[0]) ?? [NO_RECORD];
  const { at, properties } = fieldsOf(schema);
  return Object.entries<AnySchema>(properties).flatMap(([name, of], field) => {
    // An update is read by the same code: half of them are enough there.
    const raws = rawValuesFor(of.anyOf?.[0] ?? of).filter((_, index) => method === 'POST' || index % 2 === field % 2);
    const bodies = fc.sample(fromSchema(schema, material.known), { numRuns: raws.length, seed: seed + field });
    return raws.map((raw, index): HostileRequest => {
      const id = ids[index % ids.length] ?? NO_RECORD;
      const marked = JSON.stringify(withAt(addressed(schema, bodies[index], id), at, { [name]: MARK }));
      return {
        how: `a value for ${name}`,
        method,
        url: addressOf(operation, id),
        headers: JSON_TYPE,
        payload: Buffer.from(marked.replace(`"${MARK}"`, () => raw)),
      };
    });
  });
}

/** What comes close to a value of a schema. */
function rawValuesFor(schema: AnySchema): readonly string[] {
  const quoted = (texts: readonly string[]) => texts.map((text) => JSON.stringify(text));
  if (schema.enum !== undefined || schema.pattern?.includes('0-9a-f')) return [];
  if (schema.type === undefined) return [...RAW_VALUES, ...quoted(AWKWARD_TEXTS)];
  if (schema.type === 'string') return quoted(schema.format?.startsWith('date') ? EDGES_OF_TIME : AWKWARD_TEXTS);
  return schema.type === 'integer' || schema.type === 'number'
    ? RAW_VALUES.filter((raw) => /\d/.test(raw) && raw.length < 40)
    : [];
}

function change<T>(
  requests: fc.Arbitrary<HostileRequest>,
  by: fc.Arbitrary<T>,
  how: string,
  changed: (request: HostileRequest, by: T) => Partial<HostileRequest>,
): fc.Arbitrary<HostileRequest> {
  return fc.tuple(requests, by).map(([request, with_]) => ({ ...request, how, ...changed(request, with_) }));
}

function bytesOf(body: unknown): Buffer | null {
  return body === undefined ? null : Buffer.from(JSON.stringify(body));
}

/** A body where none belongs. */
function withBody(good: fc.Arbitrary<HostileRequest>): fc.Arbitrary<HostileRequest> {
  const bodies = fc.constantFrom('', '{}', 'null', '[1]', '{"id":1}', ...RAW_VALUES);
  return change(good, bodies, 'a body', (_, text) => ({ headers: JSON_TYPE, payload: Buffer.from(text) }));
}

function wrongAddress(good: fc.Arbitrary<HostileRequest>, path: string): fc.Arbitrary<HostileRequest> {
  const segments = fc.oneof(
    fc.constantFrom(...HOSTILE_SEGMENTS),
    fc.string({ unit: 'binary' }).map((text) => encodeURIComponent(toUSVString(text))),
  );
  return change(good, segments, 'an id', (_, segment) => ({ url: path.replaceAll(/\{\w+\}/g, () => segment) }));
}

function wrongQuery(
  good: fc.Arbitrary<HostileRequest>,
  definition: AnySchema,
  { ids, cursors }: Material,
): fc.Arbitrary<HostileRequest> {
  const names = (definition.parameters ?? [])
    .filter((parameter: AnySchema) => parameter.in === 'query')
    .map((parameter: AnySchema) => String(parameter.name));
  const plausible = ['2026-03-01', '2026-03-01T10:00:00Z', 'true', 'false', '1', '-1.5', 'a,b', 'MALE', 'red'];
  const values = fc.constantFrom(
    ...plausible,
    ...[...ids.values()].flatMap(([first]) => first ?? []),
    ...NAUGHTY_TEXTS,
  );
  const pair = fc
    .tuple(fc.constantFrom('limit', ...names), values)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(toUSVString(value))}`);
  const queries = fc.oneof(
    fc.constantFrom(...HOSTILE_QUERIES),
    ...(names.length > 0 ? [fc.array(pair, { minLength: 1, maxLength: 4 }).map((pairs) => pairs.join('&'))] : []),
    ...(cursors.length > 0 ? [tamperedCursors(cursors, names.includes('page[after]') ? 'page[after]' : 'cursor')] : []),
  );
  return change(good, queries, 'a query', ({ url }, query) => ({ url: `${url}?${query}` }));
}

/** A cursor with one of its parts replaced, or a character. */
function tamperedCursors(cursors: readonly string[], parameter: string): fc.Arbitrary<string> {
  const parts = fc.oneof(
    fc.constantFrom<unknown>(null, -1, 1e308, true, '', {}, [], '-id', '01900000-0000-7000-8000-000000000000'),
    fc.constantFrom(...NAUGHTY_TEXTS),
  );
  return fc.tuple(fc.constantFrom(...cursors), fc.nat(2), parts, fc.boolean()).map(([cursor, at, part, sorted]) => {
    const read = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    read[at] = part;
    const order = sorted ? `sort=${encodeURIComponent(toUSVString(String(read[0])))}&` : '';
    return `${order}${parameter}=${Buffer.from(JSON.stringify(read)).toString('base64url')}`;
  });
}

/** A body that is wrong in one place: in its values, in its keys, as text, as bytes, or in what is said of it. */
function wrongBody(good: fc.Arbitrary<HostileRequest>, value: fc.Arbitrary<unknown>): fc.Arbitrary<HostileRequest> {
  const text = fc.oneof(
    { weight: 3, arbitrary: replaced(value, fc.constantFrom(...RAW_VALUES), 'a raw value') },
    replaced(
      value,
      fc.constantFrom(...NAUGHTY_TEXTS).map((each) => JSON.stringify(each)),
      'a text',
    ),
    replaced(
      value,
      fc.jsonValue({ maxDepth: 4 }).map((each) => JSON.stringify(each)),
      'a value',
    ),
    withKey(value),
    withoutKey(value),
    fc.tuple(value, fc.constantFrom(...WHOLE)).map(([body, whole]) => ({
      how: 'a text as a whole',
      text: whole(JSON.stringify(body)),
    })),
  );
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.tuple(good, text).map(([request, { how, text: sent }]) => ({
        ...request,
        how,
        payload: Buffer.from(sent),
      })),
    },
    { weight: 1, arbitrary: change(good, fc.constantFrom(...BAD_UTF8), 'bytes that are no UTF-8', badBytes) },
    {
      weight: 1,
      arbitrary: change(good, fc.constantFrom(...HOSTILE_TYPES), 'a content type', (request, headers) => ({
        headers: { ...request.headers, ...headers },
      })),
    },
  );
}

function badBytes({ payload }: HostileRequest, bytes: readonly number[]): Partial<HostileRequest> {
  const text = payload ?? Buffer.from('{"a":"b"}');
  // Inside of the last text that the body has, where a lenient decoder would write U+FFFD.
  const at = Math.max(text.lastIndexOf('"'), 0);
  return { payload: Buffer.concat([text.subarray(0, at), Buffer.from(bytes), text.subarray(at)]) };
}
