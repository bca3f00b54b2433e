import { actionsOf, kebabCase, type Model, resourceOf, spaced } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Root, rootsOf } from '../addresses.js';
import type { Context } from '../context.js';
import { type JsonSchema, Type } from '../input/json-schema.js';
import { createSchema, listSchema, recordSchema, updateSchema } from '../input/schemas.js';
import { validatorFor } from '../input/validation.js';
import { ONLINE } from '../presence/index.js';
import { type ActionHandler, runAction } from '../records/actions.js';
import { removeRecord } from '../records/delete.js';
import { parseListQuery } from '../records/list-query.js';
import { listOnline, onlineKinds } from '../records/online.js';
import { listRecords, readRecord, shownAfterCreate, shownAfterUpdate } from '../records/read.js';
import { changeRecord, createRecord } from '../records/write.js';
import { hasEveryAuditColumn } from '../storage/audit-view.js';
import { auditExportRoute } from './audit-routes.js';
import { formRoutes } from './form-routes.js';
import { caller } from './guard.js';
import { recordIdOf } from './record-id.js';
import { answers } from './responses.js';
import { documentedAt } from './root-documentation.js';
import { statisticsRoute } from './statistics-routes.js';

const idParameter = Type.Object({ id: Type.String({ maxLength: 200 }) });
const ifMatch = Type.Object({
  'if-match': Type.Optional(Type.String({ description: 'The ETag that you have seen: refused if it is another now.' })),
});
const kept = Type.Object({ kept: Type.String({ description: 'What was done in place of deleting it.' }) });
const viewQuery = Type.Object(
  { view: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_-]*$' })) },
  { additionalProperties: false },
);

/** The routes of every resource type, at each root: the only way to its records. */
export function recordRoutes(server: FastifyInstance, context: Context): void {
  for (const root of rootsOf(context.application)) routesAt(server, context, root);
}

function routesAt(server: FastifyInstance, context: Context, root: Root): void {
  const { model } = context.policy;
  for (const type of Object.keys(model.resources)) {
    const { source, counts } = resourceOf(model, type);
    if (source === 'decision') continue;
    if (source === 'form') {
      formRoutes(server, context, root, type, address(root, model, type));
      continue;
    }
    readRoutes(server, context, root, type);
    if (counts !== undefined) statisticsRoute(server, context, root, type, address(root, model, type));
    if (onlineKinds(context, type).length > 0 && actionsOf(model, type).includes(ONLINE))
      onlineRoute(server, context, root, type);
    if (source === undefined) writeRoutes(server, context, root, type);
    if (source === 'audit' && hasEveryAuditColumn(model, type))
      auditExportRoute(server, context, root, type, address(root, model, type));
  }
  for (const handler of context.application.actions ?? []) actionRoute(server, context, root, handler);
}

function address(root: Root, model: Model, type: string): string {
  return `${root.api}/${collectionOf(model, type)}`;
}

function describe(root: Root, model: Model, type: string, action: string, says?: string) {
  const of = resourceOf(model, type);
  return {
    ...documentedAt(root, type, `${action}${type}`),
    summary: says ?? `${action[0]?.toUpperCase()}${action.slice(1)} ${spaced(type)}${action === 'list' ? 's' : ''}`,
    ...(of.says === undefined ? {} : { description: of.says }),
    security: [{ bearer: [] }],
  };
}

function readRoutes(server: FastifyInstance, context: Context, root: Root, type: string): void {
  const { model } = context.policy;
  const record = recordSchema(model, type);
  server.get(
    address(root, model, type),
    {
      config: { decision: { action: 'list', type } },
      schema: {
        ...describe(root, model, type, 'list'),
        querystring: listSchema(model, type),
        response: answers(200, Type.Object({ items: Type.Array(record), next: Type.Nullable(Type.String()) })),
      },
    },
    async (request) => {
      const asked = parseListQuery(model, type, request.query as Record<string, string>);
      return listRecords(context, caller(request), type, asked);
    },
  );
  server.get(
    `${address(root, model, type)}/:id`,
    {
      config: { decision: { action: 'read', type }, loads: type },
      schema: {
        ...describe(root, model, type, 'read'),
        params: idParameter,
        querystring: viewQuery,
        response: answers(200, record),
      },
    },
    async (request, reply) => {
      const { view } = request.query as { view?: string };
      const shown = await readRecord(context, caller(request), type, request.loaded, view ?? null);
      return withVersion(reply, shown);
    },
  );
}

