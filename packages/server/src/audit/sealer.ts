import { query } from '../storage/query.js';
import { type Sealed, type SealingDependencies, seal } from './seal.js';
import { sealingState } from './sealing-lock.js';

/** How long others may be about to seal, and seal nothing, until that is told. */
const STANDSTILL_MILLISECONDS = 30_000;

export interface SealerOptions {
  /** How long an entry waits at most, where the database keeps up. 1,000 if not given. */
  readonly intervalMilliseconds?: number;
  /** How long it waits, when it is told to stop, for another process that seals. 5,000 if not given. */
  readonly patienceMilliseconds?: number;
  /** Given each signed checkpoint, to be kept elsewhere. */
  readonly checkpoint?: (jws: string) => void;
  /** Told once of what keeps it from sealing, until it seals again. */
  readonly error?: (error: unknown) => void;
  /** Told when it seals again, after it was told that it can't. */
  readonly resumed?: () => void;
}

export interface Sealer {
  /** Seals what is left, and ends: also where it can't, after a few seconds. */
  stop(): Promise<void>;
}

/**
 * Seals the trail in the background, in every server process: whichever comes first. It looks into the queue rather than be
 * told, so that it also finds what other processes left, one that crashed for example.
 */
export function startSealer(deps: SealingDependencies, options: SealerOptions = {}): Sealer {
  const { intervalMilliseconds = 1_000, patienceMilliseconds } = options;
  const { checkpoint = () => {}, error = () => {}, resumed = () => {} } = options;
  const others = new Others(deps);
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  let failing = false;

  const run = async (wait: boolean): Promise<void> => {
    try {
      const sealed = (await isWaiting(deps)) ? await seal(deps, wait, patienceMilliseconds) : NOTHING;
      if (sealed === null) return await others.requireProgress();
      others.forget();
      if (sealed.checkpoint) checkpoint(sealed.checkpoint);
      if (sealed.left > 0)
        throw new Error(`${sealed.left} audit entries can't be sealed: 'ostiary audit verify' names them`);
      if (failing) resumed();
      failing = false;
    } catch (thrown) {
      if (!failing) error(thrown);
      failing = true;
    }
  };
  const next = () => {
    timer = setTimeout(() => {
      running = run(false).then(() => {
        if (!stopped) next();
      });
    }, intervalMilliseconds);
    timer.unref();
  };
  next();
  return {
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await running;
      // What keeps it from sealing the rest is worth a line, even if it was told before.
      failing = false;
      await run(true);
    },
  };
}

const NOTHING: Sealed = { entries: 0, checkpoint: null, left: 0 };

/** Those that seal while this one does not: one of them may hold the lock for ever. */
class Others {
  #seen: { readonly seq: string; readonly since: number } | null = null;

  constructor(readonly deps: SealingDependencies) {}

  forget(): void {
    this.#seen = null;
  }

  /** Throws where they have sealed nothing for a while, though entries wait. */
  async requireProgress(): Promise<void> {
    const { pid, seq } = await sealingState(this.deps.database);
    const now = this.deps.runtime.now().getTime();
    if (this.#seen?.seq !== seq) this.#seen = { seq, since: now };
    const waited = now - this.#seen.since;
    if (pid === null || waited < STANDSTILL_MILLISECONDS) return;
    throw new Error(
      `for ${Math.round(waited / 1000)} seconds another session of the database has held the lock for sealing, ` +
        `and sealed nothing: PostgreSQL's process ${pid}. 'select pg_terminate_backend(${pid})' ends it`,
    );
  }
}

async function isWaiting({ database }: SealingDependencies): Promise<boolean> {
  const [row] = await query<{ waiting: boolean }>(
    database.db,
    'select exists (select from ostiary.audit_unsealed) as waiting',
  );
  return row?.waiting === true;
}
