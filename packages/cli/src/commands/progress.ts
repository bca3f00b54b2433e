import { say } from '../terminal.js';

const EVERY_MILLISECONDS = 2_000;

/** Says on stderr how far something is, now and then: what is quick says nothing. */
export function progressIn(what: string): (done: number, all: number) => void {
  let said = performance.now();
  return (done, all) => {
    if (performance.now() - said < EVERY_MILLISECONDS) return;
    said = performance.now();
    say(`${done} of ${all} ${what} (${Math.floor((done / Math.max(all, 1)) * 100)} %)`);
  };
}
