import { CompiledQuery } from 'kysely';
import type { Executor } from './database.js';

export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs a statement whose text was written with numbered parameters, on a connection or in a transaction. */
export async function query<R extends SqlRow = SqlRow>(
  executor: Executor,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly R[]> {
  const { rows } = await executor.executeQuery<R>(CompiledQuery.raw(text, [...values]));
  return rows;
}
