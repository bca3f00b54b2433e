import type { Field, Model } from '@ostiary/policy';
import type { Application } from '../application/application.js';
import { valueSchema } from '../input/schemas.js';
import { requireSchema, validationProblem, validatorFor } from '../input/validation.js';
import { ApplicationError } from './error.js';

/** Those that were found right: with each type that is declared, all of the application are checked again. */
const right = new WeakSet<Field>();

/**
 * Checks the schemas that an application brings along, and its defaults: a schema is compiled with the first request
 * that needs it, which is late for learning that it is none.
 * @throws ApplicationError with the place
 */
export function requireValues({ policy: { model }, actions = [], commands = [] }: Application): void {
  for (const [place, field] of fieldsOf(model)) {
    if (right.has(field)) continue;
    requireField(place, field);
    right.add(field);
  }
  for (const [index, { input }] of actions.entries()) compiled(`actions[${index}].input`, input);
  for (const [index, { params, input }] of commands.entries()) {
    compiled(`commands[${index}].params`, params);
    compiled(`commands[${index}].input`, input);
  }
}

function requireField(place: string, field: Field): void {
  const { pattern, schema, default: value } = field;
  if (pattern === undefined && schema === undefined && value === undefined) return;
  const validate = compiled(place, valueSchema(field));
  if (value === undefined || validate(value)) return;
  const [wrong] = validationProblem(validate.errors ?? []).details.errors ?? [];
  throw new ApplicationError(`application.${place}.default ${wrong?.message}`);
}

function fieldsOf(model: Model): readonly (readonly [string, Field])[] {
  return Object.entries(model.resources).flatMap(([type, { fields }]) =>
    Object.entries(fields).map(([name, field]) => [`policy.model.resources.${type}.fields.${name}`, field] as const),
  );
}

function compiled(place: string, schema: object): ReturnType<typeof validatorFor> {
  const validate = validatorFor(schema);
  try {
    requireSchema(schema);
    validate(null);
  } catch (cause) {
    throw new ApplicationError(`application.${place}: ${(cause as Error).message}`, { cause });
  }
  return validate;
}
