import { actionsOf, decide, type Model, universal } from '@ostiary/policy';
import { environment } from '../access/access.js';
import type { Context } from '../application/context.js';
import { loadRecord } from '../storage/load.js';
import type { LoadedRecord } from '../storage/rows.js';
import type { Tally } from '../telemetry/tally.js';
import { ONLINE, type Told } from './events.js';
import type { Socket } from './rows.js';
import type { Sockets } from './sockets.js';
import type { Standing } from './standing.js';

export interface DeliveryOptions {
  /** Events by application, and what became of them. */
  readonly tally: Tally;
  readonly report: (error: unknown, message: string) => void;
}

/** Beyond this, events are dropped in place of filling the memory. */
const MOST_WAITING = 10_000;
const AT_ONCE = 100;

/**
 * Delivers the events of one application to the sockets of one server, one after the other. Who may know of one is decided
 * when it is delivered, on what is in the database then.
 */
export class Delivery {
  #waiting: Told[] = [];
  #running = false;

  constructor(
    /** The application as it is now. */
    readonly now: () => Context,
    readonly sockets: Sockets,
    readonly options: DeliveryOptions,
  ) {}

  get context(): Context {
    return this.now();
  }

  add(told: Told): void {
    if (this.#waiting.length >= MOST_WAITING) this.#count('dropped');
    else this.#waiting.push(told);
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const now = this.#waiting.slice(0, AT_ONCE);
      this.#waiting = this.#waiting.slice(AT_ONCE);
      await this.#deliver(now).catch((error: unknown) => {
        for (const _ of now) this.#count('dropped');
        this.options.report(error, 'events could not be delivered');
      });
    }
    this.#running = false;
  }

  async #deliver(events: readonly Told[]): Promise<void> {
    const { context, sockets } = this;
    const concerned = sockets.of(context).filter((socket) => events.some((told) => mayConcern(told, socket)));
    if (concerned.length === 0) return;
    const standing = await sockets.recheck(context, concerned);
    for (const told of events) {
      const { id, at, event, about, detail } = told;
      const message = JSON.stringify({ id, at, event, about, detail });
      for (const socket of await this.#readers(told, standing)) {
        if (sockets.send(socket, message)) this.#count('delivered');
      }
    }
  }

  /** Who is told: whoever is named, or else may know of the record as it is now; of one that is gone, who may of them all. */
  async #readers(told: Told, standing: ReadonlyMap<Socket, Standing>): Promise<readonly Socket[]> {
    const concerned = [...standing].filter(([socket]) => mayConcern(told, socket));
    if (told.to !== null || concerned.length === 0) return concerned.map(([socket]) => socket);
    const { policy, database } = this.context;
    const { type, id } = told.about;
    const action = actionOf(policy.model, told);
    const record = await loadRecord(database.db, policy, type, id);
    const readers: Socket[] = [];
    for (const [socket, { rightsVersion }] of concerned) {
      if (isOwnPresence(told, socket)) continue;
      if (await this.#may(action, socket, rightsVersion, type, record)) readers.push(socket);
    }
    return readers;
  }

  async #may(
    action: string,
    socket: Socket,
    rightsVersion: string,
    type: string,
    record: LoadedRecord | null,
  ): Promise<boolean> {
    const { context } = this;
    const { policy, database, principals, types } = context;
    await types.upTo(database.db, rightsVersion);
    const { kind, principalId, sessionId } = socket;
    const principal = await principals.current(database.db, kind, principalId, rightsVersion, sessionId !== null);
    if (principal === null) return false;
    const now = environment(context);
    if (record === null) return universal(policy, principal, action, type, now);
    return decide(policy, principal, action, type, record.facts, now).allowed;
  }

  #count(outcome: 'delivered' | 'dropped'): void {
    this.options.tally.count(this.context.policy.model.name, outcome);
  }
}

function mayConcern({ to }: Told, { kind, principalId }: Socket): boolean {
  return to === null || to === undefined || to.some((each) => each.kind === kind && each.id === principalId);
}

function isPresence({ event }: Told): boolean {
  return event === 'online' || event === 'offline';
}

/** What one has to be allowed to be told: of who is online what the list of them asks for, where a type has it. */
function actionOf(model: Model, told: Told): string {
  return isPresence(told) && actionsOf(model, told.about.type).includes(ONLINE) ? ONLINE : 'read';
}

/** Nobody is told that they are online: they would be told or not, by who is quicker. */
function isOwnPresence(told: Told, { context, kind, principalId }: Socket): boolean {
  const { about } = told;
  const type = context.policy.model.principals[kind];
  return isPresence(told) && about.type === type && about.id === principalId;
}
