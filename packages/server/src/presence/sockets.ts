import type { WebSocket } from 'ws';
import type { Context } from '../application/context.js';
import { Problem } from '../problems.js';
import { enter, leave, reenter, type Socket } from './rows.js';
import { type Standing, standingOf } from './standing.js';

/** Why a server closes a socket, by the code that it closes it with (RFC 6455 §7.4); from 4000 on they are ours. */
export const CLOSINGS = {
  1001: 'this server is closing',
  1008: 'nothing is sent here',
  1013: 'the database does not answer',
  4401: 'log in again',
  4403: 'you may not be online',
  4408: 'you do not read',
} as const;

export type Closing = keyof typeof CLOSINGS;

interface Open extends Socket {
  /** Null until the connection is one of WebSockets. */
  wire: WebSocket | null;
  /** Why it is to be closed, where that was decided before it was opened. */
  ended: Closing | null;
  /** Whether it answered since it was asked. */
  alive: boolean;
  /** Pings and pongs since the last beat. */
  frames: number;
}

/** How long a socket has to close after it was told to. */
const CLOSE_MILLISECONDS = 1_000;
/** How much waits for who reads slowly. */
const MOST_BUFFERED_BYTES = 1_048_576;
/** Pings and pongs between two beats. */
const MOST_FRAMES = 50;

/** The sockets that are open on one server. */
export class Sockets {
  readonly #open = new Map<string, Open>();
  /** Closed, and not written yet. */
  readonly #leaving = new Map<string, { readonly socket: Socket; readonly code: number }>();

  constructor(readonly server: string) {}

  of({ policy: { model } }: Context): readonly Socket[] {
    return this.#all().filter((socket) => socket.context.policy.model.name === model.name);
  }

  /** How many there are by application and kind. */
  counts(): readonly (readonly [application: string, kind: string, sockets: number])[] {
    const counts = new Map<string, [string, string, number]>();
    for (const { context, kind } of this.#open.values()) {
      const { name } = context.policy.model;
      const count = counts.get(`${name} ${kind}`) ?? [name, kind, 0];
      count[2] += 1;
      counts.set(`${name} ${kind}`, count);
    }
    return [...counts.values()];
  }

  /**
   * Opens a socket: first where all servers see it, and then to its principal. So whatever ends the session meanwhile ends
   * the socket as well.
   * @param upgrade makes the connection one of WebSockets; null where that is not possible any more
   * @throws Problem `invalid_token`, `limit_reached`
   */
  async open(socket: Socket, upgrade: () => WebSocket | null): Promise<void> {
    const open: Open = { ...socket, wire: null, ended: null, alive: true, frames: 0 };
    this.#open.set(open.id, open);
    try {
      await enter(this.server, open);
    } catch (error) {
      this.#open.delete(open.id);
      // What the database did not answer to may have been done.
      if (!(error instanceof Problem)) await this.#leave(open, 1011);
      throw error;
    }
    if (open.ended === null) open.wire = upgrade();
    if (open.wire !== null) return this.#watch(open, open.wire);
    await this.#gone(open, open.ended ?? 1006);
    if (open.ended !== null) throw new Problem(open.ended < 4000 ? 'unavailable' : 'invalid_token');
  }

  #watch(open: Open, wire: WebSocket): void {
    const frame = () => {
      open.frames += 1;
      if (open.frames > MOST_FRAMES) this.end(open, 1008);
    };
    wire.on('message', () => this.end(open, 1008));
    wire.on('ping', frame);
    wire.on('pong', () => {
      open.alive = true;
      frame();
    });
    // It is told by itself why it is closed; 'close' follows.
    wire.on('error', () => cutSoon(wire));
    wire.on('close', (code) => void this.#gone(open, code));
  }

  /** Sends a message. Returns whether the socket is there to take it. */
  send(socket: Socket, message: string): boolean {
    const open = this.#open.get(socket.id);
    if (open?.wire == null) return false;
    if (open.wire.bufferedAmount > MOST_BUFFERED_BYTES) {
      this.end(open, 4408);
      return false;
    }
    open.wire.send(message, () => {});
    return true;
  }

  /** Closes a socket. Nothing more is sent to it, whether or not it does as it is told. */
  async end(socket: Socket, closing: Closing): Promise<void> {
    const open = this.#open.get(socket.id);
    if (open === undefined) return;
    open.ended = closing;
    const { wire } = open;
    // Whoever opens it looks after it, until it is open.
    if (wire === null) return;
    wire.close(closing, CLOSINGS[closing]);
    cutSoon(wire);
    await this.#gone(open, closing);
  }

  /** Closes all of them. */
  async endAll(closing: Closing): Promise<void> {
    await Promise.all(this.#all().map((open) => this.end(open, closing)));
  }

  /** Closes those of an application whose session or account is not what it was, and tells what the others are worth. */
  async recheck(context: Context, sockets: readonly Socket[]): Promise<ReadonlyMap<Socket, Standing>> {
    const standing = await standingOf(context, context.database.db, sockets);
    const left = new Map<Socket, Standing>();
    for (const socket of sockets) {
      const found = standing.get(socket);
      if (found?.may === true) left.set(socket, found);
      else void this.end(socket, found === undefined ? 4401 : 4403);
    }
    return left;
  }

  /** Asks each whether it is there still, and closes those that did not answer the last time. */
  ask(): void {
    for (const open of this.#all()) {
      if (open.wire === null) continue;
      if (!open.alive) open.wire.terminate();
      open.alive = false;
      open.wire.ping();
    }
  }

  /** Counts frames anew. */
  recount(): void {
    for (const open of this.#all()) open.frames = 0;
  }

  /** Writes what could not be written before. */
  async settle(): Promise<void> {
    for (const { socket, code } of [...this.#leaving.values()]) await this.#leave(socket, code);
  }

  /** Writes again that all of them are open. */
  async reenter(): Promise<void> {
    for (const open of this.#all()) {
      if (open.wire === null || !this.#open.has(open.id)) continue;
      await reenter(this.server, open);
      // Closed meanwhile, and perhaps written so before it was written that it is open.
      if (!this.#open.has(open.id)) await this.#leave(open, 1006);
    }
  }

  #all(): readonly Open[] {
    return [...this.#open.values()];
  }

  async #gone(open: Open, code: number): Promise<void> {
    if (this.#open.delete(open.id)) await this.#leave(open, code);
  }

  /** Writes that a socket is closed, now or with a later beat. */
  async #leave(socket: Socket, code: number): Promise<void> {
    this.#leaving.set(socket.id, { socket, code });
    await leave(socket, code).then(
      () => this.#leaving.delete(socket.id),
      () => {},
    );
  }
}

/** Whoever was told to close has a moment to. */
function cutSoon(wire: WebSocket): void {
  setTimeout(() => wire.terminate(), CLOSE_MILLISECONDS).unref();
}
