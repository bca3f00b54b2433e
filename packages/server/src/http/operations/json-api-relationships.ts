import { resourceOf } from '@ostiary/policy';
import { refuseFields } from '../../access/access.js';
import type { Root } from '../../application/addresses.js';
import type { Masked } from '../../application/records.js';
import { updateSchema } from '../../input/schemas.js';
import { type Asking, answerList, answerOne, readListing, totalOf } from '../../json-api/answers.js';
import { addressOf, type Document, documentOf, linkage } from '../../json-api/document.js';
import { paged } from '../../json-api/paging.js';
import { listSchema, type Paging, pageSchema, readPaging, readShape, shapeSchema } from '../../json-api/query.js';
import { identifierOf, isToMany, type Relationship, relationshipsOf } from '../../json-api/relationships.js';
import { relatedDocument } from '../../json-api/schemas.js';
import type { Linking } from '../../records/links.js';
import { findRecord, listAmong, readRecord } from '../../records/read.js';
import { endsIn, linksFrom, relatedTo, withIds } from '../../records/related.js';
import { jsonApiAnswers } from '../responses.js';
import { askingOf } from './asking.js';
import { noQuery, speak } from './json-api.js';
import { linkingOperation } from './json-api-linking.js';
import { sendDocument } from './json-api-reply.js';
import type { Describes, Operation } from './operation.js';

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
      ...(mayChange ? ways.map((linking) => linkingOperation(from, root, type, relationship, linking)) : []),
    ];
  });
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
          : withIds(referenceIn(asking, type, shown, name) as readonly string[] | null);
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
