import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Problem, type ProblemDetails } from '../problems.js';
import type { JsonSchema } from './json-schema.js';

/** Values are taken as they are, never bent into a type; fields that are not known are refused, never dropped. */
const ajv = new Ajv2020({
  strict: false,
  allErrors: false,
  coerceTypes: false,
  removeAdditional: false,
  useDefaults: false,
  // Compiling is most of what a schema costs. Most are our own; what an application brings is checked by `requireSchema`.
  validateSchema: false,
  code: { optimize: false },
  // With the schema that was not met, which says what a missing part would have to hold.
  verbose: true,
});
(formats as unknown as (ajv: Ajv2020) => void)(ajv);

/** Checks a value against a schema, and remembers what was wrong with the last one. */
export interface Validator {
  (value: unknown): boolean;
  errors: ErrorObject[] | null;
}

/** Makes what checks values against a schema. Compiled with the first one: there are many routes. */
export function validatorFor(schema: object): Validator {
  let compiled: ValidateFunction | undefined;
  const validate: Validator = (value) => {
    if (compiled === undefined) {
      compiled = ajv.compile(schema);
      // It would keep every schema that it ever saw, and those of declared types come and go.
      ajv.removeSchema(schema);
    }
    const valid = compiled(value);
    validate.errors = compiled.errors ?? null;
    return valid;
  };
  validate.errors = null;
  return validate;
}

/**
 * Checks that a schema is one (JSON Schema 2020-12).
 * @throws Error with the place in it
 */
export function requireSchema(schema: object): void {
  ajv.validateSchema(schema, true);
}

interface ValidationFailure {
  readonly instancePath: string;
  readonly keyword?: string;
  readonly message?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly parentSchema?: object;
}

const PARTS: Readonly<Record<string, ProblemDetails['part']>> = { querystring: 'parameter', headers: 'header' };

/**
 * What a schema found wrong, as a problem that names each place.
 * @param within what of a request it was held against, as the framework calls it: `querystring`
 */
export function validationProblem(failures: readonly ValidationFailure[], within = 'body'): Problem {
  const part = PARTS[within];
  return new Problem('invalid_input', { ...(part ? { part } : {}), errors: telling(failures).map(failure) });
}

/** Without what only says that none of the alternatives fits, null among them: the others say why. */
function telling(validation: readonly ValidationFailure[]): readonly ValidationFailure[] {
  const found = validation.filter(
    ({ keyword, params }) => keyword !== 'anyOf' && !(keyword === 'type' && params?.type === 'null'),
  );
  return found.length > 0 ? found : validation;
}

/** Where the validator's own words tell too little. */
const WORDS: Readonly<Record<string, (params: Readonly<Record<string, unknown>>, schema?: JsonSchema) => string>> = {
  // A regular expression is for programs.
  pattern: (_, { description, examples } = {}) =>
    description !== undefined
      ? `is not as it should be: ${description}`
      : Array.isArray(examples)
        ? `is not written as in '${examples[0]}'`
        : 'is not of the form that the documentation shows',
  additionalProperties: () => 'is not known here',
  required: ({ holds }) => (holds === undefined ? 'is missing' : `is missing, with ${holds}`),
  enum: ({ allowedValues }) => `must be one of ${(allowedValues as readonly unknown[]).join(', ')}`,
  not: () => 'holds what cannot be stored',
  minimum: ({ limit }) => `must be at least ${limit}`,
  maximum: ({ limit }) => `must be at most ${limit}`,
  minLength: ({ limit }) => `must have at least ${counted(limit, 'character')}`,
  maxLength: ({ limit }) => `must have at most ${counted(limit, 'character')}`,
  minItems: ({ limit }) => `must have at least ${counted(limit, 'item')}`,
  maxItems: ({ limit }) => `must have at most ${counted(limit, 'item')}`,
};

const counted = (limit: unknown, what: string): string => `${limit} ${what}${limit === 1 ? '' : 's'}`;

function failure({ instancePath, keyword, message, params, parentSchema }: ValidationFailure) {
  const extra = params?.additionalProperty ?? params?.missingProperty;
  const pointer = extra === undefined ? instancePath : `${instancePath}/${String(extra)}`;
  const words = WORDS[keyword ?? '']?.(
    { ...params, holds: requiredIn(parentSchema, extra) },
    parentSchema as JsonSchema,
  );
  return { pointer, message: words ?? message ?? 'is not valid' };
}

/** What a part has to hold, by the schema of the whole. */
function requiredIn(whole: object | undefined, part: unknown): string | undefined {
  const { properties = {} } = (whole ?? {}) as { readonly properties?: Readonly<Record<string, JsonSchema>> };
  const required: unknown = properties[String(part)]?.required;
  return Array.isArray(required) ? required.join(', ') : undefined;
}
