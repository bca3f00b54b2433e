import { chainHash, digestOfEntry, type SealedEntry } from './entry.js';
import type { Fault } from './faults.js';

/** One place of the chain, as it is stored or exported. */
export interface Seal {
  readonly seq: number;
  /** In hex. */
  readonly digest: string;
  readonly hash: string;
  /** Of the entry, where it is known. */
  readonly id?: string;
  /** Undefined where it was left out of an export, null where it is gone. */
  readonly entry?: SealedEntry | null;
}

/** What a checkpoint signed, once its signature is known to be good. */
export interface SignedPlace {
  readonly seq: number;
  readonly hash: string;
  /** The checkpoint before; undefined where it does not matter. */
  readonly previous?: number | null;
}

/** More faults than this are counted only. */
const MOST_FAULTS = 10_000;

/**
 * Walks along a chain and finds every fault in it. After one it takes up the chain again where it is whole, so that one
 * changed entry is one fault. Give it the seals and checkpoints in the order of their places, a checkpoint after the seal that it
 * signs.
 */
export class Verifier {
  readonly faults: Fault[] = [];
  /** Faults beyond those that are kept. */
  more = 0;
  seals = 0;
  entries = 0;
  checkpoints = 0;

  /** The last place that was seen, with the hash that stands there. */
  #at: { seq: number; hash: string };
  /** The last place that a checkpoint signed, where it agreed with the chain. */
  #signed: { seq: number; hash: string };
  #lastSeal = 0;
  /** Seals behind it: nothing signs them yet. */
  #unsigned: Seal[] = [];
  /** Other hashes that the chain may go on from, within a stretch that is broken. */
  #resume = new Set<string>();
  #broken = -1;
  #rewriting = false;
  #lastCheckpoint: number | null | undefined;
  readonly #gaps: { from: number; to: number }[] = [];

  /** @param start the place before the first: 0 and the chain's beginning, or where an export of a part begins */
  constructor(readonly start: { readonly seq: number; readonly hash: string }) {
    this.#at = { ...start };
    this.#signed = { ...start };
    this.#lastCheckpoint = start.seq === 0 ? null : undefined;
  }

  /** Where the walk is. */
  get seq(): number {
    return this.#at.seq;
  }

