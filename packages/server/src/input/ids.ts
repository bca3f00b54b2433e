/** How ids are written: UUIDs in lower case. */
export const ID_PATTERN = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';

const ID = new RegExp(ID_PATTERN);

/** Whether this is an id, as ids are written. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

/** The id that somebody typed, in whichever case; null where it is none. */
export function readId(text: string): string | null {
  const id = text.toLowerCase();
  return isId(id) ? id : null;
}
