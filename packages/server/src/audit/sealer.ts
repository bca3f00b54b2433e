import { query } from '../storage/query.js';
import { type SealingDependencies, seal } from './seal.js';

export interface SealerOptions {
  /** How long an entry waits at most, where the database keeps up. 1,000 if not given. */
  readonly intervalMilliseconds?: number;
  /** Given each signed checkpoint, to be kept elsewhere. */
  readonly checkpoint?: (jws: string) => void;
  readonly error?: (error: unknown) => void;
}

export interface Sealer {
  /** Seals what is left, and ends. */
  stop(): Promise<void>;
}

/**
 * Seals the trail in the background, in every server process: whichever comes first. It looks into the queue rather than be
 * told, so that it also finds what other processes left, one that crashed for example.
 */
export function startSealer(deps: SealingDependencies, options: SealerOptions = {}): Sealer {
  const { intervalMilliseconds = 1_000, checkpoint = () => {}, error = () => {} } = options;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  const run = async (wait: boolean): Promise<void> => {
    try {
      if (!(await isWaiting(deps))) return;
      const sealed = await seal(deps, wait);
      if (sealed?.checkpoint) checkpoint(sealed.checkpoint);
    } catch (thrown) {
      error(thrown);
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
