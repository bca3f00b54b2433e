import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Root } from '../addresses.js';
import type { ExportFormat } from '../audit/index.js';
import type { Context } from '../context.js';
import { type JsonSchema, Type } from '../input/json-schema.js';
import { listSchema } from '../input/schemas.js';
import { exportRecords } from '../records/export.js';
import { parseListQuery } from '../records/list-query.js';
import { caller } from './guard.js';
import { answers } from './responses.js';
import { documentedAt } from './root-documentation.js';

const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  jsonl: 'application/jsonl; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
};

/**
 * The application's part of the audit trail as a file, for an audit type with every column: an entry is exported as it was
 * sealed, so with what such a type would leave out.
 */
export function auditExportRoute(
  server: FastifyInstance,
  context: Context,
  root: Root,
  type: string,
  address: string,
): void {
  const { model } = context.policy;
  server.get(
    `${address}/export`,
    {
      config: { decision: { action: 'list', type } },
      schema: {
        ...documentedAt(root, type, `export${type}`),
        summary: 'Export entries, as JSON Lines that can be verified without the server, or as CSV',
        security: [{ bearer: [] }],
        querystring: exportSchema(listSchema(model, type)),
        response: answers(200, Type.String(), 'application/jsonl'),
      },
    },
    async (request, reply) => {
      const { format = 'jsonl', ...filters } = request.query as Record<string, string> & { format?: ExportFormat };
      const asked = parseListQuery(model, type, filters);
      const parts = await exportRecords(context, caller(request), type, asked, format);
      const file = `${model.name}-audit-${context.runtime.now().toISOString().slice(0, 10)}.${format}`;
      reply.type(MEDIA_TYPES[format]).header('content-disposition', `attachment; filename="${file}"`);
      return reply.send(Readable.from(parts));
    },
  );
}

/** The filters of the list, without its pages and its order. */
function exportSchema({ properties, ...list }: JsonSchema): JsonSchema {
  const pages = ['limit', 'cursor', 'sort', 'view'];
  const filters = Object.entries(properties as object).filter(([name]) => !pages.includes(name));
  return { ...list, properties: { format: Type.Enum(['jsonl', 'csv']), ...Object.fromEntries(filters) } };
}
