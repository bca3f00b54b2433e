import type { FastifyReply } from 'fastify';
import type { Root } from '../../application/addresses.js';
import type { Masked } from '../../application/records.js';
import { type JsonSchema, Type } from '../../input/json-schema.js';
import { type Asking, answerList, answerOne, readListing } from '../../json-api/answers.js';
import { placeOf, readChanges, readInput } from '../../json-api/body.js';
import { documentOf } from '../../json-api/document.js';
import { MEDIA_TYPE } from '../../json-api/media-type.js';
import { listSchema, readShape, type Shape, shapeSchema, WHOLE } from '../../json-api/query.js';
import type { Relationship } from '../../json-api/relationships.js';
import { answerDocument, createDocument, keptDocument, listDocument, updateDocument } from '../../json-api/schemas.js';
import { placed } from '../../problems.js';
import { readRecord } from '../../records/read.js';
import { jsonApiAnswers } from '../responses.js';
import type { Format } from './format.js';
import { sendDocument } from './json-api-reply.js';
import { idParameter, named } from './operation.js';

/** What a body may be sent as. */
export const consumes = [MEDIA_TYPE, 'application/json'];
/** The query of what takes none. */
export const noQuery: JsonSchema = Type.Object({}, { additionalProperties: false });

/** Records as JSON:API's documents. */
export const jsonApi: Format = {
  schemas: {
    list: (model, type) => ({
      querystring: listSchema(model, type),
      response: jsonApiAnswers(200, listDocument(model, type)),
    }),
    read: (model, type) => ({
      querystring: shapeSchema(model, type),
      response: jsonApiAnswers(200, answerDocument(model, type)),
    }),
    create: (model, type) => ({
      consumes,
      querystring: noQuery,
      body: createDocument(model, type),
      response: jsonApiAnswers(201, answerDocument(model, type)),
    }),
    update: (model, type) => ({
      consumes,
      querystring: noQuery,
      body: updateDocument(model, type),
      response: jsonApiAnswers(200, answerDocument(model, type)),
    }),
    delete: (mayStay) => ({
      querystring: noQuery,
      response: { ...jsonApiAnswers(204, null), ...(mayStay ? jsonApiAnswers(200, keptDocument) : {}) },
    }),
  },
  list: async (asking, type, reply) => sendDocument(reply, await answerList(asking, type, readListing(asking, type))),
  read: async (asking, type, loaded, reply) => {
    const { context, caller, query } = asking;
    const shape = readShape(context.policy.model, type, query);
    return sendRecord(reply, asking, type, await readRecord(context, caller, type, loaded, null), shape);
  },
  readInput,
  readChanges,
  placed: (model, type, work) => placed(placeOf(model, type), work),
  answer: (asking, type, shown, reply) => sendRecord(reply, asking, type, shown),
  kept: (says, reply) => sendDocument(reply, documentOf({ meta: { kept: says } })),
};

async function sendRecord(
  reply: FastifyReply,
  asking: Asking,
  type: string,
  shown: Masked,
  shape: Shape = WHOLE,
): Promise<FastifyReply> {
  const document = await answerOne(asking, type, shape, shown);
  if (typeof shown.version === 'number') reply.header('etag', `"${shown.version}"`);
  return sendDocument(reply, document);
}

/** How the documentation speaks of a relationship, and calls what is done with it: `showUsergroupsOfNote`. */
export function speak(root: Root, type: string, verb: string, { name }: Relationship, summary: string) {
  const id = `${verb}${name[0]?.toUpperCase()}${name.slice(1)}Of`;
  return { ...named(root, type, id, summary), params: idParameter };
}
