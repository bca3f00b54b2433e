import { replaceAuditKey } from '../keys/index.js';
import type { Runtime } from '../runtime.js';
import type { Database, Executor } from '../storage/database.js';
import { INSTALLATION, writeAudit } from './trail.js';

/** A key that signs from now on. */
export interface NewKey {
  readonly purpose: 'token' | 'audit';
  readonly algorithm: string;
  readonly kid: string;
}

/** Tells the trail of a rotation, in its transaction. */
export function auditRotation(
  executor: Executor,
  runtime: Runtime,
  { purpose, algorithm, kid }: NewKey,
): Promise<void> {
  return writeAudit(executor, runtime, {
    application: INSTALLATION,
    event: 'keys.rotated',
    outcome: 'allowed',
    detail: { purpose, algorithm, kid },
  });
}

/** Makes a new key sign the trail from now on. Returns its id, which is its thumbprint (RFC 7638). */
export async function rotateAuditKey(database: Database, runtime: Runtime): Promise<string> {
  return database.db.transaction().execute(async (transaction) => {
    const key = await replaceAuditKey(transaction, runtime);
    await auditRotation(transaction, runtime, { purpose: 'audit', ...key });
    return key.kid;
  });
}
