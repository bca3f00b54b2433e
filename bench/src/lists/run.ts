import { median, progress } from '../measure.js';
import { openScratch, type Scratch } from '../scratch.js';
import { number, printTable } from '../table.js';
import { candidates, HAND_WRITTEN } from './candidates.js';
import { ORDERS, type Order } from './hand-written.js';
import { ASKERS, type Asker, prepare } from './prepare.js';
import { addRowLevelSecurity, RLS_ROLE } from './row-level-security.js';
import { type Times, wait } from './wait.js';

export interface ListOptions {
  /** How often each candidate is asked, one after the other. */
  readonly times: number;
  /** How many surveys there are, one database each. */
  readonly sizes: readonly number[];
  readonly seed: number;
}

/** What one asker waited for one page: milliseconds in the middle, and at the 95th of a hundred. */
interface Waited extends Times {
  readonly size: number;
  readonly asker: Asker;
  readonly order: Order;
}

/** Workload B: the first page of 50, in order, of the surveys that one may view. */
export async function benchLists(options: ListOptions): Promise<void> {
  const scratch = await openScratch();
  try {
    const all: Waited[] = [];
    for (const size of options.sizes) {
      const found = await inDatabase(scratch, size, options);
      for (const order of ORDERS)
        printWaited(
          size,
          order,
          found.filter((waited) => waited.order === order),
        );
      all.push(...found);
    }
    for (const order of ORDERS)
      printFlatness(
        order,
        all.filter((waited) => waited.order === order),
      );
  } finally {
    await scratch.close();
  }
}

async function inDatabase(scratch: Scratch, size: number, options: ListOptions): Promise<readonly Waited[]> {
  const database = await scratch.database(`${size}`);
  progress(`${number(size)} surveys: filling the database`);
  await prepare(database, size, options.seed);
  await addRowLevelSecurity(database);
  const restricted = await database.pool.connect();
  try {
    await restricted.query(`set role ${RLS_ROLE}`);
    const found: Waited[] = [];
    for (const order of ORDERS) {
      for (const asker of ASKERS) {
        progress(`${number(size)} surveys, ${order.name}, ${asker.name}`);
        found.push({
          size,
          asker,
          order,
          ...(await wait(await candidates({ database, restricted }, asker, order), options.times)),
        });
      }
    }
    return found;
  } finally {
    // Closing the pool waits for it, after a failure too.
    restricted.release(true);
    progress(null);
  }
}

const best = ({ p50 }: Waited) => Math.min(...HAND_WRITTEN.map((name) => p50.get(name) ?? Number.POSITIVE_INFINITY));
const ms = (value: number | undefined) => (value ?? Number.NaN).toFixed(2);

function printWaited(size: number, order: Order, found: readonly Waited[]): void {
  const others = ['Ostiary', 'Ostiary, masked', ...HAND_WRITTEN, 'row-level security', 'CASL'];
  printTable(
    `B. The first page of 50, ${order.name}, of ${number(size)} surveys: p50 against the best hand-written SQL`,
    ['who asks', 'best SQL, ms', 'Ostiary, ms', 'p95, ms', ...others],
    found.map((waited) => [
      waited.asker.name,
      ms(best(waited)),
      ms(waited.p50.get('Ostiary')),
      ms(waited.p95.get('Ostiary')),
      ...others.map((name) => number(Number(((waited.p50.get(name) ?? Number.NaN) / best(waited)).toFixed(2)))),
    ]),
  );
}

/** Whether a page takes as long however many records and grants there are. */
function printFlatness(order: Order, all: readonly Waited[]): void {
  const sizes = [...new Set(all.map(({ size }) => size))];
  const p50 = (asker: Asker, size: number) =>
    all.find((waited) => waited.asker === asker && waited.size === size)?.p50.get('Ostiary') ?? Number.NaN;
  printTable(
    `B. Ostiary's p50 in ms, ${order.name}, by the number of surveys`,
    ['who asks', ...sizes.map(number), 'longest / shortest'],
    ASKERS.map((asker) => {
      const taken = sizes.map((size) => p50(asker, size));
      return [asker.name, ...taken.map(ms), number(Number((Math.max(...taken) / Math.min(...taken)).toFixed(2)))];
    }),
  );
  const few = ASKERS[0] as Asker;
  const spread = ASKERS.map((asker) => median(sizes.map((size) => p50(asker, size) / p50(few, size))));
  console.log(`Against 1 grant: ${ASKERS.map(({ name }, index) => `${name} ${ms(spread[index])}`).join(', ')}.`);
}
