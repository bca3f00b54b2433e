import type { Decision } from '@ostiary/policy';
import type { LoadedRecord } from '../storage/rows.js';

declare const AUTHORIZED: unique symbol;

/**
 * A record on which an action was allowed. Only `access` makes one, and only from a decision, so a function that
 * takes it can't be called by code that skipped the check: that does not compile.
 */
export interface Authorized<T extends string = string, A extends string = string> {
  readonly [AUTHORIZED]: readonly [T, A];
  readonly type: T;
  readonly action: A;
  readonly record: LoadedRecord;
  readonly decision: Decision;
  /** Names the decision in the answer and in the audit trail. */
  readonly decisionId: string;
}
