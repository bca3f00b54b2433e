import { refuseFields } from '../../access/access.js';
import type { Root } from '../../application/addresses.js';
import { effectsAt } from '../../application/effects.js';
import { removeRecord } from '../../records/delete.js';
import { changeLinked, createLinked } from '../../records/links.js';
import { shownAfterCreate, shownAfterUpdate } from '../../records/read.js';
import { recordIdOf } from '../record-id.js';
import { caller } from '../request.js';
import { askingOf } from './asking.js';
import type { Format } from './format.js';
import { ifMatch, versionsSeen } from './if-match.js';
import { collectionAddress, type Describes, describe, idParameter, type Operation } from './operation.js';

/** Listing the records of a type, and reading one. */
export function readOperations(
  { policy: { model } }: Describes,
  root: Root,
  type: string,
  format: Format,
): readonly Operation[] {
  return [
    {
      method: 'GET',
      path: '',
      action: 'list',
      schema: { ...describe(root, model, type, 'list'), ...format.schemas.list(model, type) },
      handle: async (context, type, request, reply) => format.list(askingOf(context, root, request), type, reply),
    },
    {
      method: 'GET',
      path: '/:id',
      action: 'read',
      loads: true,
      schema: { ...describe(root, model, type, 'read'), params: idParameter, ...format.schemas.read(model, type) },
      handle: async (context, type, request, reply) =>
        format.read(askingOf(context, root, request), type, request.loaded, reply),
    },
  ];
}

/** Creating, updating and deleting records of a type. */
export function writeOperations(
  { application, policy: { model } }: Describes,
  root: Root,
  type: string,
  format: Format,
): readonly Operation[] {
  const mayStay = effectsAt(application.effects, type, 'deleting').length > 0;
  const one = { params: idParameter, headers: ifMatch };
  return [
    {
      method: 'POST',
      path: '',
      action: 'create',
      schema: { ...describe(root, model, type, 'create'), ...format.schemas.create(model, type) },
      handle: async (context, type, request, reply) => {
        const { model } = context.policy;
        const by = caller(request);
        const { values, linked, id } = format.readInput(model, type, request.body);
        if (id !== null) throw refuseFields(context, by, 'create', type, ['id'], null);
        const written = await format.placed(model, type, () => createLinked(context, by, type, values, linked));
        const url = `${request.server.prefix}${collectionAddress(root, model, type)}/${written.record.id}`;
        reply.code(201).header('location', url).header('ostiary-decision', written.decisionId);
        const shown = shownAfterCreate(context, by, type, written.record);
        return format.answer({ ...askingOf(context, root, request), url }, type, shown, reply);
      },
    },
    {
      method: 'PATCH',
      path: '/:id',
      action: 'update',
      schema: { ...describe(root, model, type, 'update'), ...one, ...format.schemas.update(model, type) },
      handle: async (context, type, request, reply) => {
        const { model } = context.policy;
        const [by, id, seen] = [caller(request), recordIdOf(request), versionsSeen(request)];
        const { values, linked } = format.readChanges(model, type, request.body, id);
        const written = await format.placed(model, type, () =>
          changeLinked(context, by, type, id, values, seen, linked),
        );
        reply.header('ostiary-decision', written.decisionId);
        const shown = await shownAfterUpdate(context, by, type, written.record);
        return format.answer(askingOf(context, root, request), type, shown, reply);
      },
    },
    {
      method: 'DELETE',
      path: '/:id',
      action: 'delete',
      schema: { ...describe(root, model, type, 'delete'), ...one, ...format.schemas.delete(mayStay) },
      handle: async (context, type, request, reply) => {
        const kept = await removeRecord(context, caller(request), type, recordIdOf(request), versionsSeen(request));
        return kept === null ? reply.code(204).send() : format.kept(kept, reply);
      },
    },
  ];
}
