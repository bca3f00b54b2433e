import type { FastifySchemaCompiler } from 'fastify';
import { validatorFor } from '../input/validation.js';

/** Makes what checks a route's body, parameters or query. */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema }) => validatorFor(schema);
