import type { WebSocket } from 'ws';
import type { Context } from '../application/context.js';
import { Problem } from '../problems.js';
import type { Database } from '../storage/database.js';
import { Listener } from '../storage/listener.js';
import { ACCOUNT_CHANNEL } from '../storage/presence-tables.js';
import { Tally } from '../telemetry/tally.js';
import { Delivery } from './delivery.js';
import { EVENT_CHANNEL, type Told } from './events.js';
import { BEATS_TO_LAPSE, forget, lapse, putOff, type Socket } from './rows.js';
import { Sockets } from './sockets.js';

export interface PresenceOptions {
  readonly database: Database;
  readonly contexts: ReadonlyMap<string, Context>;
  /** This server, among those on the same database. */
  readonly server: string;
  /** How often a server says that it is there, and looks after its sockets; 5 seconds unless given. */
  readonly beatSeconds?: number | undefined;
  readonly report: (error: unknown, message: string) => void;
}

/** Sockets are asked whether they are there with every so manieth beat. */
const BEATS_TO_ASK = 6;

/**
 * Who is online at one server, and what they are told. Several servers share the database alone: each has rows for its own
 * sockets there, hears what happens by NOTIFY, and writes at every beat that it lives.
 */
export class Presence {
  /** Events by application, delivered or dropped. */
  readonly events = new Tally();
  readonly #sockets: Sockets;
  readonly #deliveries: ReadonlyMap<string, Delivery>;
  readonly #listener: Listener;
  readonly #beatSeconds: number;
  #timer: NodeJS.Timeout | null = null;
  #beats = 0;
  #heard = performance.now();
  #beating: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | null = null;

  constructor(readonly options: PresenceOptions) {
    const { server, contexts, database, report, beatSeconds = 5 } = options;
    this.#beatSeconds = beatSeconds;
    this.#sockets = new Sockets(server);
    this.#deliveries = new Map(
      [...contexts].map(([name, context]) => [
        name,
        new Delivery(() => contexts.get(name) ?? context, this.#sockets, { tally: this.events, report }),
      ]),
    );
    this.#listener = new Listener(database.pool.options, {
      channels: [ACCOUNT_CHANNEL, EVENT_CHANNEL],
      notified: (channel, payload) => this.#notified(channel, payload),
      connected: () => void this.#recheck(),
    });
  }

  /** How many sockets are open here, by application and kind. */
  counts(): ReturnType<Sockets['counts']> {
    return this.#sockets.counts();
  }

  /** Begins to listen and to beat. A database that does not answer is waited for, at every beat. */
  async start(): Promise<void> {
    await this.#listener.start();
    await this.#beat();
    this.#next();
  }

  /**
   * Opens a socket.
   * @param upgrade makes the connection one of WebSockets; null where that is not possible any more
   * @throws Problem `invalid_token`, `limit_reached`, `unavailable`
   */
  async open(socket: Socket, upgrade: () => WebSocket | null): Promise<void> {
    if (this.#stopping !== null) throw new Problem('unavailable', { detail: 'This server is closing.', retryAfter: 1 });
    await this.#sockets.open(socket, upgrade);
  }

  /** Closes all sockets, and takes no more. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#sockets.endAll(1001);
    await this.#beating;
    await this.#listener.stop();
    await forget(this.options.database, this.options.server).catch(() => {});
  }

  #next(): void {
    if (this.#stopping !== null) return;
    this.#timer = setTimeout(() => {
      this.#beating = this.#beat().finally(() => this.#next());
    }, this.#beatSeconds * 1000).unref();
  }

  async #beat(): Promise<void> {
    const { database, contexts, server, report } = this.options;
    this.#beats += 1;
    this.#sockets.recount();
    if (this.#beats % BEATS_TO_ASK === 0) this.#sockets.ask();
    try {
      await this.#listener.check();
      if (await putOff(database, server, this.#beatSeconds)) await this.#sockets.reenter();
      this.#heard = performance.now();
      await this.#sockets.settle();
      await lapse(database, contexts);
    } catch (error) {
      report(error, 'the servers could not be told who is online');
    }
    await this.#recheck();
  }

  /** Closes sockets whose session has ended: all of them, where the database has not said anything for too long. */
  async #recheck(): Promise<void> {
    try {
      for (const context of this.options.contexts.values()) {
        await this.#sockets.recheck(context, this.#sockets.of(context));
      }
    } catch (error) {
      this.options.report(error, 'who is online could not be checked');
      const silent = performance.now() - this.#heard;
      if (silent > this.#beatSeconds * BEATS_TO_LAPSE * 1000) await this.#sockets.endAll(1013);
    }
  }

  #notified(channel: string, payload: string): void {
    try {
      const told = JSON.parse(payload) as Told & { readonly kind: string; readonly id: string };
      const delivery = this.#deliveries.get(told.application);
      if (delivery === undefined) return;
      if (channel === EVENT_CHANNEL) delivery.add(told);
      else void this.#changed(delivery.context, told.kind, told.id);
    } catch (error) {
      this.options.report(error, 'something that is no event was told');
    }
  }

  async #changed(context: Context, kind: string, id: string): Promise<void> {
    const own = this.#sockets.of(context).filter((socket) => socket.kind === kind && socket.principalId === id);
    await this.#sockets
      .recheck(context, own)
      .catch((error: unknown) => this.options.report(error, 'who is online could not be checked'));
  }
}
