import { createHash } from 'node:crypto';
import { auditKeyRing, readStatement } from '../keys/index.js';
import { Problem } from '../problems.js';
import { CheckpointWalk } from './checkpoint-walk.js';
import { beginning } from './entry.js';
import { EXPORT, EXPORT_END, EXPORT_VERSION, type ExportHeader } from './export-format.js';
import { linesOf } from './lines.js';
import { type Seal, Verifier } from './verifier.js';
import type { Verification, VerifyOptions } from './verify.js';

/**
 * Looks for faults in an export of the trail (JSON Lines), without the database that it comes from.
 * @throws Problem `malformed_request` where it is none
 */
export async function verifyExport(
  input: AsyncIterable<Uint8Array | string>,
  options: VerifyOptions = {},
): Promise<Verification> {
  const source = linesOf(input);
  const first = await source.next();
  const header = readHeader(first.done ? '' : first.value);
  const keys = await auditKeyRing(header.keys.keys);
  const { installation, last } = header;
  const from = Math.max(header.first - 1, 0);
  const verifier = new Verifier({ seq: from, hash: from === 0 ? beginning(installation) : header.previous });
  const walk = new CheckpointWalk(verifier, { installation, keys, pinned: options.keys ?? [] });
  await walk.keep(options.checkpoints ?? []);

  const hash = createHash('sha256').update(`${first.value}\n`);
  let number = 1;
  let end: string | null = null;
  for await (const line of source) {
    number += 1;
    const value = readLine(line);
    if (end !== null) {
      verifier.fault({ kind: 'added', seq: null, says: `line ${number} stands behind the end` });
      break;
    }
    if (value !== null && 'end' in value) {
      end = value.end;
      continue;
    }
    hash.update(`${line}\n`);
    if (value === null) {
      verifier.fault({ kind: 'changed', seq: null, says: `line ${number} can't be read` });
    } else if ('checkpoint' in value) {
      await walk.stored({ jws: value.checkpoint });
    } else {
      await walk.upTo(value.seq - 1, []);
      verifier.seal(value);
      options.progress?.(value.seq - from, last - from);
    }
  }
  await walk.upTo(last, []);
  verifier.end(last);
  const why = await whyNotAsWritten(end, { installation, lines: number - 1, sha256: hash.digest('hex') }, walk);
  // Where a fault says which line it is, there is no need to say that there is one.
  if (why !== null && verifier.faults.length === 0) {
    verifier.fault({ kind: end === null ? 'truncated' : 'changed', seq: null, says: why });
  }
  return {
    ...walk.result(),
    range: header.first === 0 ? null : { first: header.first, last: verifier.seq },
    waiting: 0,
  };
}

async function whyNotAsWritten(
  end: string | null,
  found: { readonly installation: string; readonly lines: number; readonly sha256: string },
  { trust }: CheckpointWalk,
): Promise<string | null> {
  if (end === null) return 'the file has no end: it was cut off';
  const read = await readStatement(end, EXPORT_END, trust.keys);
  if ('why' in read) return `the end of the file ${read.why}`;
  if (trust.pinned.length > 0 && !trust.pinned.includes(read.kid)) {
    return `the end of the file is signed with the key ${read.kid}, which is none of those that were named`;
  }
  const same = Object.entries(found).every(([name, value]) => read.payload[name] === value);
  return same ? null : 'the file is not as it was written: its first line was edited, or entries were taken out of it';
}

function readHeader(line: string): ExportHeader {
  const header = parse(line) as Partial<ExportHeader> | null;
  if (header?.format !== EXPORT) {
    throw new Problem('malformed_request', { detail: 'This file is not an export of the audit trail as JSON Lines.' });
  }
  const { version, installation, first, last, previous, keys } = header;
  const isWhole =
    version === EXPORT_VERSION &&
    typeof installation === 'string' &&
    Number.isSafeInteger(first) &&
    Number.isSafeInteger(last) &&
    typeof previous === 'string' &&
    Array.isArray(keys?.keys) &&
    keys.keys.every((key) => typeof key === 'object' && key !== null);
  if (!isWhole) {
    throw new Problem('malformed_request', {
      detail: 'The first line of this export is not whole, or of another version of this program.',
    });
  }
  return header as ExportHeader;
}

type Line = Seal | { readonly checkpoint: string } | { readonly end: string };

function readLine(text: string): Line | null {
  const value = parse(text);
  if (value === null) return null;
  const { seq, digest, hash, entry, checkpoint, end } = value;
  if (typeof end === 'string') return { end };
  if (typeof checkpoint === 'string') return { checkpoint };
  if (!Number.isSafeInteger(seq) || typeof digest !== 'string' || typeof hash !== 'string') return null;
  return entry === undefined || isEntry(entry) ? (value as unknown as Seal) : null;
}

/** What a fault names of an entry has to be text; the rest is for its digest to tell. */
function isEntry(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { id, at, event } = value as Readonly<Record<string, unknown>>;
  return [id, at, event].every((named) => typeof named === 'string');
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
