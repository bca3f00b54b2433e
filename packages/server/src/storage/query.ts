import { CompiledQuery } from 'kysely';
import type { Executor } from './database.js';

export type SqlRow = Readonly<Record<string, unknown>>;

/** A question that is asked along with another, in one statement: it has one parameter, and at most one row answers it. */
export interface Along<T> {
  /** With `$1` for the parameter. */
  readonly text: string;
  readonly value: unknown;
  /** Reads the answer; all of its columns are null where there is none. */
  readonly read: (row: SqlRow) => T;
}

/** What kysely knows of a statement beside its text and its values: its plugins look at it, of which there are none. */
const WRITTEN = CompiledQuery.raw('');

/** Runs a statement whose text was written with numbered parameters, on a connection or in a transaction. */
export async function query<R extends SqlRow = SqlRow>(
  executor: Executor,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly R[]> {
  const { rows } = await executor.executeQuery<R>({ ...WRITTEN, sql: text, parameters: values });
  return rows;
}
