import { readCheckpoint, type Trust } from './checkpoint.js';
import type { SignedPlace, Verifier } from './verifier.js';

/** A checkpoint as it is stored or exported; with its place and hash where these stand beside it. */
export interface StoredCheckpoint {
  readonly seq?: number;
  readonly hash?: string;
  readonly jws: string;
}

/** Hands signed places to a verifier, each in its place: those of the trail, and those that were kept elsewhere. */
export class CheckpointWalk {
  readonly #used = new Set<string>();
  #kept: SignedPlace[] = [];
  #beforeFirst = 0;
  #comparedTo: number | null = null;

  constructor(
    readonly verifier: Verifier,
    readonly trust: Trust,
  ) {}

  /**
   * Takes in what was kept elsewhere. What can't be believed of it is a fault; what is from before the walk begins can't be
   * compared, but for the place that it begins behind.
   */
  async keep(checkpoints: readonly string[]): Promise<void> {
    const { start } = this.verifier;
    for (const jws of checkpoints) {
      const read = await readCheckpoint(jws, this.trust);
      if ('why' in read) {
        this.verifier.fault({ kind: 'checkpoint', seq: null, says: `the checkpoint that was kept ${read.why}` });
        continue;
      }
      this.#used.add(read.kid);
      const { seq, hash } = read.checkpoint;
      if (seq > start.seq) this.#kept.push(read.checkpoint);
      else if (seq < start.seq) this.#beforeFirst += 1;
      else if (hash !== start.hash) {
        const says = 'the checkpoint that was kept signed something else than what the file begins behind';
        this.verifier.fault({ kind: 'rewritten', seq, says });
      }
    }
    this.#kept.sort((a, b) => a.seq - b.seq);
  }

  /** Hands over all up to a place. What is handed over leaves the list. */
  async upTo(seq: number, stored: StoredCheckpoint[]): Promise<void> {
    for (;;) {
      const [next, kept] = [stored[0]?.seq ?? Number.POSITIVE_INFINITY, this.#kept[0]?.seq ?? Number.POSITIVE_INFINITY];
      if (Math.min(next, kept) > seq || Math.min(next, kept) === Number.POSITIVE_INFINITY) return;
      const own = next <= kept ? stored.shift() : undefined;
      if (own) await this.stored(own);
      else {
        this.verifier.kept(this.#kept.shift() as SignedPlace);
        this.#comparedTo = kept;
      }
    }
  }

  /** A checkpoint of the trail: what counts is what was signed. */
  async stored({ seq, hash, jws }: StoredCheckpoint): Promise<void> {
    const read = await readCheckpoint(jws, this.trust);
    if ('why' in read) {
      this.verifier.badCheckpoint(seq ?? this.verifier.seq, read.why);
      return;
    }
    this.#used.add(read.kid);
    const { checkpoint } = read;
    if ((seq ?? checkpoint.seq) !== checkpoint.seq || (hash ?? checkpoint.hash) !== checkpoint.hash) {
      this.verifier.badCheckpoint(
        seq ?? checkpoint.seq,
        `was signed for seq ${checkpoint.seq}, and stands for something else`,
      );
      return;
    }
    this.verifier.checkpoint(checkpoint);
  }

  result() {
    const { faults, more, seals, entries, checkpoints } = this.verifier;
    const { installation } = this.trust;
    return {
      faults,
      moreFaults: more,
      installation,
      seals,
      entries,
      checkpoints,
      comparedTo: this.#comparedTo,
      beforeFirst: this.#beforeFirst,
      notReached: this.#kept.length,
      keys: [...this.#used],
    };
  }
}
