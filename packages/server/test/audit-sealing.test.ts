import { setTimeout as delay } from 'node:timers/promises';
import { createTables, openDatabase, seal, startSealer, verifyTrail, writeAudit } from '@ostiary/server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clockAt, eventually, START } from './support/application.js';
import { openTrail, type TestTrail } from './support/trail.js';

let trail: TestTrail;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  trail = await openTrail();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  await trail.close();
});

/** Another server process on the same database. */
function node() {
  const database = openDatabase(trail.data.config);
  opened.push(database);
  return { database, runtime: trail.runtime };
}

const entry = { application: 'trials', event: 'logout', outcome: 'allowed' } as const;
const waiting = async () => (await verifyTrail(trail.database)).waiting;

test('16 writers and 3 sealers: each entry is sealed once, in one chain', async () => {
  const sealers = [node(), node(), node()].map((deps) => startSealer(deps, { intervalMilliseconds: 2 }));
  const writers = Array.from({ length: 16 }, async (_, writer) => {
    for (let number = 0; number < 20; number += 1) {
      const work = trail.database.db.transaction().execute(async (transaction) => {
        await writeAudit(transaction, trail.runtime, entry);
        await writeAudit(transaction, trail.runtime, entry);
        if ((writer + number) % 5 === 0) throw new Error('rolled back');
      });
      await work.catch((error) => expect(error.message).toBe('rolled back'));
    }
  });
  await Promise.all(writers);
  await Promise.all(sealers.map((sealer) => sealer.stop()));
  const found = await verifyTrail(trail.database);
  expect(found.faults).toEqual([]);
  expect(found).toMatchObject({ waiting: 0, seals: 9 + 16 * 20 * 2 * (4 / 5), entries: 9 + 16 * 20 * 2 * (4 / 5) });
  const { rows } = await trail.data.pool.query('select count(*)::int as left from ostiary.audit_unsealed');
  expect(rows).toEqual([{ left: 0 }]);
});

test('a writer in a long transaction holds nobody up, and is not left out', async () => {
  let finish = () => {};
  const wait = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let wrote = () => {};
  const written = new Promise<void>((resolve) => {
    wrote = resolve;
  });
  const long = trail.database.db.transaction().execute(async (transaction) => {
    await writeAudit(transaction, trail.runtime, entry);
    wrote();
    await wait;
  });
  await written;
  for (let number = 0; number < 3; number += 1) await writeAudit(trail.database.db, trail.runtime, entry);
  expect(await seal(trail)).toMatchObject({ entries: 3 });
  finish();
  await long;
  expect(await seal(trail)).toMatchObject({ entries: 1 });
  expect(await verifyTrail(trail.database)).toMatchObject({ faults: [], seals: 13, waiting: 0 });
});

test('a sealer waits for nothing: where another process seals, it leaves it to that one', async () => {
  await writeAudit(trail.database.db, trail.runtime, entry);
  const other = await trail.data.pool.connect();
  await other.query('begin; select pg_advisory_xact_lock(7246772)');
  expect(await seal(trail, false)).toBeNull();
  expect(await waiting()).toBe(1);
  await other.query('rollback');
  other.release();
  expect(await seal(trail, false)).toMatchObject({ entries: 1 });
});

test('a sealer that is told to stop does not wait for ever for another, and says so', async () => {
  const other = await trail.data.pool.connect();
  await other.query('begin; select pg_advisory_xact_lock(7246772)');
  const errors: unknown[] = [];
  const sealer = startSealer(node(), { patienceMilliseconds: 50, error: (error) => errors.push(error) });
  await writeAudit(trail.database.db, trail.runtime, entry);
  await sealer.stop();
  await other.query('rollback');
  other.release();
  expect(errors).toEqual([expect.objectContaining({ code: '55P03' })]);
  expect(await waiting(), 'it is still in the queue').toBe(1);
});

test('a lock that is held for half a minute, with nothing sealed, is told once, and so is its end', async () => {
  const { database } = node();
  const clock = clockAt(START);
  const told: string[] = [];
  const other = await trail.data.pool.connect();
  await other.query('begin; select pg_advisory_xact_lock(7246772)');
  const { rows } = await other.query('select pg_backend_pid() as pid');
  await writeAudit(trail.database.db, trail.runtime, entry);
  // Its clock is asked only where another has the lock and entries wait.
  let asked = 0;
  const now = () => {
    asked += 1;
    return clock.now();
  };
  const sealer = startSealer(
    { database, runtime: { ...trail.runtime, now } },
    {
      intervalMilliseconds: 2,
      error: (error) => told.push((error as Error).message),
      resumed: () => told.push('resumed'),
    },
  );
  const tries = async (more: number) => {
    const until = asked + more;
    await eventually(async () => asked >= until);
  };
  await tries(2);
  clock.advance(29);
  await tries(2);
  await trail.data.pool.query(
    'insert into ostiary.audit_checkpoint (seq, hash, at, jws) select seq + 1, hash, at, jws from ostiary.audit_checkpoint order by seq desc limit 1',
  );
  await tries(2);
  clock.advance(29);
  await tries(2);
  expect(told, 'it goes on, if slowly').toEqual([]);
  clock.advance(1);
  await tries(3);
  const [pid] = rows.map((row) => row.pid);
  expect(told).toEqual([expect.stringContaining(`for 30 seconds another session`)]);
  expect(told[0]).toContain(`pg_terminate_backend(${pid})`);
  await other.query('rollback');
  other.release();
  await eventually(async () => told.length > 1);
  await sealer.stop();
  expect(told.slice(1)).toEqual(['resumed']);
});