  fault(fault: Fault): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push(fault);
    else this.more += 1;
  }

  seal(seal: Seal): void {
    this.seals += 1;
    this.#checkEntry(seal);
    if (seal.seq <= this.#at.seq) {
      this.#found(seal.seq);
      this.fault({ kind: 'reordered', ...named(seal), says: `it stands behind seq ${this.#at.seq}` });
      return;
    }
    this.#lastSeal = seal.seq;
    const whole = this.#skipTo(seal.seq - 1);
    if (!this.#follows(seal) && whole) {
      this.#broken = seal.seq;
      const says = 'it is not in the place where it was sealed, or its seal was changed';
      this.fault({ kind: 'reordered', ...named(seal), says });
    }
    this.#at = { seq: seal.seq, hash: seal.hash };
    this.#unsigned.push(seal);
  }

  /** A checkpoint of the trail itself, in its order. */
  checkpoint(place: SignedPlace): void {
    this.checkpoints += 1;
    if (this.#lastCheckpoint !== undefined && place.previous !== this.#lastCheckpoint) {
      const says = `the checkpoint before it was signed at seq ${place.previous ?? 'none'}, and is gone`;
      this.fault({ kind: 'checkpoint', seq: place.seq, says });
    }
    this.#lastCheckpoint = place.seq;
    this.kept(place);
  }

  /** A checkpoint of the trail that can't be believed. */
  badCheckpoint(seq: number, why: string): void {
    this.checkpoints += 1;
    this.#lastCheckpoint = seq;
    this.#unsigned = [];
    const says = `the checkpoint ${why}`;
    const before = this.faults.at(-1);
    // A key that is gone is one fault, however much it signed.
    if (before?.kind === 'checkpoint' && before.says === says)
      this.faults.push({ ...(this.faults.pop() as Fault), until: seq });
    else this.fault({ kind: 'checkpoint', seq, says });
  }

  /** What is known to have been signed, by a checkpoint of the trail or by one that was kept elsewhere. */
  kept({ seq, hash }: SignedPlace): void {
    if (seq > this.#at.seq) {
      this.#skipTo(seq);
      this.#at = { seq, hash };
    } else if (seq < this.#at.seq) {
      this.fault({ kind: 'checkpoint', seq, says: `the checkpoint stands behind seq ${this.#at.seq}` });
      return;
    } else if (hash !== this.#at.hash) {
      if (this.#broken !== seq && !this.#rewriting) {
        const says = `the checkpoint at seq ${seq} signed something else`;
        this.fault({ kind: 'rewritten', seq: this.#signed.seq + 1, until: seq, says });
        this.#rewriting = true;
      }
      this.#resume.add(hash);
      this.#unsigned = [];
      return;
    }
    this.#rewriting = false;
    this.#signed = { seq, hash };
    this.#unsigned = [];
  }

  /** Call it when there is no more, with the last place if that is known. */
  end(last = 0): void {
    // Where the end is missing, so is what signed the last that is there.
    if (this.#skipTo(last)) for (const seal of this.#unsigned) this.#addUnsigned(seal);
    for (const { from, to } of this.#gaps) {
      // Behind what is signed and before a seal that is not: nobody knows of anything there, and that seal has its fault.
      if (from > this.#signed.seq && to <= this.#lastSeal) continue;
      const isEnd = to > this.#lastSeal;
      const says = isEnd ? 'it is known to have been there' : 'the seal is gone';
      this.fault({ kind: isEnd ? 'truncated' : 'removed', seq: from, until: to, says });
    }
    this.faults.sort((a, b) => (a.seq ?? Number.MAX_SAFE_INTEGER) - (b.seq ?? Number.MAX_SAFE_INTEGER));
  }

  #checkEntry(seal: Seal): void {
    if (seal.entry === undefined) return;
    if (seal.entry === null) {
      this.fault({ kind: 'removed', ...named(seal), says: 'it was sealed, and is gone' });
      return;
    }
    this.entries += 1;
    if (digestOfEntry(seal.entry) !== seal.digest) {
      this.fault({ kind: 'changed', ...named(seal), says: 'it is not what was sealed' });
    }
  }

  /** Whether a seal follows what stands before it, or, where that is broken, what should have stood there. */
  #follows(seal: Seal): boolean {
    const isAfter = (previous: string) => chainHash(seal.seq, previous, seal.digest) === seal.hash;
    if (isAfter(this.#at.hash)) {
      this.#resume.clear();
      return true;
    }
    if (isAfter(this.#signed.hash)) {
      // The sealer went past these: it had not put them there.
      for (const added of this.#unsigned) this.#addUnsigned(added);
      this.#unsigned = [];
      this.#resume.clear();
      return true;
    }
    if ([...this.#resume].some(isAfter)) {
      this.#resume.clear();
      return true;
    }
    for (const hash of [this.#at.hash, chainHash(seal.seq, this.#at.hash, seal.digest)]) this.#resume.add(hash);
    return false;
  }

  #addUnsigned(seal: Seal): void {
    this.fault({ kind: 'added', ...named(seal), says: 'no checkpoint signs it' });
  }

  /** Notes what is missing up to a place. Returns whether nothing is. */
  #skipTo(seq: number): boolean {
    if (seq <= this.#at.seq) return true;
    const from = this.#at.seq + 1;
    const before = this.#gaps.at(-1);
    if (before?.to === from - 1) before.to = seq;
    else this.#gaps.push({ from, to: seq });
    return false;
  }

  /** What was missing came later. */
  #found(seq: number): void {
    const index = this.#gaps.findIndex(({ from, to }) => from <= seq && seq <= to);
    const gap = this.#gaps[index];
    if (gap === undefined) return;
    const rest = [
      { from: gap.from, to: seq - 1 },
      { from: seq + 1, to: gap.to },
    ].filter(({ from, to }) => from <= to);
    this.#gaps.splice(index, 1, ...rest);
  }
}

function named({ seq, id, entry }: Seal): Pick<Fault, 'seq' | 'entry' | 'at' | 'event'> {
  const known = entry?.id ?? id;
  return {
    seq,
    ...(known === undefined ? {} : { entry: known }),
    ...(entry ? { at: entry.at, event: entry.event } : {}),
  };
}
