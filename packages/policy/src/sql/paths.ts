import { fieldOf } from '../language/lookup.js';
import type { Model } from '../language/model.js';
import { columnOf, tableOf } from './names.js';

/** A record or principal that is not known: the row of a query. */
export interface Row {
  readonly type: string;
  readonly alias: string;
}

/** The value at a path from a row. */
export function pathSql(model: Model, row: Row, path: readonly string[]): string {
  const [step, ...rest] = path as [string, ...string[]];
  const own = `${row.alias}.${columnOf(step)}`;
  if (rest.length === 0) return own;
  const target = fieldOf(model, row.type, step).to as string;
  const inner: Row = { type: target, alias: nextAlias(row.alias) };
  return `(select ${pathSql(model, inner, rest)} from ${tableOf(model, target)} ${inner.alias} where ${inner.alias}.id = ${own})`;
}

/** An alias for a row that is reached from another. */
export function nextAlias(alias: string): string {
  return `${alias}x`;
}
