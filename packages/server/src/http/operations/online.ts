import { spaced } from '@ostiary/policy';
import type { Root } from '../../application/addresses.js';
import { listSchema } from '../../input/schemas.js';
import { ONLINE } from '../../presence/index.js';
import { parseListQuery } from '../../records/list-query.js';
import { listOnline } from '../../records/online.js';
import { caller } from '../request.js';
import { type Describes, describe, type Operation } from './operation.js';
import { pageOf } from './plain.js';

/** Who is online, of the records of a type that are principals. */
export function onlineOperation({ policy: { model } }: Describes, root: Root, type: string): Operation {
  return {
    method: 'GET',
    path: '/online',
    action: ONLINE,
    schema: {
      ...describe(root, model, type, ONLINE, `${spaced(type)}s that are online now`),
      querystring: listSchema(model, type),
      response: pageOf(model, type),
    },
    handle: async (context, type, request) => {
      const asked = parseListQuery(context.policy.model, type, request.query as Record<string, string>);
      return listOnline(context, caller(request), type, asked);
    },
  };
}
