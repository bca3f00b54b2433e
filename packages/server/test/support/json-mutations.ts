import fc from 'fast-check';
import { STRANGE_KEYS } from './naughty.js';

// A value of JSON that is wrong in one place, as text: what no value says can be said there.

interface Mutation {
  /** What is wrong with it, in a word. */
  readonly how: string;
  readonly text: string;
}

/** What can be done to a whole text. */
export const WHOLE: readonly ((text: string) => string)[] = [
  () => '',
  () => ' \n',
  () => 'null',
  () => '[]',
  () => '"text"',
  () => '0',
  (text) => `[${text}]`,
  (text) => text.slice(0, -1),
  (text) => text.slice(0, text.length / 2),
  (text) => `${text}${text}`,
  (text) => `${text},`,
  (text) => `\ufeff${text}`,
  (text) => `)]}',\n${text}`,
  (text) => `${text}\0`,
  (text) => ` ${text} `,
  (text) => text.replaceAll('"', "'"),
  (text) => `${text}${' '.repeat(1_100_000)}`,
  (text) => JSON.stringify(text),
];

/** Stands where other text belongs, until the rest is written. */
export const MARK = '\u{f8ff}the place\u{f8ff}';

/** A value with another in one of its places. */
export function replaced(value: fc.Arbitrary<unknown>, raw: fc.Arbitrary<string>, how: string): fc.Arbitrary<Mutation> {
  return fc.tuple(value, fc.nat(), raw).map(([body, index, text]) => {
    const places = placesOf(body);
    const marked = setAt(body, places[index % places.length] ?? [], MARK);
    return { how, text: JSON.stringify(marked).replace(`"${MARK}"`, () => text) };
  });
}

/** A value with a key too many in one of its objects; one that is there already is there twice then. */
export function withKey(value: fc.Arbitrary<unknown>): fc.Arbitrary<Mutation> {
  const extra = fc.constantFrom('1', 'null', '{}', '"x"', '{"x":1}');
  return fc
    .tuple(value, fc.nat(), fc.option(fc.constantFrom(...STRANGE_KEYS), { freq: 3 }), extra)
    .map(([body, index, key, text]) => {
      const objects = placesOf(body).filter((place) => isObject(getAt(body, place)));
      const place = objects[index % objects.length] ?? [];
      const object = getAt(body, place) as object;
      const name = key ?? Object.keys(object)[0] ?? '__proto__';
      const inside = JSON.stringify(object).slice(1);
      const written = `{${JSON.stringify(name)}:${text}${inside === '}' ? '' : ','}${inside}`;
      const marked = JSON.stringify(setAt(body, place, MARK)).replace(`"${MARK}"`, () => written);
      return { how: key === null ? 'a key twice' : 'a key too many', text: marked };
    });
}

/** A value without one of its keys. */
export function withoutKey(value: fc.Arbitrary<unknown>): fc.Arbitrary<Mutation> {
  return fc.tuple(value, fc.nat()).map(([body, index]) => {
    const keys = isObject(body) ? Object.keys(body as object) : [];
    const left = { ...(body as object) } as Record<string, unknown>;
    delete left[keys[index % Math.max(keys.length, 1)] ?? ''];
    return { how: 'a key too few', text: JSON.stringify(left) };
  });
}

type Place = readonly (string | number)[];

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every place in a value: the whole, its members, theirs. */
function placesOf(value: unknown): readonly Place[] {
  if (typeof value !== 'object' || value === null) return [[]];
  const keys: readonly (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [[], ...keys.flatMap((key) => placesOf(getAt(value, [key])).map((place) => [key, ...place]))];
}

function getAt(value: unknown, place: Place): unknown {
  return place.reduce((at, key) => (at as Record<string | number, unknown>)[key], value);
}

function setAt(value: unknown, [key, ...rest]: Place, to: unknown): unknown {
  if (key === undefined) return to;
  const inner = setAt(getAt(value, [key]), rest, to);
  if (Array.isArray(value)) return value.map((each, index) => (index === key ? inner : each));
  return Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, name === key ? inner : each]));
}
