import { kebabCase, type Model } from '@ostiary/policy';
import type { ActionHandler } from '../../application/actions.js';
import type { Root } from '../../application/addresses.js';
import { type JsonSchema, Type } from '../../input/json-schema.js';
import { validatorFor } from '../../input/validation.js';
import { runAction } from '../../records/actions.js';
import { recordIdOf } from '../record-id.js';
import { caller } from '../request.js';
import { answers } from '../responses.js';
import { describe, idParameter, type Operation } from './operation.js';

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
