import type { FastifyRequest } from 'fastify';
import type { Root } from '../../application/addresses.js';
import { Type } from '../../input/json-schema.js';
import { listForms, readForm } from '../../records/forms.js';
import { readIdOrNone } from '../record-id.js';
import { caller } from '../request.js';
import { answers } from '../responses.js';
import { named, type Operation } from './operation.js';

const reference = Type.Object({
  type: Type.String(),
  list: Type.String({ description: 'The address of the whole list.' }),
  items: Type.Optional(Type.Array(Type.Object({ id: Type.String(), title: Type.Nullable(Type.String()) }))),
  next: Type.Optional(Type.Nullable(Type.String({ description: "The cursor of the list's next page." }))),
});

const field = Type.Object({
  name: Type.String(),
  title: Type.String(),
  says: Type.Optional(Type.String()),
  kind: Type.String(),
  many: Type.Boolean(),
  required: Type.Boolean(),
  secret: Type.Boolean({ description: 'Written, and never shown.' }),
  create: Type.Boolean({ description: 'You may write it at creation.' }),
  update: Type.Boolean({ description: 'You may change it: of the record that was asked for, or of some.' }),
  choices: Type.Optional(Type.Array(Type.String())),
  default: Type.Optional(Type.Unknown()),
  schema: Type.Object({}, { additionalProperties: true, description: 'The JSON Schema of a value.' }),
  refersTo: Type.Optional(reference),
});

const form = Type.Object({
  id: Type.String(),
  type: Type.String(),
  title: Type.String(),
  says: Type.Optional(Type.String()),
  create: Type.Boolean(),
  update: Type.Boolean(),
  fields: Type.Array(field),
});

/** Forms to enter data: what the caller may write into records of each type. */
export function formOperations(root: Root, type: string): readonly Operation[] {
  const api = (request: FastifyRequest) => `${request.server.prefix}${root.api}`;
  return [
    {
      method: 'GET',
      path: '',
      action: 'list',
      schema: {
        ...named(root, type, 'list', 'List the forms into which you may enter something'),
        response: answers(200, Type.Object({ items: Type.Array(form), next: Type.Null() })),
      },
      handle: async (context, type, request) => ({
        items: listForms(context, caller(request), type, api(request)),
        next: null,
      }),
    },
    {
      method: 'GET',
      path: '/:name',
      action: 'read',
      schema: {
        ...named(root, type, 'read', 'Read the form of a collection, with what its references may name'),
        params: Type.Object({ name: Type.String({ maxLength: 200 }) }),
        querystring: Type.Object(
          { id: Type.Optional(Type.String({ maxLength: 200, description: 'Of the record that is to be changed.' })) },
          { additionalProperties: false },
        ),
        response: answers(200, form),
      },
      handle: async (context, type, request) => {
        const { name } = request.params as { readonly name: string };
        const { id } = request.query as { readonly id?: string };
        const recordId = id === undefined ? null : readIdOrNone(id);
        return readForm(context, caller(request), type, name, recordId, api(request));
      },
    },
  ];
}
