import { Problem } from '@ostiary/server';

export type Values = Readonly<Record<string, unknown>>;

/** What a value of an outcome names: an input, a field of what an earlier outcome gave, or nothing. */
export type Named =
  | { readonly input: string }
  | { readonly reference: string; readonly field: string }
  | { readonly literal: unknown };

/**
 * Reads one value. A text that begins with ~ is an input, and one that begins with $ is of an earlier outcome; ~~ and ~$
 * stand for texts that begin so. Nothing is put together or computed.
 * @returns null for a text that begins so, and names nothing
 */
export function namedBy(value: unknown): Named | null {
  if (typeof value !== 'string' || !/^[~$]/.test(value)) return { literal: value };
  if (/^~[~$]/.test(value)) return { literal: value.slice(1) };
  const [, input] = /^~([A-Za-z]\w*)$/.exec(value) ?? [];
  if (input !== undefined) return { input };
  const [, reference, field] = /^\$([A-Za-z]\w*)\.([A-Za-z]\w*)$/.exec(value) ?? [];
  return reference === undefined || field === undefined ? null : { reference, field };
}

/** Every value in a template, with its place in it as a JSON Pointer. */
export function* leavesOf(template: unknown, at = ''): Generator<readonly [pointer: string, value: unknown]> {
  if (typeof template !== 'object' || template === null) yield [at, template];
  else for (const [key, value] of Object.entries(template)) yield* leavesOf(value, `${at}/${key}`);
}

/** What is known while outcomes run. */
export interface Known {
  readonly inputs: ReadonlyMap<string, unknown>;
  /** What outcomes gave, by their names. */
  readonly results: ReadonlyMap<string, Values>;
}

/** The value that a template stands for; undefined for an input that was not given. */
export function filled(template: unknown, known: Known): unknown {
  if (Array.isArray(template)) return template.map((each) => filled(each, known)).filter((each) => each !== undefined);
  if (typeof template === 'object' && template !== null) return filledObject(template as Values, known);
  const named = namedBy(template);
  if (named === null) throw new TypeError(`'${String(template)}' names nothing`);
  if ('literal' in named) return named.literal;
  if ('input' in named) return known.inputs.get(named.input);
  const result = known.results.get(named.reference);
  if (result === undefined || !Object.hasOwn(result, named.field)) {
    throw new Problem('conflict', {
      detail: `You may not know '${named.field}' of '${named.reference}', which is needed.`,
    });
  }
  return result[named.field];
}

/** The same of an object, without what was not given. */
export function filledObject(template: Values, known: Known): Values {
  const entries = Object.entries(template).map(([key, value]) => [key, filled(value, known)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
