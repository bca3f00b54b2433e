import type { Context } from '../context.js';
import { createSchema } from './schemas.js';
import { validationProblem, validatorFor } from './validation.js';

/**
 * Checks the values of a new record as a request's body would be.
 * @throws Problem `invalid_input`, with what is wrong where
 */
export function requireValid(context: Context, type: string, values: Readonly<Record<string, unknown>>): void {
  const validate = validatorFor(createSchema(context.policy.model, type));
  if (!validate(values)) throw validationProblem(validate.errors ?? []);
}
