import { Readable } from 'node:stream';
import type { Model } from '@ostiary/policy';
import type { Root } from '../../application/addresses.js';
import type { ExportFormat } from '../../audit/index.js';
import { Type } from '../../input/json-schema.js';
import { filterSchema } from '../../input/schemas.js';
import { exportRecords } from '../../records/export.js';
import { parseListQuery } from '../../records/list-query.js';
import { caller } from '../request.js';
import { answers } from '../responses.js';
import { named, type Operation } from './operation.js';

const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  jsonl: 'application/jsonl; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
};

/**
 * The application's part of the audit trail as a file, for an audit type with every column: an entry is exported as it was
 * sealed, so with what such a type would leave out.
 */
export function auditExportOperation(model: Model, root: Root, type: string): Operation {
  return {
    method: 'GET',
    path: '/export',
    action: 'list',
    schema: {
      ...named(
        root,
        type,
        'export',
        'Export entries, as JSON Lines that can be verified without the server, or as CSV',
      ),
      querystring: filterSchema(model, type, { format: Type.Optional(Type.Enum(['jsonl', 'csv'])) }),
      response: answers(200, Type.String(), 'application/jsonl'),
    },
    handle: async (context, type, request, reply) => {
      const { model } = context.policy;
      const { format = 'jsonl', ...filters } = request.query as Record<string, string> & { format?: ExportFormat };
      const asked = parseListQuery(model, type, filters);
      const parts = await exportRecords(context, caller(request), type, asked, format);
      const file = `${model.name}-audit-${context.runtime.now().toISOString().slice(0, 10)}.${format}`;
      reply.type(MEDIA_TYPES[format]).header('content-disposition', `attachment; filename="${file}"`);
      return reply.send(Readable.from(parts));
    },
  };
}
