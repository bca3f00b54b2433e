import type { Model } from '@ostiary/policy';
import type { FastifyReply } from 'fastify';
import type { Masked } from '../../application/records.js';
import { Type } from '../../input/json-schema.js';
import { createSchema, listSchema, recordSchema, updateSchema } from '../../input/schemas.js';
import { parseListQuery } from '../../records/list-query.js';
import { listRecords, readRecord } from '../../records/read.js';
import { answers } from '../responses.js';
import type { Format } from './format.js';

const kept = Type.Object({ kept: Type.String({ description: 'What was done in place of deleting it.' }) });
const viewQuery = Type.Object(
  { view: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]*$' })) },
  { additionalProperties: false },
);

/** The answer with a page of records. */
export const pageOf = (model: Model, type: string) =>
  answers(200, Type.Object({ items: Type.Array(recordSchema(model, type)), next: Type.Nullable(Type.String()) }));

/** Records as plain JSON: the fields of each, and of a list its items and where the next page begins. */
export const plain: Format = {
  schemas: {
    list: (model, type) => ({ querystring: listSchema(model, type), response: pageOf(model, type) }),
    read: (model, type) => ({ querystring: viewQuery, response: answers(200, recordSchema(model, type)) }),
    create: (model, type) => ({ body: createSchema(model, type), response: answers(201, recordSchema(model, type)) }),
    update: (model, type) => ({ body: updateSchema(model, type), response: answers(200, recordSchema(model, type)) }),
    delete: (mayStay) => ({ response: { ...answers(204, null), ...(mayStay ? answers(200, kept) : {}) } }),
  },
  list: async ({ context, caller, query }, type) =>
    listRecords(context, caller, type, parseListQuery(context.policy.model, type, query)),
  read: async ({ context, caller, query }, type, loaded, reply) =>
    withVersion(reply, await readRecord(context, caller, type, loaded, query.view ?? null)),
  readInput: (_model, _type, body) => ({ values: body as Readonly<Record<string, unknown>>, linked: [], id: null }),
  readChanges: (model, type, body) => plain.readInput(model, type, body),
  placed: (_model, _type, work) => work(),
  answer: async (_asking, _type, shown, reply) => withVersion(reply, shown),
  kept: (says) => ({ kept: says }),
};

function withVersion(reply: FastifyReply, shown: Masked): Masked {
  if (typeof shown.version === 'number') reply.header('etag', `"${shown.version}"`);
  return shown;
}
