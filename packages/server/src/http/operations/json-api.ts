import type { FastifyReply, FastifyRequest } from 'fastify';
import { refuseFields } from '../../access/access.js';
import type { Root } from '../../application/addresses.js';
import type { Context } from '../../application/context.js';
import { effectsAt } from '../../application/effects.js';
import type { Masked } from '../../application/records.js';
import { type JsonSchema, Type } from '../../input/json-schema.js';
import { type Asking, answerList, answerOne, readListing } from '../../json-api/answers.js';
import { placeOf, readChanges, readInput } from '../../json-api/body.js';
import { addressOf, documentOf } from '../../json-api/document.js';
import { placed } from '../../json-api/errors.js';
import { MEDIA_TYPE } from '../../json-api/media-type.js';
import { listSchema, readShape, type Shape, shapeSchema, WHOLE } from '../../json-api/query.js';
import type { Relationship } from '../../json-api/relationships.js';
import { answerDocument, createDocument, keptDocument, listDocument, updateDocument } from '../../json-api/schemas.js';
import { removeRecord } from '../../records/delete.js';
import { changeLinked, createLinked } from '../../records/links.js';
import { readRecord, shownAfterCreate, shownAfterUpdate } from '../../records/read.js';
import { caller } from '../guard.js';
import { recordIdOf } from '../record-id.js';
import { jsonApiAnswers } from '../responses.js';
import { sendDocument } from './json-api-reply.js';
import { type Describes, describe, idParameter, named, type Operation } from './operation.js';
import { ifMatch, versionsSeen } from './records.js';

/** What a body may be sent as. */
export const consumes = [MEDIA_TYPE, 'application/json'];
/** The query of what takes none. */
export const noQuery: JsonSchema = Type.Object({}, { additionalProperties: false });

/** Listing the records of a type, and reading one, as JSON:API. */
export function jsonApiReadOperations(
  { policy: { model } }: Describes,
  root: Root,
  type: string,
): readonly Operation[] {
  return [
    {
      method: 'GET',
      path: '',
      action: 'list',
      schema: {
        ...describe(root, model, type, 'list'),
        querystring: listSchema(model, type),
        response: jsonApiAnswers(200, listDocument(model, type)),
      },
      handle: async (context, type, request, reply) => {
        const asking = askingOf(context, root, request);
        return sendDocument(reply, await answerList(asking, type, readListing(asking, type)));
      },
    },
    {
      method: 'GET',
      path: '/:id',
      action: 'read',
      loads: true,
      schema: {
        ...describe(root, model, type, 'read'),
        params: idParameter,
        querystring: shapeSchema(model, type),
        response: jsonApiAnswers(200, answerDocument(model, type)),
      },
      handle: async (context, type, request, reply) => {
        const asking = askingOf(context, root, request);
        const shape = readShape(context.policy.model, type, asking.query);
        const shown = await readRecord(context, asking.caller, type, request.loaded, null);
        return sendRecord(reply, asking, type, shown, shape);
      },
    },
  ];
}

/** Creating, updating and deleting records of a type, as JSON:API. */
export function jsonApiWriteOperations(
  { application, policy: { model } }: Describes,
  root: Root,
  type: string,
): readonly Operation[] {
  const record = answerDocument(model, type);
  const mayStay = effectsAt(application.effects, type, 'deleting').length > 0;
  const one = { params: idParameter, querystring: noQuery, headers: ifMatch };
  return [
    {
      method: 'POST',
      path: '',
      action: 'create',
      schema: {
        ...describe(root, model, type, 'create'),
        consumes,
        querystring: noQuery,
        body: createDocument(model, type),
        response: jsonApiAnswers(201, record),
      },
      handle: async (context, type, request, reply) => {
        const { model } = context.policy;
        const asking = askingOf(context, root, request);
        const by = asking.caller;
        const { values, linked, id } = readInput(model, type, request.body);
        if (id !== null) throw refuseFields(context, by, 'create', type, ['id'], null);
        const written = await placed(placeOf(model, type), () => createLinked(context, by, type, values, linked));
        const url = addressOf({ model, base: asking.base }, type, written.record.id);
        reply.code(201).header('location', url).header('ostiary-decision', written.decisionId);
        const shown = shownAfterCreate(context, by, type, written.record);
        return sendRecord(reply, { ...asking, url }, type, shown);
      },
    },
    {
      method: 'PATCH',
      path: '/:id',
      action: 'update',
      schema: {
        ...describe(root, model, type, 'update'),
        ...one,
        consumes,
        body: updateDocument(model, type),
        response: jsonApiAnswers(200, record),
      },
      handle: async (context, type, request, reply) => {
        const { model } = context.policy;
        const asking = askingOf(context, root, request);
        const [by, id, seen] = [asking.caller, recordIdOf(request), versionsSeen(request)];
        const { values, linked } = readChanges(model, type, request.body, id);
        const written = await placed(placeOf(model, type), () =>
          changeLinked(context, by, type, id, values, seen, linked),
        );
        reply.header('ostiary-decision', written.decisionId);
        return sendRecord(reply, asking, type, await shownAfterUpdate(context, by, type, written.record));
      },
    },
    {
      method: 'DELETE',
      path: '/:id',
      action: 'delete',
      schema: {
        ...describe(root, model, type, 'delete'),
        ...one,
        response: { ...jsonApiAnswers(204, null), ...(mayStay ? jsonApiAnswers(200, keptDocument) : {}) },
      },
      handle: async (context, type, request, reply) => {
        const kept = await removeRecord(context, caller(request), type, recordIdOf(request), versionsSeen(request));
        return kept === null ? reply.code(204).send() : sendDocument(reply, documentOf({ meta: { kept } }));
      },
    },
  ];
}

/** How the documentation speaks of a relationship, and calls what is done with it: `showUsergroupsOfNote`. */
export function speak(root: Root, type: string, verb: string, { name }: Relationship, summary: string) {
  const id = `${verb}${name[0]?.toUpperCase()}${name.slice(1)}Of`;
  return { ...named(root, type, id, summary), params: idParameter };
}

/** Who asks what, and where. */
export function askingOf(context: Context, root: Root, request: FastifyRequest): Asking {
  return {
    context,
    caller: caller(request),
    base: `${request.server.prefix}${root.api}`,
    url: request.url,
    query: request.query as Readonly<Record<string, string>>,
  };
}

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
