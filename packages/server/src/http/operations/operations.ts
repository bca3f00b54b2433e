import { actionsOf, resourceOf } from '@ostiary/policy';
import type { FastifyInstance } from 'fastify';
import { type Root, rootsOf } from '../../application/addresses.js';
import type { Context } from '../../application/context.js';
import { ONLINE } from '../../presence/index.js';
import { onlineKinds } from '../../records/online.js';
import { hasEveryAuditColumn } from '../../storage/audit-view.js';
import { contextOf } from '../request.js';
import { actionOperation } from './actions.js';
import { auditExportOperation } from './audit-export.js';
import { formOperations } from './forms.js';
import { jsonApi } from './json-api.js';
import { relationshipOperations } from './json-api-relationships.js';
import { onlineOperation } from './online.js';
import { collectionAddress, type Describes, type Operation } from './operation.js';
import { plain } from './plain.js';
import { readOperations, writeOperations } from './records.js';
import { statisticsOperation } from './statistics.js';

/** Everything that can be asked about the records of a type at a root: the only way to them. */
export function operationsOf(from: Describes, root: Root, type: string): readonly Operation[] {
  const { application, policy } = from;
  const { model } = policy;
  const { source, counts } = resourceOf(model, type);
  if (source === 'decision') return [];
  if (source === 'form') return formOperations(root, type);
  const hasOnline = onlineKinds(from, type).length > 0 && actionsOf(model, type).includes(ONLINE);
  const isJsonApi = application.api === 'json-api';
  const format = isJsonApi ? jsonApi : plain;
  const handlers = (application.actions ?? []).filter((handler) => handler.type === type);
  return [
    ...readOperations(from, root, type, format),
    ...(counts === undefined ? [] : [statisticsOperation(model, root, type)]),
    ...(hasOnline ? [onlineOperation(from, root, type)] : []),
    ...(source === undefined ? writeOperations(from, root, type, format) : []),
    ...(isJsonApi ? relationshipOperations(from, root, type) : []),
    ...(source === 'audit' && hasEveryAuditColumn(model, type) ? [auditExportOperation(model, root, type)] : []),
    ...handlers.map((handler) => actionOperation(model, root, handler)),
  ];
}

/** The routes of every resource type of an application's own, at each root. */
export function recordRoutes(server: FastifyInstance, context: Context): void {
  const { application, policy } = context;
  const { model } = policy;
  for (const root of rootsOf(application)) {
    for (const type of Object.keys(application.policy.model.resources)) {
      for (const { method, path, action, loads, bodyOptional, schema, handle } of operationsOf(context, root, type)) {
        server.route({
          method,
          url: `${collectionAddress(root, model, type)}${path}`,
          config: {
            decision: { action, type },
            ...(loads ? { loads: type } : {}),
            ...(bodyOptional === undefined ? {} : { bodyOptional }),
          },
          schema,
          handler: (request, reply) => handle(contextOf(request), type, request, reply),
        });
      }
    }
  }
}
