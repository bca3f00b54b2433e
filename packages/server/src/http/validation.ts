import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { FastifySchemaCompiler } from 'fastify';

/** Values are taken as they are, never bent into a type; fields that are not known are refused, never dropped. */
const ajv = new Ajv2020({
  strict: false,
  allErrors: false,
  coerceTypes: false,
  removeAdditional: false,
  useDefaults: false,
});
(formats as unknown as (ajv: Ajv2020) => void)(ajv);

/** Makes what checks a route's body, parameters or query. Compiled with the first request: there are many routes. */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema }) => {
  let compiled: ValidateFunction | undefined;
  const validate = (data: unknown): boolean => {
    compiled ??= ajv.compile(schema);
    const valid = compiled(data);
    validate.errors = compiled.errors ?? null;
    return valid;
  };
  validate.errors = null as ErrorObject[] | null;
  return validate;
};

/** So deep may a body be nested: what lies deeper overflows the stack of whatever walks it, PostgreSQL's too. */
const DEEPEST = 100;

/** Whether a body is nested too deep. It is walked level by level, so that this overflows nothing. */
export function isTooDeep(body: unknown): boolean {
  let level: readonly unknown[] = [body];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) return true;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return false;
}
