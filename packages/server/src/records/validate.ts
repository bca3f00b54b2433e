import type { Context } from '../context.js';
import { toProblem } from '../http/problem-reply.js';
import { validatorCompiler } from '../http/validation.js';
import { createSchema } from './schemas.js';

/**
 * Checks the values of a new record as a request's body would be.
 * @throws Problem `invalid_input`, with what is wrong where
 */
export function requireValid(context: Context, type: string, values: Readonly<Record<string, unknown>>): void {
  const schema = createSchema(context.policy.model, type);
  const validate = validatorCompiler({ schema, method: 'POST', url: type, httpPart: 'body' });
  if (validate(values) !== true) throw toProblem({ validation: validate.errors });
}
