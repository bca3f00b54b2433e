import { type Condition, mapAtoms, mapOperands } from '../tree/condition.js';
import { demand } from './mistakes.js';

/** Begins the paths of a linked record, while its condition is being written, to tell them from those of `it`. */
export const ROW = '#';

/** A link's condition as its record sees it: paths of that record as they are, those of `it` through the link. */
export function seenFrom(condition: Condition, row: string, via: string): Condition {
  return mapPaths(condition, ([first, ...rest]) => {
    if (first === row) return rest;
    demand(!first?.startsWith(ROW), "a link within a link can speak of 'it' and of its own record only");
    return joinPaths([via], [first ?? 'id', ...rest]);
  });
}

/** The path to a value of the record that a path leads to. */
export function joinPaths(path: readonly string[], inner: readonly string[]): readonly string[] {
  if (isOwn(inner)) return path;
  return isOwn(path) ? inner : [...path, ...inner];
}

const isOwn = (path: readonly string[]) => path.length === 1 && path[0] === 'id';

/** Changes every path that begins at the outermost record. */
export function mapPaths(condition: Condition, change: (path: readonly string[]) => readonly string[]): Condition {
  return mapAtoms(condition, (atom) => {
    if (atom.op === 'linked') return { ...atom, at: change(atom.at) };
    if (atom.op === 'may') return { ...atom, path: change(atom.path) };
    return mapOperands(atom, (operand) =>
      operand.from === 'record' ? { from: 'record', path: change(operand.path) } : operand,
    );
  });
}
