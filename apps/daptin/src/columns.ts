import {
  boolean,
  choice,
  date,
  type Field,
  type FieldOptions,
  instant,
  integer,
  json,
  number,
  text,
} from '@ostiary/policy';
import { type Place, wrong } from './place.js';

/** What a declaration may say of a column of each kind, beside `name`, `kind`, `says` and `optional`. */
const OPTIONS = {
  text: ['unique', 'default', 'minLength', 'maxLength', 'format'],
  integer: ['unique', 'default', 'minimum', 'maximum'],
  number: ['default', 'minimum', 'maximum'],
  boolean: ['default'],
  instant: [],
  date: [],
  choice: ['default', 'choices'],
  json: [],
} as const satisfies Readonly<Record<string, readonly string[]>>;
type Kind = keyof typeof OPTIONS;

const MAKE: Readonly<Record<Exclude<Kind, 'choice'>, (options: FieldOptions) => Field>> = {
  text,
  integer,
  number,
  boolean,
  instant,
  date,
  json,
};

type Given = Readonly<Record<string, unknown>>;

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '' && value.length <= 1_000;
const isCount = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 1_000_000;
const isTrue = (value: unknown): boolean => typeof value === 'boolean';
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value);

/** What an option has to be, and how that is said. */
const FITS: Readonly<Record<string, readonly [fits: (value: unknown) => boolean, what: string]>> = {
  says: [isText, 'a text'],
  optional: [isTrue, 'true or false'],
  unique: [isTrue, 'true or false'],
  minLength: [isCount, 'a count'],
  maxLength: [isCount, 'a count'],
  minimum: [isNumber, 'a number'],
  maximum: [isNumber, 'a number'],
  format: [(value) => value === 'email' || value === 'uri', "'email' or 'uri'"],
  choices: [
    (value) => Array.isArray(value) && value.length > 0 && value.every(isText) && new Set(value).size === value.length,
    'a list of different texts',
  ],
};

/**
 * A column of a declaration as a field.
 * @param at its place
 * @throws DeclarationError
 */
export function fieldOfColumn(at: Place, { name: _, kind, ...options }: Given): Field {
  if (typeof kind !== 'string' || !Object.hasOwn(OPTIONS, kind)) {
    wrong(at, ` has no kind, but one of ${Object.keys(OPTIONS).join(', ')}`, 'kind');
  }
  const known: readonly string[] = ['says', 'optional', ...OPTIONS[kind as Kind]];
  for (const [option, value] of Object.entries(options)) {
    if (!known.includes(option))
      wrong(at, `: ${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind} has no '${option}', but ${known.join(', ')}`, option);
    const [fits, what] = FITS[option] ?? [(given: unknown) => isDefault(kind as Kind, options, given), 'of its kind'];
    if (!fits(value)) wrong(at, `: '${option}' is not ${what}`, option);
  }
  const { minLength, maxLength, minimum, maximum, choices } = options as FieldOptions & { choices?: readonly string[] };
  if (Number(minLength) > Number(maxLength) || Number(minimum) > Number(maximum)) {
    wrong(at, ': its least is more than its most');
  }
  if (isBeyond(options as FieldOptions)) wrong(at, ": 'default' is not within its limits", 'default');
  if (kind !== 'choice') return MAKE[kind as Exclude<Kind, 'choice'>](options as FieldOptions);
  if (choices === undefined) wrong(at, ": a choice needs 'choices'");
  return choice(choices, options as FieldOptions);
}

function isBeyond({ default: value, minLength, maxLength, minimum, maximum }: FieldOptions): boolean {
  if (typeof value === 'number') return value < Number(minimum) || value > Number(maximum);
  // As JSON Schema counts: by code points.
  const length = typeof value === 'string' ? [...value].length : Number.NaN;
  return length < Number(minLength) || length > Number(maxLength);
}

function isDefault(kind: Kind, options: Given, value: unknown): boolean {
  if (kind === 'boolean') return isTrue(value);
  if (kind === 'choice') return Array.isArray(options.choices) && options.choices.includes(value);
  if (kind === 'text') return typeof value === 'string' && options.unique !== true;
  return isNumber(value) && (kind === 'number' || Number.isInteger(value)) && options.unique !== true;
}
