import { type JsonSchema, Problem, Type } from '@ostiary/server';
import type { Values } from './templates.js';

const KINDS = ['text', 'integer', 'number', 'boolean', 'json'] as const;
const LONGEST = 10_000;

/** One input of an action. */
export interface InField {
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  readonly required?: boolean;
  readonly says?: string;
  /** Done to a text first, in this order. */
  readonly conformations?: readonly ('trim' | 'lowercase')[];
  /** What holds of a text then. */
  readonly validations?: {
    readonly email?: true;
    readonly minLength?: number;
    readonly maxLength?: number;
    /** It is the same as another input. */
    readonly equals?: string;
  };
}

/** What an action calls something: an input, or what an outcome gave. */
export const nameSchema = Type.String({
  pattern: '^[A-Za-z][A-Za-z0-9_]{0,62}$',
  description: 'Letters, digits and _, at most 63.',
});
const closed = { additionalProperties: false };
const length = Type.Optional(Type.Integer({ minimum: 0, maximum: LONGEST }));

/** How `in_fields` is written. */
export const IN_FIELDS: JsonSchema = Type.Array(
  Type.Object(
    {
      name: nameSchema,
      kind: Type.Enum(KINDS),
      required: Type.Optional(Type.Boolean()),
      says: Type.Optional(Type.String({ maxLength: 500 })),
      conformations: Type.Optional(Type.Array(Type.Enum(['trim', 'lowercase']), { maxItems: 2 })),
      validations: Type.Optional(
        Type.Object(
          {
            email: Type.Optional(Type.Enum([true] as unknown as string[])),
            minLength: length,
            maxLength: length,
            equals: Type.Optional(nameSchema),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
  { maxItems: 100 },
);

const FITS: Readonly<Record<InField['kind'], (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  json: () => true,
};

/**
 * The inputs of a request, as the fields of an action take them. Null is as good as left out.
 * @param more names that are taken beside the fields: what they are is another's business
 * @throws Problem `invalid_input`, with every place where something is wrong
 */
export function readInputs(
  fields: readonly InField[],
  attributes: Values,
  more: readonly string[],
): ReadonlyMap<string, unknown> {
  const inputs = new Map<string, unknown>();
  const errors: { pointer: string; message: string }[] = [];
  const wrong = (at: string, message: string) => errors.push({ pointer: `/attributes/${at}`, message });
  for (const each of Object.keys(attributes)) {
    if (!more.includes(each) && !fields.some((field) => field.name === each)) wrong(each, 'is not known here');
  }
  for (const field of fields) {
    const given = Object.hasOwn(attributes, field.name) ? attributes[field.name] : null;
    if (given === null && field.required === true) wrong(field.name, 'is missing');
    if (given === null) continue;
    if (!FITS[field.kind](given)) wrong(field.name, `must be ${field.kind}`);
    else inputs.set(field.name, conformed(field, given));
  }
  for (const field of fields) {
    const message = inputs.has(field.name) ? problemOf(field, inputs) : null;
    if (message !== null) wrong(field.name, message);
  }
  if (errors.length > 0) throw new Problem('invalid_input', { errors });
  return inputs;
}

function conformed({ conformations = [] }: InField, given: unknown): unknown {
  if (typeof given !== 'string') return given;
  return conformations.reduce((text, how) => (how === 'trim' ? text.trim() : text.toLowerCase()), given);
}

function problemOf({ name: own, validations = {} }: InField, inputs: ReadonlyMap<string, unknown>): string | null {
  const value = inputs.get(own);
  const { email, minLength = 0, maxLength = LONGEST, equals } = validations;
  if (equals !== undefined && value !== inputs.get(equals)) return `must be the same as ${equals}`;
  if (typeof value !== 'string') return null;
  // As the database counts them.
  const { length } = [...value];
  if (length < minLength) return `must have at least ${minLength} characters`;
  if (length > maxLength) return `must have at most ${maxLength} characters`;
  if (email && (length > 254 || !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value))) return 'must be an e-mail address';
  return null;
}
