import { EXIT_CODES } from '../exit-codes.js';
import { say } from '../terminal.js';

/** Being asked to stop, by Ctrl-C or by whoever runs this process. */
export interface Interrupt {
  readonly requested: Promise<void>;
  /** Aborted when it was asked. */
  readonly signal: AbortSignal;
  /** Throws Interrupted when it was asked: between two steps of starting. */
  check(): void;
}

/** Thrown to leave a start that was interrupted. */
export class Interrupted extends Error {}

/** npm passes on a Ctrl-C that this process has had already: signals so close together are one. */
const SAME_MILLISECONDS = 1_000;

/** Listens for signals from now on. A second Ctrl-C ends the process at once. */
export function listenForInterrupt(): Interrupt {
  let first: number | undefined;
  let resolve: () => void = () => {};
  const requested = new Promise<void>((done) => {
    resolve = done;
  });
  const controller = new AbortController();
  const onSignal = () => {
    if (first === undefined) {
      first = performance.now();
      controller.abort();
      resolve();
    } else if (performance.now() - first > SAME_MILLISECONDS) {
      say('Ended at once.');
      process.exit(EXIT_CODES.interrupted.code);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  return {
    requested,
    signal: controller.signal,
    check() {
      if (first !== undefined) throw new Interrupted();
    },
  };
}
