/**
 * The fields of a resource type. A field is plain data; its TypeScript type carries what its values are, so that a rule
 * which compares a date with a group does not compile.
 */

export type FieldKind =
  | 'text'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'instant'
  | 'date'
  | 'choice'
  | 'reference'
  | 'json';

export interface FieldOptions {
  /** One sentence for the API's documentation. */
  readonly says?: string;
  /** May be null, and left out. */
  readonly optional?: boolean;
  /** No two records have the same value. */
  readonly unique?: boolean;
  /** Written but never read: a password. Not stored with the record. */
  readonly secret?: boolean;
  /** A text that the server keeps encrypted, for its own use: written, and never read by anybody. Secret by that. */
  readonly encrypted?: boolean;
  /** Set when the record is created, and never again. */
  readonly fixed?: boolean;
  /** When the record that is referred to is deleted, the reference goes with it, rather than stand in the way. */
  readonly clears?: boolean;
  /** When the record that is referred to is deleted, this one is deleted with it. */
  readonly cascades?: boolean;
  /**
   * Filled in by the server when the record is created. 'principal': with the id of who creates it; never taken from the
   * caller. From the attribute of its resource type that `type` names: where the caller gives nothing.
   */
  readonly filled?: 'principal' | { readonly type: string };
  /** Of a field that is filled with who creates the record: an update may name another, as far as rules allow it. */
  readonly transfers?: boolean;
  /** The value where a create leaves the field out. */
  readonly default?: string | number | boolean | readonly string[];
  /** Limits of text and numbers, as in JSON Schema. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: 'email' | 'uri';
  /** JSON Schema of a `json` field. */
  readonly schema?: object;
}

declare const VALUE: unique symbol;

/** A field whose values, as a rule sees them, are of type `V`. */
export interface Field<V = unknown, To extends string | null = string | null, Many extends boolean = boolean>
  extends FieldOptions {
  readonly kind: FieldKind;
  readonly many: Many;
  readonly to: To;
  /** This reference leads to the scope that contains the record: roles there may imply roles here. */
  readonly parent?: boolean;
  readonly choices?: readonly string[];
  readonly [VALUE]?: V;
}

/** The id of a record of type `T`, as rules see it. */
export interface Id<T extends string> {
  readonly idOf: T;
}
/** A point in time: ISO 8601, UTC, milliseconds. */
export interface Instant {
  readonly instant: true;
}
/** A calendar date: `2026-03-01`. */
export interface CalendarDate {
  readonly date: true;
}
/** A value that no rule can look into. */
export interface Json {
  readonly json: true;
}

type Plain<V> = Field<V, null, false>;

const plain =
  <V>(kind: FieldKind) =>
  (options: FieldOptions = {}): Plain<V> => ({ ...options, kind, many: false, to: null });

export const text = (options: FieldOptions = {}): Plain<string> =>
  plain<string>('text')(options.encrypted ? { ...options, secret: true } : options);
/** A 32-bit integer. */
export const integer = plain<number>('integer');
/** A 64-bit floating point number. */
export const number = plain<number>('number');
export const boolean = plain<boolean>('boolean');
export const instant = plain<Instant>('instant');
export const date = plain<CalendarDate>('date');
export const json = plain<Json>('json');

/** One of a few words. */
export function choice<const C extends readonly string[]>(choices: C, options: FieldOptions = {}): Plain<C[number]> {
  return { ...plain<C[number]>('choice')(options), choices };
}

/** Several texts, as a set. */
export function texts(options: FieldOptions = {}): Field<readonly string[], null, true> {
  return { ...options, kind: 'text', many: true, to: null };
}

/** One record of another type. */
export function reference<const T extends string>(to: T, options: FieldOptions = {}): Field<Id<T>, T, false> {
  return { ...options, kind: 'reference', many: false, to };
}

/** Several records of another type, as a set. */
export function references<const T extends string>(
  to: T,
  options: FieldOptions = {},
): Field<readonly Id<T>[], T, true> {
  return { ...options, kind: 'reference', many: true, to };
}

/** The scope that contains the record: a project's site. Roles imply each other along it. */
export function parent<const T extends string>(to: T, options: FieldOptions = {}): Field<Id<T>, T, false> {
  return { ...reference(to, options), parent: true };
}

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether a text is a date that there was or will be, in the years from 1 to 9999. */
export function isDate(value: string): boolean {
  const [, year, month, day] = (DATE.exec(value) ?? []).map(Number);
  if (year === undefined || month === undefined || day === undefined || year === 0) return false;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day >= 1 && day <= (DAYS[month - 1] ?? 0) && (month !== 2 || day < 29 || leap);
}

/** Whether a text is an instant in the one form that compares as text: `2026-03-01T09:30:00.000Z`. */
export function isInstant(value: string): boolean {
  return isDate(value.slice(0, 10)) && /^T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/.test(value.slice(10));
}
