import type { Caller, Context } from '../application/context.js';
import type { Masked } from '../application/records.js';
import { type Among, countListed, LISTED } from '../records/page.js';
import { listAmong } from '../records/read.js';
import { type Document, documentOf, type Rendering, type ResourceObject, resourceObject } from './document.js';
import { includedWith, type Told } from './include.js';
import { paged } from './paging.js';
import { type Paging, readPaging, readShape, type Shape } from './query.js';

/** A request, as far as it says what is asked for, and where. */
export interface Asking {
  readonly context: Context;
  readonly caller: Caller;
  /** The address of the collections, from the server's root. */
  readonly base: string;
  readonly url: string;
  readonly query: Readonly<Record<string, string>>;
}

/** What is asked for of a list of records: read before anything is. */
export interface Listing {
  readonly shape: Shape;
  readonly paging: Paging;
}

/** @throws Problem `invalid_input`, `invalid_cursor` */
export function readListing({ context, query }: Asking, type: string): Listing {
  const { model } = context.policy;
  return { shape: readShape(model, type, query), paging: readPaging(model, type, query) };
}

/** The document with one record, or with none. */
export async function answerOne(asking: Asking, type: string, shape: Shape, shown: Masked | null): Promise<Document> {
  const { data, ...rest } = await compose(asking, type, shape, shown === null ? [] : [shown]);
  return documentOf({ data: data[0] ?? null, links: { self: asking.url }, ...rest });
}

/** The document with a page of records that the caller may list. */
export async function answerList(
  asking: Asking,
  type: string,
  { shape, paging }: Listing,
  among: Among = LISTED,
): Promise<Document> {
  const { context, caller, url } = asking;
  const { items, next } = await listAmong(context, caller, type, paging.asked, among);
  const total = await totalOf(asking, type, paging, among);
  return documentOf({ ...(await compose(asking, type, shape, items)), ...paged(url, paging, next, total) });
}

/** How many records a list has, where a page is asked for by its number; counting takes as long as reading them all. */
export async function totalOf(
  { context, caller }: Asking,
  type: string,
  { asked, number }: Paging,
  among: Among,
): Promise<number | null> {
  return number === null ? null : countListed(context, caller, type, asked, among);
}

async function compose(
  { context, caller, base }: Asking,
  type: string,
  { fields, include }: Shape,
  items: readonly Masked[],
): Promise<{ readonly data: readonly ResourceObject[]; readonly included?: readonly ResourceObject[] }> {
  const rendering: Rendering = { model: context.policy.model, base, fields };
  const told = items.map((shown): Told => ({ type, shown, links: new Map() }));
  const render = (each: Told) => resourceObject(rendering, each.type, each.shown, each.links);
  const included = await includedWith(context, caller, told, include);
  // Rendered last: what is found along the way belongs to the records as well.
  return { data: told.map(render), ...(include.size > 0 ? { included: included.map(render) } : {}) };
}
