import type { FastifySchemaCompiler } from 'fastify';
import { validatorFor } from '../validation.js';

/** Makes what checks a route's body, parameters or query. */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema }) => validatorFor(schema);

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
