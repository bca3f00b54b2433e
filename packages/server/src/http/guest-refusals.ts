import type { Context } from '../application/context.js';
import { type AuditEntry, writeAudit } from '../audit/trail.js';

/** So many are written in full, for one address and window. */
export const REFUSALS_IN_FULL = 60;

/** Addresses that are told apart in a window. Those beyond share what one has. */
const MOST_ADDRESSES = 10_000;

/** Refusals that were counted, in place of written. */
interface Count {
  readonly address: string;
  readonly entry: Pick<AuditEntry, 'application' | 'event' | 'outcome'>;
  more: number;
}

/**
 * Refusals of those who did not say who they are, of one application on one server. Anybody can cause them: so the trail has
 * the first of an address in full, and of the rest how many there were of each kind, when the window ends or the server
 * stops.
 */
export class GuestRefusals {
  #began = Number.NEGATIVE_INFINITY;
  readonly #written = new Map<string, number>();
  #counts = new Map<string, Count>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    readonly context: Pick<Context, 'database' | 'runtime'>,
    readonly most: number = REFUSALS_IN_FULL,
    readonly windowSeconds = 60,
  ) {}

  /** Writes a refusal, or counts it. Throws what the database throws. */
  async add(address: string, entry: AuditEntry): Promise<void> {
    const { database, runtime } = this.context;
    const who = this.#told(address);
    const written = this.#written.get(who) ?? 0;
    if (written >= this.most) {
      this.#count(who, entry, 1);
      return;
    }
    this.#written.set(who, written + 1);
    await writeAudit(database.db, runtime, entry);
  }

  /** Writes what was counted. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#write();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** The name under which an address is counted in this window. */
  #told(address: string): string {
    const now = this.context.runtime.now().getTime();
    // The clock may have been set back.
    if (Math.abs(now - this.#began) >= this.windowSeconds * 1000) {
      this.#began = now;
      this.#written.clear();
    }
    return this.#written.has(address) || this.#written.size < MOST_ADDRESSES ? address : 'others';
  }

  #count(address: string, { application, event, outcome }: Count['entry'], more: number): void {
    const key = `${event} ${address}`;
    const count = this.#counts.get(key);
    if (count === undefined) this.#counts.set(key, { address, entry: { application, event, outcome }, more });
    else count.more += more;
    this.#timer ??= setTimeout(() => this.#write(), this.windowSeconds * 1000).unref();
  }

  #write(): Promise<void> {
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#writeNow());
    return this.#writing;
  }

  async #writeNow(): Promise<void> {
    const { database, runtime } = this.context;
    const counts = this.#counts;
    this.#counts = new Map();
    for (const { address, entry, more } of counts.values()) {
      const written = writeAudit(database.db, runtime, { ...entry, detail: { address, more } });
      // Counted on, until the database takes it.
      await written.catch(() => this.#count(address, entry, more));
    }
  }
}
