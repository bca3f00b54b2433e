import type { InField } from './inputs.js';
import type { Outcome } from './outcomes.js';
import type { Values } from './templates.js';

/** An action as its row says it. */
export interface Definition {
  /** The entity that it is on. */
  readonly entity: string;
  readonly inFields: readonly InField[];
  readonly outFields: readonly Outcome[];
  /** Whether it is of a row, which has to be named. */
  readonly needsRow: boolean;
  /** Whether its outcomes may be done in the installation's own name. */
  readonly elevated: boolean;
}

/** Reads the row of an action. */
export function definitionOf(entity: string, row: Values): Definition {
  return {
    entity,
    inFields: (row.in_fields ?? []) as readonly InField[],
    outFields: (row.out_fields ?? []) as readonly Outcome[],
    needsRow: row.instance_optional !== true,
    elevated: row.elevated === true,
  };
}