/** Who is online, of the records of a type that are principals. */
function onlineRoute(server: FastifyInstance, context: Context, root: Root, type: string): void {
  const { model } = context.policy;
  const record = recordSchema(model, type);
  server.get(
    `${address(root, model, type)}/online`,
    {
      config: { decision: { action: ONLINE, type } },
      schema: {
        ...describe(root, model, type, ONLINE, `${spaced(type)}s that are online now`),
        querystring: listSchema(model, type),
        response: answers(200, Type.Object({ items: Type.Array(record), next: Type.Nullable(Type.String()) })),
      },
    },
    async (request) => {
      const asked = parseListQuery(model, type, request.query as Record<string, string>);
      return listOnline(context, caller(request), type, asked);
    },
  );
}

function writeRoutes(server: FastifyInstance, context: Context, root: Root, type: string): void {
  const { model } = context.policy;
  const record = recordSchema(model, type);
  server.post(
    address(root, model, type),
    {
      config: { decision: { action: 'create', type } },
      schema: {
        ...describe(root, model, type, 'create'),
        body: createSchema(model, type),
        response: answers(201, record),
      },
    },
    async (request, reply) => {
      const by = caller(request);
      const written = await createRecord(context, by, type, request.body as Record<string, unknown>);
      const at = `${request.url.split('?')[0]}/${written.record.id}`;
      reply.code(201).header('location', at).header('ostiary-decision', written.decisionId);
      return withVersion(reply, shownAfterCreate(context, by, type, written.record));
    },
  );
  server.patch(
    `${address(root, model, type)}/:id`,
    {
      config: { decision: { action: 'update', type } },
      schema: {
        ...describe(root, model, type, 'update'),
        params: idParameter,
        headers: ifMatch,
        body: updateSchema(model, type),
        response: answers(200, record),
      },
    },
    async (request, reply) => {
      const by = caller(request);
      const input = request.body as Record<string, unknown>;
      const written = await changeRecord(context, by, type, recordIdOf(request), input, versionsSeen(request));
      reply.header('ostiary-decision', written.decisionId);
      return withVersion(reply, await shownAfterUpdate(context, by, type, written.record));
    },
  );
  const mayStay = context.application.effects?.[type]?.deleting !== undefined;
  server.delete(
    `${address(root, model, type)}/:id`,
    {
      config: { decision: { action: 'delete', type } },
      schema: {
        ...describe(root, model, type, 'delete'),
        params: idParameter,
        headers: ifMatch,
        response: { ...answers(204, null), ...(mayStay ? answers(200, kept) : {}) },
      },
    },
    async (request, reply) => {
      const instead = await removeRecord(context, caller(request), type, recordIdOf(request), versionsSeen(request));
      return instead === null ? reply.code(204).send() : { kept: instead };
    },
  );
}

function actionRoute(server: FastifyInstance, context: Context, root: Root, handler: ActionHandler): void {
  const { model } = context.policy;
  const { type, action, says, input } = handler;
  const answer: JsonSchema = Type.Object({}, { additionalProperties: true });
  server.post(
    `${address(root, model, type)}/:id/${kebabCase(action)}`,
    {
      config: { decision: { action, type }, bodyOptional: validatorFor(input)({}) },
      schema: {
        ...describe(root, model, type, action, says),
        params: idParameter,
        body: input,
        response: { ...answers(204, null), ...answers(200, answer) },
      },
    },
    async (request, reply) => {
      const result = await runAction(
        context,
        caller(request),
        handler,
        recordIdOf(request),
        request.body as Record<string, unknown>,
      );
      return result ?? reply.code(204).send();
    },
  );
}

function withVersion<T extends Readonly<Record<string, unknown>>>(reply: FastifyReply, shown: T): T {
  if (typeof shown.version === 'number') reply.header('etag', `"${shown.version}"`);
  return shown;
}

/**
 * The versions of which the caller has seen one, by If-Match (RFC 9110 §13.1.1): null where any will do. What is no ETag
 * of ours matches nothing.
 */
function versionsSeen(request: FastifyRequest): readonly number[] | null {
  const header = request.headers['if-match'];
  if (header === undefined || header.trim() === '*') return null;
  return [...header.matchAll(/(?<=^|,)\s*"(\d{1,9})"\s*(?=,|$)/g)].map(([, version]) => Number(version));
}
