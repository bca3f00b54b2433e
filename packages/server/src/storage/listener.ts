import pg from 'pg';

export interface ListenerOptions {
  readonly channels: readonly string[];
  readonly notified: (channel: string, payload: string) => void;
  /** After each time that it connected: what was told before may have been missed. */
  readonly connected: () => void;
}

const FIRST_WAIT_MILLISECONDS = 100;
const LONGEST_WAIT_MILLISECONDS = 2_000;
const PATIENCE_MILLISECONDS = 5_000;

/**
 * Hears what is told by NOTIFY, on a connection of its own: that of a pool may be given back at any time. A connection that
 * breaks is replaced, for as long as it takes.
 */
export class Listener {
  #client: pg.Client | null = null;
  #timer: NodeJS.Timeout | null = null;
  #wait = FIRST_WAIT_MILLISECONDS;
  #stopped = false;

  constructor(
    readonly config: pg.ClientConfig,
    readonly options: ListenerOptions,
  ) {}

  /** Connects. Where that fails it goes on trying, and throws nothing. */
  async start(): Promise<void> {
    const client = new pg.Client({
      ...connectionOf(this.config),
      keepAlive: true,
      connectionTimeoutMillis: PATIENCE_MILLISECONDS,
      query_timeout: PATIENCE_MILLISECONDS,
    });
    this.#client = client;
    const lost = () => this.#lost(client);
    client.on('error', lost).on('end', lost);
    client.on('notification', ({ channel, payload = '' }) => this.options.notified(channel, payload));
    try {
      await client.connect();
      for (const channel of this.options.channels) await client.query(`listen ${client.escapeIdentifier(channel)}`);
      if (this.#client !== client) return;
      this.#wait = FIRST_WAIT_MILLISECONDS;
      this.options.connected();
    } catch {
      lost();
    }
  }

  /** Notices a connection that is gone without a word. */
  async check(): Promise<void> {
    const client = this.#client;
    await client?.query('select 1').catch(() => this.#lost(client));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = null;
    client.end().catch(() => {});
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.start(), this.#wait).unref();
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MILLISECONDS);
  }
}

/** Of a pool's settings those of a connection: a password is no member that is copied by itself. */
function connectionOf(config: pg.ClientConfig): pg.ClientConfig {
  const { password } = config;
  return { ...config, ...(password === undefined ? {} : { password }) };
}
