import pg from 'pg';

/** PostgreSQL's types of a calendar date and of an instant, and of several. */
const [DATE, DATES, INSTANT, TEXTS] = [1082, 1182, 1184, 1009];

type Parse = (text: string) => unknown;

/** A calendar date is no point in time: the driver would make it midnight, wherever the server stands. */
export const TYPES = withParsers(
  new Map<number, Parse>([
    [DATE, (text) => text],
    [DATES, (text) => pg.types.getTypeParser(TEXTS as never)(text)],
  ]),
);

/** The same with instants as they are in records, ISO 8601 in UTC: in lists, which have many, that takes a third. */
export const RECORD_TYPES = withParsers(
  new Map<number, Parse>([
    [DATE, (text) => text],
    [DATES, (text) => pg.types.getTypeParser(TEXTS as never)(text)],
    [INSTANT, isoInstant],
  ]),
);

function withParsers(parsers: ReadonlyMap<number, Parse>): pg.CustomTypesConfig {
  return {
    getTypeParser: ((oid: number, format?: 'text') =>
      parsers.get(oid) ?? pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
  };
}

/** `2026-03-01 09:30:00.5+00` as `2026-03-01T09:30:00.500Z`; what is in another form or zone goes through a date. */
export function isoInstant(text: string): string {
  const plain = text.length >= 22 && text.length <= 26 && text.charAt(10) === ' ' && text.endsWith('+00');
  if (!plain) return (pg.types.getTypeParser(INSTANT as never)(text) as unknown as Date).toISOString();
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0')}Z`;
}
