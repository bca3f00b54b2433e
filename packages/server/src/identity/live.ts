import type { Database } from '../storage/database.js';
import type { Along, SqlRow } from '../storage/query.js';

/** A question about who makes a request, as it stands now. No field's name has the character that its columns begin with. */
export interface Live {
  readonly name: string;
  readonly text: string;
  /** How many values it has. */
  readonly values: number;
}

/** The column with the version of the rights. */
export const RIGHTS = '<rights';

/** No other question. */
export const NOTHING: Along<null> = { text: 'select', value: null, read: () => null };

/** By both questions; a statement has a name, so that it is prepared once per connection. */
const statements = new Map<string, { readonly name: string; readonly text: string }>();

function statementOf({ name, text, values }: Live, along: string) {
  const key = `${name} ${along}`;
  const known = statements.get(key) ?? {
    name: `ostiary live ${name} ${statements.size + 1}`,
    text: `select live.*, along.* from (${text}) live left join lateral (${along.replaceAll('$1', `$${values + 1}`)}) along on true`,
  };
  statements.set(key, known);
  return known;
}

/** Asks it together with another question, of the same moment: one way to the database in place of two. */
export async function askAlong(
  database: Database,
  live: Live,
  values: readonly unknown[],
  along: Along<unknown>,
): Promise<SqlRow | undefined> {
  const asked = [...values, ...(along.value === null ? [] : [along.value])];
  const [row] = await database.prepared<SqlRow>({ ...statementOf(live, along.text), values: asked });
  return row;
}
