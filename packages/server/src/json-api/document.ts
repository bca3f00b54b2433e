import type { Model } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import type { Masked } from '../application/records.js';
import { type Identifier, identifierOf, isToMany, type Relationship, relationshipsOf } from './relationships.js';

/** https://jsonapi.org/format/1.1/ */
export const VERSION = '1.1';

export interface RelationshipObject {
  readonly data?: Identifier | null | readonly Identifier[];
  readonly links: { readonly self: string; readonly related: string };
}

export interface ResourceObject extends Identifier {
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly relationships?: Readonly<Record<string, RelationshipObject>>;
  readonly links?: { readonly self: string };
  readonly meta?: { readonly version: number };
}

export type Links = Readonly<Record<string, string | null>>;
export type Meta = Readonly<Record<string, unknown>>;

/** What an answer is: its primary data, and what belongs to it. */
export interface Document {
  readonly jsonapi: { readonly version: typeof VERSION };
  readonly data?: ResourceObject | Identifier | null | readonly (ResourceObject | Identifier)[];
  readonly included?: readonly ResourceObject[];
  readonly links?: Links;
  readonly meta?: Meta;
}

export function documentOf(members: Omit<Document, 'jsonapi'>): Document {
  return { jsonapi: { version: VERSION }, ...members };
}

/** Whether nothing is shown of a record but that it is there. */
export function isBare(shown: Masked): boolean {
  return Object.keys(shown).every((name) => name === 'id' || name === 'version');
}

/** How records become resource objects in one answer. */
export interface Rendering {
  readonly model: Model;
  /** The address of the collections, from the server's root. */
  readonly base: string;
  /** The fields that are asked for, by type; every one of a type that is not named. */
  readonly fields: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The address of a record. */
export function addressOf({ model, base }: Pick<Rendering, 'model' | 'base'>, type: string, id: string): string {
  return `${base}/${collectionOf(model, type)}/${id}`;
}

/**
 * A record as a resource object, of which nothing is told that its reader may not see: where that is everything, it is an
 * identifier alone.
 * @param links the ids of what it is related to through other records, by relationship, where they were asked for
 */
export function resourceObject(
  rendering: Rendering,
  type: string,
  shown: Masked,
  links: ReadonlyMap<string, readonly string[]> = new Map(),
): ResourceObject {
  const { model, fields } = rendering;
  const identifier = identifierOf(model, type, shown.id);
  if (isBare(shown)) return identifier;
  const self = addressOf(rendering, type, shown.id);
  const wanted = (name: string) => fields.get(type)?.has(name) ?? true;
  const all = relationshipsOf(model, type);
  const relationships: Record<string, RelationshipObject> = {};
  for (const relationship of all) {
    const { name, by } = relationship;
    if (!wanted(name) || (by === 'field' && !(name in shown))) continue;
    const ids = by === 'field' ? shown[name] : links.get(name);
    relationships[name] = {
      ...(ids === undefined ? {} : { data: linkage(model, relationship, ids) }),
      links: { self: `${self}/relationships/${name}`, related: `${self}/${name}` },
    };
  }
  const { id: _, version, ...values } = shown;
  const attributes = Object.fromEntries(
    Object.entries(values).filter(([name]) => wanted(name) && !all.some((each) => each.name === name)),
  );
  return {
    ...identifier,
    ...(Object.keys(attributes).length > 0 ? { attributes } : {}),
    ...(Object.keys(relationships).length > 0 ? { relationships } : {}),
    links: { self },
    ...(typeof version === 'number' ? { meta: { version } } : {}),
  };
}

/** The value of a relationship, as identifiers: null for none, or an array where it is to many. */
export function linkage(
  model: Model,
  relationship: Relationship,
  ids: unknown,
): Identifier | null | readonly Identifier[] {
  const one = (id: unknown) => identifierOf(model, relationship.to, String(id));
  if (isToMany(relationship)) return (Array.isArray(ids) ? [...new Set<unknown>(ids)] : []).map(one);
  return ids === null || ids === undefined ? null : one(ids);
}
