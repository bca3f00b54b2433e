import { type Context, type Database, openInstallation, systemRuntime } from '@ostiary/server';
// An application is no package: it is taken as it was built.
import { application } from '../../../apps/opentera/dist/index.js';
import { fillAtScale, SCALE_USERS } from '../../../apps/opentera/dist/scale.js';
// The two functions behind the route of a list, which the server keeps to itself.
import { readPage } from '../../../packages/server/dist/records/page.js';
import { listRecords } from '../../../packages/server/dist/records/read.js';
import type { Candidate } from '../lists/candidates.js';
import type { ListOptions } from '../lists/run.js';
import { type Times, wait } from '../lists/wait.js';
import { progress } from '../measure.js';
import { openScratch } from '../scratch.js';
import { number, printTable } from '../table.js';
import { HAND_WRITTEN, LIMIT, SESSION_ORDERS, type SessionOrder } from './hand-written.js';

const TYPE = 'Session';
const SESSIONS_A_PARTICIPANT = 10;

/** Workload B with the rules of OpenTera: the first page of 50 of the sessions that one may read. */
export async function benchSessions({ times, sizes, seed }: ListOptions): Promise<void> {
  const scratch = await openScratch();
  try {
    for (const sessions of sizes) {
      const context = await open(await scratch.database(`sessions_${sessions}`));
      const participants = Math.ceil(sessions / SESSIONS_A_PARTICIPANT);
      await fillAtScale(context, { participants, sessions }, seed, (line) => progress(`OpenTera: ${line}`));
      await context.database.pool.query('vacuum analyze');
      for (const order of SESSION_ORDERS) await inOrder(context, sessions, order, times);
    }
  } finally {
    progress(null);
    await scratch.close();
  }
}

async function open(database: Database): Promise<Context> {
  const { contexts } = await openInstallation({
    database,
    runtime: systemRuntime,
    applications: [application],
    production: false,
    environment: {},
    demo: false,
  });
  const context = contexts.get(application.policy.model.name);
  if (context === undefined) throw new TypeError('the application was not opened');
  return context;
}

async function inOrder(context: Context, sessions: number, order: SessionOrder, times: number): Promise<void> {
  const rows: (readonly string[])[] = [];
  for (const { username, role, on, scopes } of SCALE_USERS) {
    progress(`${number(sessions)} sessions of OpenTera, ${order.name}, ${username}`);
    const waited = await wait(await candidates(context, username, order), times);
    rows.push([`${on} ${role}, ${scopes < 1 ? 'half of them' : scopes}`, ...cells(waited)]);
  }
  progress(null);
  printTable(
    `B. The first page of 50, ${order.name}, of ${number(sessions)} sessions of OpenTera: p50 against the best hand-written SQL`,
    ['who asks', 'best SQL, ms', 'Ostiary, ms', 'p95, ms', ...NAMES],
    rows,
  );
}

const NAMES = ['Ostiary', 'Ostiary, masked', ...Object.keys(HAND_WRITTEN)];

function cells({ p50, p95 }: Times): readonly string[] {
  const best = Math.min(...Object.keys(HAND_WRITTEN).map((name) => p50.get(name) ?? Number.POSITIVE_INFINITY));
  const ms = (value = Number.NaN) => value.toFixed(2);
  const ratios = NAMES.map((name) => number(Number(((p50.get(name) ?? Number.NaN) / best).toFixed(2))));
  return [ms(best), ms(p50.get('Ostiary')), ms(p95.get('Ostiary')), ...ratios];
}

/** Ours, as in a request of somebody whose rights are resolved; and the statements that one would write by hand. */
async function candidates(context: Context, username: string, order: SessionOrder): Promise<readonly Candidate[]> {
  const { database, principals } = context;
  const { rows } = await database.pool.query('select id from opentera."user" where username = $1', [username]);
  const id = String(rows[0]?.id);
  const principal = await principals.load(database.db, 'user', id);
  if (principal === null) throw new TypeError(`${username} is not there`);
  const caller = { principal, sessionId: null, requestId: null };
  const sort = { field: order.field, descending: true };
  const asked = { limit: LIMIT, sort, after: null, view: null, tests: [] };
  return [
    {
      name: 'Ostiary',
      run: async () => (await readPage(context, caller, database.db, TYPE, asked)).rows.map((record) => record.id),
    },
    {
      name: 'Ostiary, masked',
      run: async () => (await listRecords(context, caller, TYPE, asked)).items.map((item) => item.id),
    },
    ...Object.entries(HAND_WRITTEN).map(([name, written]) => ({
      name,
      run: async () => {
        const query = { name: `${name} ${order.name}`, text: written(order), values: [id] };
        return (await database.pool.query(query)).rows.map((found) => String(found.id));
      },
    })),
  ];
}