test('what a process that crashed left is sealed by whoever comes next', async () => {
  await writeAudit(trail.database.db, trail.runtime, entry);
  expect(await waiting()).toBe(1);
  const signed: string[] = [];
  const sealer = startSealer(node(), { intervalMilliseconds: 2, checkpoint: (jws) => signed.push(jws) });
  await eventually(async () => (await waiting()) === 0);
  await sealer.stop();
  const { rows } = await trail.data.pool.query('select jws from ostiary.audit_checkpoint where seq = 10');
  expect(rows).toEqual([{ jws: signed[0] }]);
});

test('a sealer that is told to stop seals the rest first', async () => {
  const sealer = startSealer(node(), { intervalMilliseconds: 60_000 });
  await writeAudit(trail.database.db, trail.runtime, entry);
  await sealer.stop();
  expect(await waiting()).toBe(0);
});

test('a sealer whose database fails says so, and tries again', async () => {
  const errors: unknown[] = [];
  await trail.data.pool.query('alter table ostiary.audit_unsealed rename to away');
  const sealer = startSealer(node(), { intervalMilliseconds: 2, error: (error) => errors.push(error) });
  await eventually(async () => errors.length > 0);
  await trail.data.pool.query('alter table ostiary.away rename to audit_unsealed');
  await writeAudit(trail.database.db, trail.runtime, entry);
  await eventually(async () => (await waiting()) === 0);
  await sealer.stop();
  expect(errors, 'it says so once').toHaveLength(1);
});

test('a sealer that finds what can never be sealed says so once, and once more when it stops; it seals the rest', async () => {
  const errors: unknown[] = [];
  await trail.data.pool.query(
    `with bad as (insert into ostiary.audit (id, at, application, event, outcome, detail)
       values (gen_random_uuid(), now(), 'trials', 'logout', 'allowed', '{"n": 1e400}') returning id)
     insert into ostiary.audit_unsealed select id from bad`,
  );
  const sealer = startSealer(node(), { intervalMilliseconds: 2, error: (error) => errors.push(error) });
  await writeAudit(trail.database.db, trail.runtime, entry);
  await eventually(async () => (await waiting()) === 1);
  await sealer.stop();
  const said = new Error("1 audit entries can't be sealed: 'ostiary audit verify' names them");
  expect(errors).toEqual([said, said]);
});

test('a connection that breaks between two statements fails the next one, and not the process', async () => {
  const { database } = node();
  const work = database.db.transaction().execute(async (transaction) => {
    await writeAudit(transaction, trail.runtime, entry);
    await trail.data.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and state = 'idle in transaction'`,
    );
    await delay(50);
    await writeAudit(transaction, trail.runtime, entry);
  });
  await expect(work).rejects.toThrow();
  await writeAudit(database.db, trail.runtime, entry);
  expect(await seal(trail)).toMatchObject({ entries: 1 });
});

test('2,500 entries are sealed in three batches', async () => {
  for (let number = 0; number < 25; number += 1) {
    await Promise.all(Array.from({ length: 100 }, () => writeAudit(trail.database.db, trail.runtime, entry)));
  }
  expect(await seal(trail)).toMatchObject({ entries: 2_500 });
  expect(await verifyTrail(trail.database)).toMatchObject({ faults: [], seals: 2_509, checkpoints: 6 });
});

test('a trail from before there were seals is sealed once there are', async () => {
  await trail.data.pool.query('drop table ostiary.audit_seal, ostiary.audit_checkpoint, ostiary.audit_unsealed');
  await trail.data.pool.query(`comment on schema ostiary is 'made by a version without them'`);
  await createTables(trail.database, []);
  expect(await seal(trail)).toMatchObject({ entries: 9 });
  await createTables(trail.database, []);
  expect(await verifyTrail(trail.database)).toMatchObject({ faults: [], seals: 9, waiting: 0 });
});
