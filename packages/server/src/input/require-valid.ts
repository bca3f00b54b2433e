import type { Model } from '@ostiary/policy';
import type { Context } from '../application/context.js';
import { createSchema, updateSchema } from './schemas.js';
import { type Validator, validationProblem, validatorFor } from './validation.js';

type Schema = typeof createSchema;

/** Made once: compiling takes long, and is remembered for as long as the program runs. */
const known = new WeakMap<Model, Map<string, Validator>>();

function validatorOf(model: Model, type: string, schema: Schema): Validator {
  const validators = known.get(model) ?? new Map<string, Validator>();
  known.set(model, validators);
  const key = `${schema.name} ${type}`;
  const validator = validators.get(key) ?? validatorFor(schema(model, type));
  validators.set(key, validator);
  return validator;
}

/**
 * Checks the values of a new record as a request's body would be.
 * @throws Problem `invalid_input`, with what is wrong where
 */
export function requireValid(context: Context, type: string, values: Readonly<Record<string, unknown>>): void {
  requireFit(context, type, values, createSchema);
}

/**
 * Checks changes of a record as a request's body would be.
 * @throws Problem `invalid_input`, with what is wrong where
 */
export function requireValidChanges(context: Context, type: string, values: Readonly<Record<string, unknown>>): void {
  requireFit(context, type, values, updateSchema);
}

function requireFit(context: Context, type: string, values: Readonly<Record<string, unknown>>, schema: Schema): void {
  const validate = validatorOf(context.policy.model, type, schema);
  if (!validate(values)) throw validationProblem(validate.errors ?? []);
}
