import type { Model, Policy } from '@ostiary/policy';
import { createSchema, updateSchema } from './schemas.js';
import { type Validator, validationProblem, validatorFor } from './validation.js';

type Schema = typeof createSchema;

/** A context, of which no more than the model is asked. */
interface Modelled {
  readonly policy: Policy;
}

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
export function requireValid(of: Modelled, type: string, values: Readonly<Record<string, unknown>>): void {
  requireFit(of, type, values, createSchema);
}

/**
 * Checks changes of a record as a request's body would be.
 * @throws Problem `invalid_input`, with what is wrong where
 */
export function requireValidChanges(of: Modelled, type: string, values: Readonly<Record<string, unknown>>): void {
  requireFit(of, type, values, updateSchema);
}

function requireFit(of: Modelled, type: string, values: Readonly<Record<string, unknown>>, schema: Schema): void {
  const validate = validatorOf(of.policy.model, type, schema);
  if (!validate(values)) throw validationProblem(validate.errors ?? []);
}
