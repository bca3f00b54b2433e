import { type AuditKeyRing, type AuditSigner, readStatement } from '../keys/index.js';
import type { Database } from '../storage/database.js';
import { query } from '../storage/query.js';

/** What a checkpoint signs: that at a time the chain of an installation had this hash at this place. */
export interface Checkpoint {
  readonly installation: string;
  readonly seq: number;
  /** Of the seal at `seq`, in hex. */
  readonly hash: string;
  readonly at: string;
  /** The place of the checkpoint before; null for the first. */
  readonly previous: number | null;
}

/** The header parameter `typ`: nothing else that is signed here has it. */
const TYPE = 'ostiary-checkpoint';

export function signCheckpoint(signer: AuditSigner, checkpoint: Checkpoint): Promise<string> {
  return signer.sign(TYPE, checkpoint);
}

/** What a verification relies on. */
export interface Trust {
  readonly installation: string;
  readonly keys: AuditKeyRing;
  /** Ids of keys: where there are some, nothing that another key signed is believed. */
  readonly pinned: readonly string[];
}

/** Reads a checkpoint; or says why it can't be believed, as the end of a sentence. */
export async function readCheckpoint(
  jws: string,
  { installation, keys, pinned }: Trust,
): Promise<{ readonly kid: string; readonly checkpoint: Checkpoint } | { readonly why: string }> {
  const read = await readStatement(jws, TYPE, keys);
  if ('why' in read) return read;
  if (pinned.length > 0 && !pinned.includes(read.kid)) {
    return { why: `is signed with the key ${read.kid}, which is none of those that were named` };
  }
  const checkpoint = read.payload as unknown as Checkpoint;
  if (checkpoint.installation !== installation) return { why: 'is of another installation' };
  return { kid: read.kid, checkpoint };
}

/** The last checkpoint that was signed; null where nothing is sealed yet. */
export async function latestCheckpoint(database: Database): Promise<string | null> {
  const [row] = await query<{ jws: string }>(
    database.db,
    'select jws from ostiary.audit_checkpoint order by seq desc limit 1',
  );
  return row?.jws ?? null;
}
