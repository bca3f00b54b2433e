import type { FastifyReply } from 'fastify';
import { MEDIA_TYPE } from '../../json-api/media-type.js';

/** Answers with a document. Its media type has no parameters: a charset would be one that no client has to know. */
export function sendDocument(reply: FastifyReply, document: object): FastifyReply {
  return reply
    .type(MEDIA_TYPE)
    .serializer((data: unknown) => JSON.stringify(data))
    .send(document);
}
