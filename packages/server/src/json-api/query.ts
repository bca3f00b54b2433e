import { type Model, resourceOf } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import { type JsonSchema, Type } from '../input/json-schema.js';
import { filterable } from '../input/schemas.js';
import { type ListQuery, MOST, readCursor, readLimit, readSort, readTest } from '../records/list-query.js';
import { wrongParameter } from './errors.js';
import { findRelationship, relationshipsOf } from './relationships.js';

/** The relationships whose records come along, each with those that come along with these. */
export type Inclusion = ReadonlyMap<string, Inclusion>;

/** What is asked for of records, whichever they are. */
export interface Shape {
  /** By type; of one that is not named, every field. */
  readonly fields: ReadonlyMap<string, ReadonlySet<string>>;
  readonly include: Inclusion;
}

/** All fields, and nothing beside. */
export const WHOLE: Shape = { fields: new Map(), include: new Map() };

/** A page of a list, as it is asked for. */
export interface Paging {
  readonly asked: ListQuery;
  /** Which page, from 1; null where it is asked for by what the page before ended with. */
  readonly number: number | null;
}

/** So long may the way to an included record be, and so many ways may be asked for. */
const DEEPEST = 3;
const MOST_WAYS = 20;
const DEFAULT_SIZE = 10;

const text = (description: string, more: JsonSchema = {}) =>
  Type.Optional(Type.String({ maxLength: 2_000, description, ...more }));

/** The query of what answers records of a type. */
export function shapeSchema(model: Model, type: string): JsonSchema {
  return Type.Object(shapes(model, type), { additionalProperties: false });
}

/** The query of a list of records of a type. */
export function listSchema(model: Model, type: string): JsonSchema {
  return Type.Object(
    { ...pages, sort, ...filters(model, type), ...shapes(model, type) },
    { additionalProperties: false },
  );
}

/** The query of a list of identifiers, which have nothing to sort or filter by. */
export const pageSchema = (): JsonSchema => Type.Object(pages, { additionalProperties: false });

const pages: Readonly<Record<string, JsonSchema>> = {
  'page[size]': text(`At most so many: 1 to ${MOST}, ${DEFAULT_SIZE} unless given.`, { pattern: '^[1-9][0-9]{0,2}$' }),
  'page[number]': text('Which page, from 1.', { pattern: '^[1-9][0-9]{0,8}$' }),
  'page[after]': text('In place of a number: where the page before ended, its `meta.after`; empty for the first.'),
};

const sort = text('Fields, separated by commas; with a minus in front descending.', {
  pattern: '^-?[A-Za-z][A-Za-z0-9_]*(,-?[A-Za-z][A-Za-z0-9_]*){0,3}$',
});

function filters(model: Model, type: string): Readonly<Record<string, JsonSchema>> {
  return Object.fromEntries(
    filterable(model, type).flatMap(({ name, field, operators }) => [
      [`filter[${name}]`, text(`${name} ${field.many ? 'has this element' : 'is'}`)],
      ...operators.map((operator) => [`filter[${name}][${operator}]`, text(`${name}: ${operator}`)] as const),
    ]),
  );
}

function shapes(model: Model, type: string): Readonly<Record<string, JsonSchema>> {
  const ways = relationshipsOf(model, type).map(({ name }) => name);
  return {
    ...(ways.length === 0 ? {} : { include: text(`Which records come along: of ${ways.join(', ')}, and theirs.`) }),
    ...Object.fromEntries(
      withinReach(model, type).map((each) => [
        `fields[${collectionOf(model, each)}]`,
        text('Which fields are told of those, separated by commas.'),
      ]),
    ),
  };
}

/** The types of what may be told along with records of a type. */
function withinReach(model: Model, type: string): readonly string[] {
  let reached: readonly string[] = [type];
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const further = reached.flatMap((each) => relationshipsOf(model, each).map(({ to }) => to));
    reached = [...new Set([...reached, ...further])];
  }
  return reached;
}

type Raw = Readonly<Record<string, string>>;

/**
 * Reads what a query, whose form its schema has checked, asks for of records.
 * @throws Problem `invalid_input`
 */
export function readShape(model: Model, type: string, raw: Raw): Shape {
  const fields = new Map<string, ReadonlySet<string>>();
  for (const each of withinReach(model, type)) {
    const parameter = `fields[${collectionOf(model, each)}]`;
    const given = raw[parameter];
    if (given === undefined) continue;
    const names = given.split(',').filter((name) => name !== '');
    const known = ['createdAt', 'updatedAt', ...relationshipsOf(model, each).map(({ name }) => name)];
    for (const name of names) {
      const isField = Object.hasOwn(resourceOf(model, each).fields, name) || known.includes(name);
      if (!isField) throw wrongParameter(parameter, `there is no field '${name}'`);
    }
    fields.set(each, new Set(names));
  }
  return { fields, include: readInclusion(model, type, raw.include ?? '') };
}

type Mutable = Map<string, Mutable>;

function readInclusion(model: Model, type: string, given: string): Inclusion {
  const wrong = (message: string) => wrongParameter('include', message);
  const root: Mutable = new Map();
  const ways = given.split(',').filter((way) => way !== '');
  if (ways.length > MOST_WAYS) throw wrong(`names more than ${MOST_WAYS} relationships`);
  for (const way of ways) {
    const steps = way.split('.');
    if (steps.length > DEEPEST) throw wrong(`'${way}' has more than ${DEEPEST} steps`);
    let [at, from] = [root, type];
    for (const step of steps) {
      const found = findRelationship(model, from, step);
      if (found === undefined) throw wrong(`'${way}': there is no relationship '${step}'`);
      const below: Mutable = at.get(step) ?? new Map();
      at.set(step, below);
      [at, from] = [below, found.to];
    }
  }
  return root;
}

/**
 * Reads which page of a list a query asks for.
 * @throws Problem `invalid_input`, `invalid_cursor`
 */
export function readPaging(model: Model, type: string, raw: Raw): Paging {
  const { 'page[size]': size, 'page[number]': page, 'page[after]': after, sort: order } = raw;
  const limit = size === undefined ? DEFAULT_SIZE : readLimit('page[size]', size);
  const [first, ...then] = order === undefined ? [] : order.split(',').map((key) => readSort(model, type, key));
  const tests = Object.entries(raw).flatMap(([name, value]) => {
    const [, field, operator] = /^filter\[([^\]]+)\](?:\[(\w+)\])?$/.exec(name) ?? [];
    return field === undefined ? [] : [readTest(model, type, name, field, operator, value)];
  });
  const asked = { limit, sort: first ?? null, view: null, tests };
  if (after === undefined) {
    const number = Number(page ?? 1);
    return { number, asked: { ...asked, then, after: null, offset: (number - 1) * limit } };
  }
  if (page !== undefined) throw wrongParameter('page[number]', 'goes without page[after]');
  if (then.length > 0) throw wrongParameter('sort', 'has more than one field, which does not go with page[after]');
  return { number: null, asked: { ...asked, after: after === '' ? null : readCursor(after, order ?? '') } };
}
