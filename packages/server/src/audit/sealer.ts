import { query } from '../storage/query.js';
import { type SealingDependencies, seal } from './seal.js';

export interface SealerOptions {
  /** How long an entry waits at most, where the database keeps up. 1,000 if not given. */
  readonly intervalMilliseconds?: number;
  /** How long it waits, when it is told to stop, for another process that seals. 5,000 if not given. */
  readonly patienceMilliseconds?: number;
  /** Given each signed checkpoint, to be kept elsewhere. */
  readonly checkpoint?: (jws: string) => void;
  /** Told once of what keeps it from sealing, until it seals again. */
  readonly error?: (error: unknown) => void;
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
  const { intervalMilliseconds = 1_000, patienceMilliseconds, checkpoint = () => {}, error = () => {} } = options;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;
  let failing = false;

  const run = async (wait: boolean): Promise<void> => {
    try {
      const sealed = (await isWaiting(deps)) ? await seal(deps, wait, patienceMilliseconds) : null;
      if (sealed?.checkpoint) checkpoint(sealed.checkpoint);
      if (sealed?.left)
        throw new Error(`${sealed.left} audit entries can't be sealed: 'ostiary audit verify' names them`);
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

async function isWaiting({ database }: SealingDependencies): Promise<boolean> {
  const [row] = await query<{ waiting: boolean }>(
    database.db,
    'select exists (select from ostiary.audit_unsealed) as waiting',
  );
  return row?.waiting === true;
}
