import type { FastifyRequest } from 'fastify';
import { readId } from '../input/ids.js';

/** An id that no record has: what is not an id names no record, and is answered like one that isn't there. */
const NO_RECORD = '00000000-0000-0000-0000-000000000000';

/** The id in the address of a request about one record. */
export function recordIdOf(request: FastifyRequest): string {
  return readIdOrNone((request.params as { readonly id: string }).id);
}

export function readIdOrNone(text: string): string {
  return readId(text) ?? NO_RECORD;
}
