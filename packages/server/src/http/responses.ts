import { type JsonSchema, Type } from '../input/json-schema.js';
import { MEDIA_TYPE } from '../json-api/media-type.js';
import { errorSchema } from '../json-api/schemas.js';
import { PROBLEMS } from '../problems.js';

/** A problem as the API's documentation shows it. */
export const problemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.Enum(Object.keys(PROBLEMS)),
    detail: Type.Optional(Type.String()),
    missing: Type.Optional(Type.Array(Type.String(), { description: 'The least that was missing for an allow.' })),
    decision: Type.Optional(Type.String({ description: "The decision's id, known to the audit trail." })),
    errors: Type.Optional(Type.Array(Type.Object({ pointer: Type.String(), message: Type.String() }))),
    requestId: Type.String(),
  },
  { description: 'RFC 9457' },
);

/** The same where problems are told as JSON:API's, as is all else but what commands answer. */
export function jsonApiAnswers(
  status: number,
  body: JsonSchema | null,
  media: string = MEDIA_TYPE,
): Record<string, object> {
  const error = (description: string) => ({ description, content: { [MEDIA_TYPE]: { schema: errorSchema } } });
  const { [status]: own } = answers(status, body, media);
  return { [status]: own ?? {}, '4xx': error('Refused, or not understood'), '5xx': error('Failed') };
}

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
});

/** The answers of a route: its own, and the problems that any route can answer with. */
export function answers(status: number, body: JsonSchema | null, media = 'application/json'): Record<string, object> {
  const own =
    body === null
      ? { description: 'Done', type: 'null' }
      : { description: 'Done', content: { [media]: { schema: body } } };
  return { [status]: own, '4xx': problem('Refused, or not understood'), '5xx': problem('Failed') };
}
