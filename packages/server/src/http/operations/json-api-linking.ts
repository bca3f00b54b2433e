import { resourceOf } from '@ostiary/policy';
import { requirePossible } from '../../access/access.js';
import type { Root } from '../../application/addresses.js';
import type { Caller, Context } from '../../application/context.js';
import { readLinkage } from '../../json-api/body.js';
import type { Relationship } from '../../json-api/relationships.js';
import { linkageDocument } from '../../json-api/schemas.js';
import { placed } from '../../problems.js';
import { changeLinks, type Linking } from '../../records/links.js';
import { changeRecord } from '../../records/write.js';
import { recordIdOf } from '../record-id.js';
import { caller } from '../request.js';
import { jsonApiAnswers } from '../responses.js';
import { ifMatch, versionsSeen } from './if-match.js';
import { consumes, noQuery, speak } from './json-api.js';
import type { Describes, Operation } from './operation.js';

const METHODS = { replace: 'PATCH', add: 'POST', remove: 'DELETE' } as const;
const WORDS = { replace: "What '…' leads to from now on", add: "Add to '…'", remove: "Take out of '…'" } as const;
const VERBS = { replace: 'set', add: 'addTo', remove: 'removeFrom' } as const;

/**
 * Changing a relationship at its own address: beside what the change itself asks, it asks for the action that referring to
 * a record of the type does, where it has one.
 */
export function linkingOperation(
  { policy: { model } }: Describes,
  root: Root,
  type: string,
  relationship: Relationship,
  linking: Linking,
): Operation {
  const { name } = relationship;
  const isField = relationship.by === 'field';
  return {
    method: METHODS[linking],
    path: `/:id/relationships/${name}`,
    // Links are records of their own, and their rules decide on each.
    action: isField ? 'update' : 'list',
    schema: {
      ...speak(root, type, VERBS[linking], relationship, WORDS[linking].replace('…', name)),
      querystring: noQuery,
      ...(isField ? { headers: ifMatch } : {}),
      consumes,
      body: linkageDocument(model, relationship),
      response: jsonApiAnswers(204, null),
    },
    handle: async (context, type, request, reply) => {
      const [by, id, ids] = [caller(request), recordIdOf(request), readLinkage(request.body)];
      requireReferring(context, by, type);
      if (relationship.by === 'links') {
        const { relation } = relationship;
        await placed(
          () => '/data',
          () => changeLinks(context, by, type, id, linking, { relation, ids }),
        );
        return reply.code(204).send();
      }
      const change = (values: Readonly<Record<string, unknown>>) => ({
        [name]: relationship.field.many
          ? relinked((values[name] ?? []) as readonly string[], linking, ids)
          : (ids[0] ?? null),
      });
      const written = await placed(
        () => '/data',
        () => changeRecord(context, by, type, id, change, versionsSeen(request)),
      );
      reply.header('etag', `"${written.record.version}"`).header('ostiary-decision', written.decisionId);
      return reply.code(204).send();
    },
  };
}

/** A set of references after a change of it. */
function relinked(present: readonly string[], linking: Linking, ids: readonly string[]): readonly string[] {
  if (linking === 'replace') return ids;
  const others = present.filter((id) => !ids.includes(id));
  return linking === 'remove' ? others : [...present, ...ids.filter((id) => !present.includes(id))];
}

function requireReferring(context: Context, by: Caller, type: string): void {
  const { referred } = resourceOf(context.policy.model, type);
  if (referred !== undefined) requirePossible(context, by, referred, type);
}
