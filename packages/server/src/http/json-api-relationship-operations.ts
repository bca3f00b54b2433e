import { resourceOf } from '@ostiary/policy';
import { refuseFields, requirePossible } from '../access/access.js';
import type { Root } from '../addresses.js';
import type { Context } from '../context.js';
import { updateSchema } from '../input/schemas.js';
import { type Asking, answerList, answerOne, readListing, totalOf } from '../json-api/answers.js';
import { readLinkage } from '../json-api/body.js';
import { addressOf, type Document, documentOf, linkage } from '../json-api/document.js';
import { placed } from '../json-api/errors.js';
import { paged } from '../json-api/paging.js';
import { listSchema, type Paging, pageSchema, readPaging, readShape, shapeSchema } from '../json-api/query.js';
import { identifierOf, isToMany, type Relationship, relationshipsOf } from '../json-api/relationships.js';
import { linkageDocument, relatedDocument } from '../json-api/schemas.js';
import { changeLinks, endsIn, type Linking, linksFrom, relatedTo, withIds } from '../records/links.js';
import type { Masked } from '../records/mask.js';
import { findRecord, listAmong, readRecord } from '../records/read.js';
import { changeRecord } from '../records/write.js';
import { caller } from './guard.js';
import { askingOf, consumes, noQuery } from './json-api-operations.js';
import { sendDocument } from './json-api-reply.js';
import { type Describes, idParameter, named, type Operation } from './operation.js';
import { recordIdOf } from './record-id.js';
import { ifMatch, versionsSeen } from './record-operations.js';
import { jsonApiAnswers } from './responses.js';

/** Reading what the records of a type are related to, and changing that. */
export function relationshipOperations(from: Describes, root: Root, type: string): readonly Operation[] {
  const { model } = from.policy;
  const updatable = Object.keys(updateSchema(model, type).properties ?? {});
  const isWritten = resourceOf(model, type).source === undefined;
  return relationshipsOf(model, type).flatMap((relationship) => {
    const mayChange = isWritten && (relationship.by === 'links' || updatable.includes(relationship.name));
    const ways: readonly Linking[] = isToMany(relationship) ? ['replace', 'add', 'remove'] : ['replace'];
    return [
      relatedOperation(from, root, type, relationship),
      linkageOperation(from, root, type, relationship),
      ...(mayChange ? ways.map((linking) => changeOperation(from, root, type, relationship, linking)) : []),
    ];
  });
}

/** The operation's id and summary: `showUsergroupsOfNote`. */
function speak(root: Root, type: string, verb: string, { name }: Relationship, summary: string) {
  const id = `${verb}${name[0]?.toUpperCase()}${name.slice(1)}Of`;
  return { ...named(root, type, id, summary), params: idParameter };
}

/** What a relationship leads to. */
function relatedOperation(
  { policy: { model } }: Describes,
  root: Root,
  type: string,
  relationship: Relationship,
): Operation {
  const { name, to } = relationship;
  return {
    method: 'GET',
    path: `/:id/${name}`,
    action: 'read',
    loads: true,
    schema: {
      ...speak(root, type, 'show', relationship, `What '${name}' leads to`),
      querystring: isToMany(relationship) ? listSchema(model, to) : shapeSchema(model, to),
      response: jsonApiAnswers(200, relatedDocument(model, relationship, true)),
    },
    handle: async (context, type, request, reply) => {
      const asking = askingOf(context, root, request);
      const by = asking.caller;
      if (!isToMany(relationship)) {
        const shape = readShape(context.policy.model, to, asking.query);
        const shown = await readRecord(context, by, type, request.loaded, null);
        const id = referenceIn(asking, type, shown, name) as string | null;
        return sendDocument(
          reply,
          await answerOne(asking, to, shape, id === null ? null : await findRecord(context, by, to, id)),
        );
      }
      const listing = readListing(asking, to);
      const shown = await readRecord(context, by, type, request.loaded, null);
      const among =
        relationship.by === 'links'
          ? relatedTo(context, by, relationship.relation, shown.id)
          : withIds(referenceIn(asking, type, shown, name) as readonly string[]);
      return sendDocument(reply, await answerList(asking, to, listing, among));
    },
  };
}

/** The relationship itself: identifiers. */
function linkageOperation(
  { policy: { model } }: Describes,
  root: Root,
  type: string,
  relationship: Relationship,
): Operation {
  const { name } = relationship;
  return {
    method: 'GET',
    path: `/:id/relationships/${name}`,
    action: 'read',
    loads: true,
    schema: {
      ...speak(root, type, 'identify', relationship, `The identifiers of '${name}'`),
      querystring: relationship.by === 'links' ? pageSchema() : noQuery,
      response: jsonApiAnswers(200, relatedDocument(model, relationship, false)),
    },
    handle: async (context, type, request, reply) => {
      const { model } = context.policy;
      const asking = askingOf(context, root, request);
      const { by } = relationship;
      const paging = by === 'links' ? readPaging(model, relationship.relation.in, asking.query) : null;
      const shown = await readRecord(context, asking.caller, type, request.loaded, null);
      const related = `${addressOf({ model, base: asking.base }, type, shown.id)}/${name}`;
      if (by === 'links' && paging)
        return sendDocument(reply, await linkedPage(asking, relationship, paging, shown.id, related));
      const data = linkage(model, relationship, referenceIn(asking, type, shown, name));
      return sendDocument(reply, documentOf({ data, links: { self: asking.url, related } }));
    },
  };
}

/** A page of identifiers of what a record is linked to. */
async function linkedPage(
  asking: Asking,
  { relation, to }: Relationship & { readonly by: 'links' },
  paging: Paging,
  id: string,
  related: string,
): Promise<Document> {
  const { context, caller, url } = asking;
  const { model } = context.policy;
  const among = linksFrom(relation, [id]);
  const { items, next } = await listAmong(context, caller, relation.in, paging.asked, among);
  const { links, meta } = paged(url, paging, next, await totalOf(asking, relation.in, paging, among));
  const ids = new Set(items.flatMap((link) => endsIn(relation, link)?.to ?? []));
  const data = [...ids].map((each) => identifierOf(model, to, each));
  return documentOf({ data, links: { ...links, related }, meta });
}

/** The value of a relationship that is a field. */
function referenceIn({ context, caller }: Asking, type: string, shown: Masked, name: string): unknown {
  if (!(name in shown)) throw refuseFields(context, caller, 'read', type, [name], shown.id);
  return shown[name];
}

const METHODS = { replace: 'PATCH', add: 'POST', remove: 'DELETE' } as const;
const WORDS = { replace: "What '…' leads to from now on", add: "Add to '…'", remove: "Take out of '…'" } as const;
const VERBS = { replace: 'set', add: 'addTo', remove: 'removeFrom' } as const;

/**
 * Changing a relationship at its own address: beside what the change itself asks, it asks for the action that referring to
 * a record of the type does, where it has one.
 */
function changeOperation(
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
      requireReferring(context, request, type);
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

function requireReferring(context: Context, request: Parameters<typeof caller>[0], type: string): void {
  const { referred } = resourceOf(context.policy.model, type) as { readonly referred?: string };
  if (referred !== undefined) requirePossible(context, caller(request), referred, type);
}
