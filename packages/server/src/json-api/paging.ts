import type { Links, Meta } from './document.js';
import type { Paging } from './query.js';

/** What a page tells of the list that it is of. */
export interface Paged {
  readonly links: Links;
  readonly meta: Meta;
}

/**
 * The links to other pages.
 * @param url the request's
 * @param next what `page[after]` takes for the next page; null on the last
 * @param total how many records the list has, where it was asked by number
 */
export function paged(url: string, { asked, number }: Paging, next: string | null, total: number | null): Paged {
  const at = (name: 'number' | 'after', value: string) => pageAddress(url, name, value);
  if (number === null) {
    const links = { self: url, first: at('after', ''), prev: null, next: next === null ? null : at('after', next) };
    return { links, meta: { after: next } };
  }
  const last = Math.max(1, Math.ceil((total ?? 0) / asked.limit));
  const links = {
    self: url,
    first: at('number', '1'),
    prev: number === 1 ? null : at('number', String(Math.min(number - 1, last))),
    next: next === null ? null : at('number', String(number + 1)),
    last: at('number', String(last)),
  };
  // By several keys there is no place after which a page could begin.
  return { links, meta: { total, after: (asked.then ?? []).length > 0 ? null : next } };
}

function pageAddress(url: string, name: 'number' | 'after', value: string): string {
  const [path, search] = url.split('?', 2);
  const parameters = new URLSearchParams(search);
  for (const other of ['number', 'after']) parameters.delete(`page[${other}]`);
  parameters.set(`page[${name}]`, value);
  return `${path}?${parameters}`;
}
