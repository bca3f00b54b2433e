import { type BoundedCache, createBoundedCache } from '../bounded-cache.js';
import type { Runtime } from '../runtime.js';
import type { Database } from '../storage/database.js';
import { Tally } from '../telemetry/tally.js';
import { RATE_NAMES, type RateName, type Rates } from './rates.js';
import { draw, forgetOver } from './shared-count.js';

/** What became of a request that was counted. */
export interface Allowance {
  readonly allowed: boolean;
  /** Requests in a window. */
  readonly rate: number;
  /** How many are left, as far as this server knows: others may have drawn since it asked. */
  readonly remaining: number;
  /** Seconds until the window ends, 1 at least. */
  readonly resetSeconds: number;
  /** Whether this refusal is the first of its key and window, on any server. */
  readonly first: boolean;
}

/** What this server has drawn and not spent yet. */
interface Lot {
  left: number;
  /** Whether the shared count has no more: then nobody asks it again until the window ends. */
  readonly usedUp: boolean;
  readonly remaining: number;
  /** In milliseconds of the runtime's clock. */
  readonly until: number;
  /** Taken back by the first who reads it. */
  first: boolean;
}

/** A draw is a twentieth of the rate: few enough for the database, and little is lost on a server that is idle. */
const DRAWS = 20;

/** Callers that are remembered, for each rate: a flood of guests pushes out no principal. */
const MOST_REMEMBERED = 50_000;

/**
 * Holds callers to their rates over all servers on one database. Each server draws lots from the shared count and spends
 * them by itself, so that most requests ask nobody. All servers together never let through more than the rate, and at
 * most a lot less for each server but one.
 */
export class Throttle {
  /** How often each rate refused. */
  readonly refusals = new Tally();
  readonly #lots: Readonly<Record<RateName, BoundedCache<Lot>>>;
  /** Of callers that have used up a rate. */
  readonly #looks = createBoundedCache<{ readonly second: number; readonly looks: number }>(MOST_REMEMBERED);
  readonly #drawing = new Map<string, Promise<Lot>>();
  #forgotten = 0;

  constructor(
    readonly database: Database,
    readonly runtime: Runtime,
    readonly rates: Rates,
    readonly windowSeconds = 60,
  ) {
    const caches = RATE_NAMES.map((name) => [name, createBoundedCache<Lot>(MOST_REMEMBERED)] as const);
    this.#lots = Object.fromEntries(caches) as Record<RateName, BoundedCache<Lot>>;
  }

  /** Counts a request. Null where the rate is off. Throws what the database throws. */
  async take(name: RateName, who: string): Promise<Allowance | null> {
    const rate = this.rates[name];
    if (rate === null) return null;
    let lot = this.#current(name, who);
    while (lot === undefined || (lot.left === 0 && !lot.usedUp)) {
      await this.#draw(name, who, rate);
      lot = this.#current(name, who);
    }
    const allowed = lot.left > 0;
    if (allowed) lot.left -= 1;
    return this.#allowance(name, rate, lot, allowed);
  }

  /** A caller who is known here to have used up a rate; null otherwise. Counts nothing, and asks nobody. */
  usedUp(name: RateName, who: string): Allowance | null {
    const rate = this.rates[name];
    const lot = rate === null ? undefined : this.#current(name, who);
    return rate === null || !lot?.usedUp ? null : this.#allowance(name, rate, lot, false);
  }

  /**
   * Whether it may be found out who calls from somewhere: always, until that has used up its rate; then as often in each
   * second, on each server, as the rate allows on average.
   */
  mayLook(name: RateName, who: string): boolean {
    const rate = this.rates[name];
    if (rate === null || !this.#current(name, who)?.usedUp) return true;
    const second = Math.floor(this.runtime.now().getTime() / 1000);
    const last = this.#looks.get(who);
    const looks = last?.second === second ? last.looks : 0;
    if (looks >= Math.ceil(rate / this.windowSeconds)) return false;
    this.#looks.set(who, { second, looks: looks + 1 });
    return true;
  }

  #current(name: RateName, who: string): Lot | undefined {
    const lot = this.#lots[name].get(who);
    return lot !== undefined && this.runtime.now().getTime() < lot.until ? lot : undefined;
  }

  #allowance(name: RateName, rate: number, lot: Lot, allowed: boolean): Allowance {
    if (!allowed) this.refusals.count(name);
    const first = !allowed && lot.first;
    if (first) lot.first = false;
    const seconds = Math.ceil((lot.until - this.runtime.now().getTime()) / 1000);
    return { allowed, rate, remaining: lot.remaining + lot.left, resetSeconds: Math.max(1, seconds), first };
  }

  /** Requests that come while a draw is under way wait for it, in place of drawing too. */
  #draw(name: RateName, who: string, rate: number): Promise<Lot> {
    const key = `${name} ${who}`;
    const running = this.#drawing.get(key);
    if (running !== undefined) return running;
    const drawn = this.#drawNow(name, who, key, rate).finally(() => this.#drawing.delete(key));
    this.#drawing.set(key, drawn);
    return drawn;
  }

  async #drawNow(name: RateName, who: string, key: string, rate: number): Promise<Lot> {
    // Before it is asked: so a lot is never spent after the window that it is of.
    const began = this.runtime.now().getTime();
    const { windowSeconds } = this;
    const lotSize = Math.max(1, Math.floor(rate / DRAWS));
    const { granted, remaining, milliseconds, first } = await draw(this.database.db, key, {
      lot: lotSize,
      rate,
      windowSeconds,
    });
    const lot: Lot = { left: granted, usedUp: granted === 0, remaining, until: began + milliseconds, first };
    this.#lots[name].set(who, lot);
    this.#forgetSometimes(began);
    return lot;
  }

  /** Once a window, along with some draw: a count that is over is of no use to anyone, and nobody waits for this. */
  #forgetSometimes(now: number): void {
    if (now < this.#forgotten + this.windowSeconds * 1000) return;
    this.#forgotten = now;
    forgetOver(this.database.db).catch(() => {});
  }
}
