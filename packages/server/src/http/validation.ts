import { Ajv2020 } from 'ajv/dist/2020.js';
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

/** Compiles the schema of a route's body, parameters or query. */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema }) => ajv.compile(schema);
