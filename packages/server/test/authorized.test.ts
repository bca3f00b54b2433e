import type { Policy } from '@ostiary/policy';
import { describe, expect, it } from 'vitest';
import { authorize } from '../src/access/access.js';
import type { Caller, Context } from '../src/application/context.js';
import { deleteRecord, insertRecord, updateRecord } from '../src/records/store.js';
import type { Runtime } from '../src/runtime.js';
import type { Transaction } from '../src/storage/database.js';
import type { LoadedRecord } from '../src/storage/rows.js';

declare const transaction: Transaction;
declare const policy: Policy;
declare const runtime: Runtime;
declare const context: Context;
declare const caller: Caller;
declare const record: LoadedRecord;

/** Never run: what must not compile, and what must. Checked with the types of all tests. */
function handles(): void {
  const read = authorize(context, caller, 'read', 'Session', record);
  const deletion = authorize(context, caller, 'delete', 'Session', record);
  const creation = authorize(context, caller, 'create', 'Session', record);

  deleteRecord(transaction, policy, deletion);
  insertRecord(transaction, policy, creation);
  updateRecord(transaction, policy, runtime, authorize(context, caller, 'update', 'Session', record), {});

  // @ts-expect-error a record that was loaded, but not decided on
  deleteRecord(transaction, policy, record);
  // @ts-expect-error who may read may not delete
  deleteRecord(transaction, policy, read);
  // @ts-expect-error who may delete may not create
  insertRecord(transaction, policy, deletion);
  // @ts-expect-error a handle can't be made by hand
  deleteRecord(transaction, policy, {
    type: 'Session',
    action: 'delete',
    record,
    decision: read.decision,
    decisionId: '',
  });
}

describe('writing', () => {
  it('takes a handle that a decision gave, or does not compile', () => {
    expect(handles).toBeTypeOf('function');
  });
});
