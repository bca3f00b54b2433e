import type { LoadedRecord } from '../storage/rows.js';

/** A record as one reader sees it. */
export type Masked = Readonly<Record<string, unknown>> & { readonly id: string };

/** What came of a write. */
export interface Written {
  readonly record: LoadedRecord;
  readonly decisionId: string;
}
