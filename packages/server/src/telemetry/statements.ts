import type { LogEvent } from 'kysely';
import { traceEnded } from './tracing.js';

/** A statement that ran. */
export interface Statement {
  /** What it does, as one word of a closed set: never its text, and never its values. */
  readonly operation: string;
  readonly milliseconds: number;
  readonly failed: boolean;
}

type Watcher = (statement: Statement) => void;

/** Tells whoever watches of each statement that ran, in the context of the request that it ran for. */
export class Statements {
  readonly #watchers = new Set<Watcher>();

  /** Returns what ends the watching. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  tell(operation: string, milliseconds: number, failed: boolean): void {
    traceEnded(operation, { 'db.system.name': 'postgresql', 'db.operation.name': operation }, milliseconds, failed);
    for (const watcher of this.#watchers) watcher({ operation, milliseconds, failed });
  }
}

const OPERATIONS = new Set(['select', 'insert', 'update', 'delete', 'with', 'lock', 'begin', 'commit', 'rollback']);

/** For kysely, which calls it after each of its statements. */
export function tellOf(statements: Statements): (event: LogEvent) => void {
  return ({ level, query, queryDurationMillis }) => {
    const word = /^[\s(]*([a-z]+)/i.exec(query.sql)?.[1]?.toLowerCase() ?? '';
    statements.tell(OPERATIONS.has(word) ? word : 'other', queryDurationMillis, level === 'error');
  };
}
