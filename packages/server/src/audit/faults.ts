/**
 * What can be wrong with a trail:
 * - `changed`: an entry is not what was sealed
 * - `removed`: what was sealed or queued is gone
 * - `added`: an entry that no sealer sealed, or whose seal no checkpoint signs
 * - `unsealed`: an entry that can't be sealed, or was not for minutes
 * - `reordered`: a seal is not in its place in the chain, or was changed
 * - `rewritten`: seals that fit each other, and not what a checkpoint signed
 * - `truncated`: the trail, or the file, ends before what is known to have been there
 * - `checkpoint`: a checkpoint can't be believed, or is gone
 * - `unguarded`: nothing holds back who would change it
 */
export type FaultKind =
  | 'changed'
  | 'removed'
  | 'added'
  | 'unsealed'
  | 'reordered'
  | 'rewritten'
  | 'truncated'
  | 'checkpoint'
  | 'unguarded';

export interface Fault {
  readonly kind: FaultKind;
  /** The place in the chain, where there is one; with `until` the first and the last of several. */
  readonly seq: number | null;
  readonly until?: number;
  readonly entry?: string;
  readonly at?: string;
  readonly event?: string;
  /** A sentence without its end. */
  readonly says: string;
}

/** A fault as a line of text. */
export function describeFault({ kind, seq, until, entry, at, event, says }: Fault): string {
  const place = seq === null ? [] : [until === undefined || until === seq ? `seq ${seq}` : `seq ${seq} to ${until}`];
  const what = [...place, entry, at ?? (entry && timeOf(entry)), event].filter((part) => part !== undefined);
  return what.length === 0 ? `${kind}: ${says}` : `${kind.padEnd(10)} ${what.join('  ')}: ${says}`;
}

/** When an entry that is gone was made, by its id: a UUIDv7 begins with the milliseconds (RFC 9562 §5.7). */
function timeOf(id: string): string | undefined {
  const hex = id.replaceAll('-', '');
  const time = new Date(Number.parseInt(hex.slice(0, 12), 16));
  return hex[12] === '7' && !Number.isNaN(time.getTime()) ? `about ${time.toISOString()}` : undefined;
}
