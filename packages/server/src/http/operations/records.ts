import { kebabCase, type Model, spaced } from '@ostiary/policy';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ActionHandler } from '../../application/actions.js';
import type { Root } from '../../application/addresses.js';
import { effectsAt } from '../../application/effects.js';
import { type JsonSchema, Type } from '../../input/json-schema.js';
import { createSchema, listSchema, recordSchema, updateSchema } from '../../input/schemas.js';
import { validatorFor } from '../../input/validation.js';
import { ONLINE } from '../../presence/index.js';
import { runAction } from '../../records/actions.js';
import { removeRecord } from '../../records/delete.js';
import { type ListQuery, parseListQuery } from '../../records/list-query.js';
import { listOnline } from '../../records/online.js';
import { listRecords, readRecord, shownAfterCreate, shownAfterUpdate } from '../../records/read.js';
import { changeRecord, createRecord } from '../../records/write.js';
import { caller } from '../guard.js';
import { recordIdOf } from '../record-id.js';
import { answers } from '../responses.js';
import { type Describes, describe, idParameter, type Operation } from './operation.js';

export const ifMatch = Type.Object({
  'if-match': Type.Optional(Type.String({ description: 'The ETag that you have seen: refused if it is another now.' })),
});
const kept = Type.Object({ kept: Type.String({ description: 'What was done in place of deleting it.' }) });
const viewQuery = Type.Object(
  { view: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]*$' })) },
  { additionalProperties: false },
);

const pageOf = (record: JsonSchema) =>
  answers(200, Type.Object({ items: Type.Array(record), next: Type.Nullable(Type.String()) }));

/** Listing the records of a type, and reading one. */
export function readOperations({ policy: { model } }: Describes, root: Root, type: string): readonly Operation[] {
  const record = recordSchema(model, type);
  return [
    {
      method: 'GET',
      path: '',
      action: 'list',
      schema: {
        ...describe(root, model, type, 'list'),
        querystring: listSchema(model, type),
        response: pageOf(record),
      },
      handle: async (context, type, request) =>
        listRecords(context, caller(request), type, askedOf(context.policy.model, type, request)),
    },
    {
      method: 'GET',
      path: '/:id',
      action: 'read',
      loads: true,
      schema: {
        ...describe(root, model, type, 'read'),
        params: idParameter,
        querystring: viewQuery,
        response: answers(200, record),
      },
      handle: async (context, type, request, reply) => {
        const { view } = request.query as { view?: string };
        const shown = await readRecord(context, caller(request), type, request.loaded, view ?? null);
        return withVersion(reply, shown);
      },
    },
  ];
}

/** Who is online, of the records of a type that are principals. */
export function onlineOperation({ policy: { model } }: Describes, root: Root, type: string): Operation {
  return {
    method: 'GET',
    path: '/online',
    action: ONLINE,
    schema: {
      ...describe(root, model, type, ONLINE, `${spaced(type)}s that are online now`),
      querystring: listSchema(model, type),
      response: pageOf(recordSchema(model, type)),
    },
    handle: async (context, type, request) =>
      listOnline(context, caller(request), type, askedOf(context.policy.model, type, request)),
  };
}

/** Creating, updating and deleting records of a type. */
export function writeOperations({ application, policy }: Describes, root: Root, type: string): readonly Operation[] {
  const { model } = policy;
  const record = recordSchema(model, type);
  const mayStay = effectsAt(application.effects, type, 'deleting').length > 0;
  return [
    {
      method: 'POST',
      path: '',
      action: 'create',
      schema: {
        ...describe(root, model, type, 'create'),
        body: createSchema(model, type),
        response: answers(201, record),
      },
      handle: async (context, type, request, reply) => {
        const by = caller(request);
        const written = await createRecord(context, by, type, request.body as Record<string, unknown>);
        const at = `${request.url.split('?')[0]}/${written.record.id}`;
        reply.code(201).header('location', at).header('ostiary-decision', written.decisionId);
        return withVersion(reply, shownAfterCreate(context, by, type, written.record));
      },
    },
    {
      method: 'PATCH',
      path: '/:id',
      action: 'update',
      schema: {
        ...describe(root, model, type, 'update'),
        params: idParameter,
        headers: ifMatch,
        body: updateSchema(model, type),
        response: answers(200, record),
      },
      handle: async (context, type, request, reply) => {
        const by = caller(request);
        const input = request.body as Record<string, unknown>;
        const written = await changeRecord(context, by, type, recordIdOf(request), input, versionsSeen(request));
        reply.header('ostiary-decision', written.decisionId);
        return withVersion(reply, await shownAfterUpdate(context, by, type, written.record));
      },
    },
    {
      method: 'DELETE',
      path: '/:id',
      action: 'delete',
      schema: {
        ...describe(root, model, type, 'delete'),
        params: idParameter,
        headers: ifMatch,
        response: { ...answers(204, null), ...(mayStay ? answers(200, kept) : {}) },
      },
      handle: async (context, type, request, reply) => {
        const by = caller(request);
        const instead = await removeRecord(context, by, type, recordIdOf(request), versionsSeen(request));
        return instead === null ? reply.code(204).send() : { kept: instead };
      },
    },
  ];
}

/** A named action on a record. */
export function actionOperation(model: Model, root: Root, handler: ActionHandler): Operation {
  const { type, action, says, input } = handler;
  const answer: JsonSchema = Type.Object({}, { additionalProperties: true });
  return {
    method: 'POST',
    path: `/:id/${kebabCase(action)}`,
    action,
    bodyOptional: validatorFor(input)({}),
    schema: {
      ...describe(root, model, type, action, says),
      params: idParameter,
      body: input,
      response: { ...answers(204, null), ...answers(200, answer) },
    },
    handle: async (context, _type, request, reply) => {
      const body = request.body as Record<string, unknown>;
      const result = await runAction(context, caller(request), handler, recordIdOf(request), body);
      return result ?? reply.code(204).send();
    },
  };
}

function askedOf(model: Model, type: string, request: FastifyRequest): ListQuery {
  return parseListQuery(model, type, request.query as Record<string, string>);
}

function withVersion<T extends Readonly<Record<string, unknown>>>(reply: FastifyReply, shown: T): T {
  if (typeof shown.version === 'number') reply.header('etag', `"${shown.version}"`);
  return shown;
}

/**
 * The versions of which the caller has seen one, by If-Match (RFC 9110 §13.1.1): null where any will do. What is no ETag
 * of ours matches nothing.
 */
export function versionsSeen(request: FastifyRequest): readonly number[] | null {
  const header = request.headers['if-match'];
  if (header === undefined || header.trim() === '*') return null;
  return [...header.matchAll(/(?<=^|,)\s*"(\d{1,9})"\s*(?=,|$)/g)].map(([, version]) => Number(version));
}
