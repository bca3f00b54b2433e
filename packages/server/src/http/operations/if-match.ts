import type { FastifyRequest } from 'fastify';
import { Type } from '../../input/json-schema.js';

/** The header of what changes a record. */
export const ifMatch = Type.Object({
  'if-match': Type.Optional(Type.String({ description: 'The ETag that you have seen: refused if it is another now.' })),
});

/**
 * The versions of which the caller has seen one, by If-Match (RFC 9110 §13.1.1): null where any will do. What is no ETag
 * of ours matches nothing.
 */
export function versionsSeen(request: FastifyRequest): readonly number[] | null {
  const header = request.headers['if-match'];
  if (header === undefined || header.trim() === '*') return null;
  return [...header.matchAll(/(?<=^|,)\s*"(\d{1,9})"\s*(?=,|$)/g)].map(([, version]) => Number(version));
}
