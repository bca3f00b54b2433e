import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Database, describeFault, verifyTrail } from '@ostiary/server';
import { type Ledger, NOTHING, type State, type Tracked, type TrackedType } from './ledger.js';
import { NEVER } from './never.js';

/** How each type is read: by its key, with the values that writers give it. */
const READ: Readonly<Record<TrackedType, string>> = {
  Subject: `select r.id, r.custom_id as key, r.version, r.updated_at,
      jsonb_build_object('firstName', r.first_name, 'groupIds', r.group_ids) as values
    from open_data_capture.subject r where r.custom_id = any($1)`,
  Session: `select r.id, r.subject_id::text as key, r.version, r.updated_at,
      jsonb_build_object('groupId', r.group_id) as values
    from open_data_capture.session r where r.subject_id = any($1::uuid[])`,
  User: `select r.id, r.username as key, r.version, r.updated_at,
      jsonb_build_object('disabled', r.disabled, 'additionalPermissions', r.additional_permissions,
        'accountDisabled', a.disabled) as values
    from open_data_capture."user" r join ostiary.account a on a.principal_id = r.id where r.username = any($1)`,
};

interface Row extends Pick<State, 'values' | 'version'> {
  readonly id: string;
  readonly key: string;
  readonly updated_at: Date;
}

/** Compares the database with what was acknowledged, and finds out what became of what was not answered. */
export async function check(database: Database, ledger: Ledger, everything: boolean): Promise<readonly string[]> {
  const tracked = everything ? ledger.tracked : ledger.touched;
  const found = await statesOf(database, [...tracked], ledger);
  const faults: string[] = [];
  for (const changes of ledger.pending) {
    const isDone = changes.map(({ of, to }) => isAs(found.get(of), to));
    const isUndone = changes.map(({ of }) => isAs(found.get(of), of.state));
    if (isDone.every(Boolean)) {
      ledger.apply(changes.map(({ of, to }) => ({ of, to: { ...to, ...updatedAt(found.get(of)) } })));
    } else if (isUndone.every(Boolean)) {
      for (const { of } of changes) if (of.state === NOTHING) ledger.forget(of);
    } else faults.push(`a request without an answer is done by half: ${JSON.stringify(changes)}`);
  }
  for (const record of tracked) {
    const there = found.get(record);
    if (!isAs(there, record.state)) {
      faults.push(
        `${record.type} ${record.key} should be ${JSON.stringify(record.state)}, and is ${JSON.stringify(there)}`,
      );
    }
  }
  faults.push(...(await sharedFaults(database, ledger)), ...(await refusalFaults(database, ledger)));
  for (const [what, statement] of Object.entries(NEVER)) {
    const { rows } = await database.pool.query<{ id: string }>(`${statement} limit 3`);
    if (rows.length > 0) faults.push(`there is ${what}: ${rows.map(({ id }) => id).join(', ')}`);
  }
  ledger.pending.clear();
  ledger.touched.clear();
  return faults;
}

function isAs(there: State | undefined, expected: State): boolean {
  if (there === undefined) return false;
  const { values, version, updatedAt, entries } = expected;
  return (
    isDeepStrictEqual({ ...there.entries }, { ...entries }) &&
    isDeepStrictEqual(there.values, values) &&
    (values === null || there.version === version) &&
    (values === null || updatedAt === undefined || there.updatedAt === updatedAt)
  );
}

const updatedAt = (state: State | undefined) => (state?.updatedAt === undefined ? {} : { updatedAt: state.updatedAt });

/** What the database and the trail say of records. Learns the ids of those whose creation was not answered. */
async function statesOf(
  database: Database,
  tracked: readonly Tracked[],
  ledger: Ledger,
): Promise<ReadonlyMap<Tracked, State>> {
  const rows = new Map<string, Row>();
  for (const [type, statement] of Object.entries(READ)) {
    const keys = tracked.filter((record) => record.type === type).map(({ key }) => key);
    const found = await database.pool.query<Row>(statement, [keys]);
    for (const row of found.rows) rows.set(`${type} ${row.key}`, row);
  }
  for (const changes of ledger.pending) {
    for (const { of } of changes) of.id ??= rows.get(`${of.type} ${of.key}`)?.id ?? null;
  }
  const entries = await entriesOf(
    database,
    tracked.map(({ id }) => id).filter((id) => id !== null),
  );
  return new Map(
    tracked.map((record): [Tracked, State] => {
      const row = rows.get(`${record.type} ${record.key}`);
      const told = entries.get(record.id ?? '') ?? {};
      if (row === undefined) return [record, { ...NOTHING, entries: told }];
      const { values, version, updated_at } = row;
      return [record, { values, version, updatedAt: updated_at.toISOString(), entries: told }];
    }),
  );
}

async function entriesOf(database: Database, ids: readonly string[]) {
  const { rows } = await database.pool.query<{ id: string; entries: Readonly<Record<string, number>> }>(
    `select record_id as id, jsonb_object_agg(event, count) as entries from
       (select record_id, event, count(*) from ostiary.audit
        where application = 'open-data-capture' and record_id = any($1) and event = any($2) group by 1, 2) e
     group by 1`,
    [
      ids,
      ['record.created', 'record.updated', 'record.deleted', 'rights.changed', 'account.disabled', 'account.enabled'],
    ],
  );
  return new Map(rows.map(({ id, entries }) => [id, entries]));
}

/** Every version of the record that all write is somebody's, and the last one's value is what is there. */
async function sharedFaults(database: Database, { shared }: Ledger): Promise<readonly string[]> {
  const { rows } = await database.pool.query<{ version: number; value: string }>(
    'select version, first_name as value from open_data_capture.subject where id = $1',
    [shared.id],
  );
  const [row] = rows;
  if (row === undefined) return ['the record that all write is gone'];
  const faults: string[] = [];
  const last = Math.max(1, ...shared.acknowledged.keys());
  if (row.version < last)
    faults.push(`version ${last} of the record that all write was acknowledged: it is at ${row.version}`);
  const owners = (version: number) => [
    ...[shared.acknowledged.get(version)].filter((value) => value !== undefined),
    ...(shared.acknowledged.has(version) ? [] : shared.unanswered.filter((sent) => sent.version === version)).map(
      ({ value }) => value,
    ),
  ];
  for (let version = 2; version <= row.version; version += 1) {
    if (owners(version).length === 0) faults.push(`version ${version} of the record that all write is nobody's`);
  }
  if (row.version > 1 && !owners(row.version).includes(row.value)) {
    faults.push(`version ${row.version} of the record that all write is '${row.value}', not ${owners(row.version)}`);
  }
  shared.seen = row.version;
  return faults;
}

async function refusalFaults(database: Database, { refusals }: Ledger): Promise<readonly string[]> {
  const { rows } = await database.pool.query<{ id: string }>(
    `select r.id from unnest($1::uuid[]) as r(id) where (select count(*) from ostiary.audit a
       where a.decision_id = r.id and a.event = 'access.refused' and a.resource_type = 'Group') <> 1`,
    [refusals.splice(0)],
  );
  return rows.map(({ id }) => `the refusal ${id} was answered, and the trail does not tell once of it`);
}

/** Waits until the server has sealed what waits, and verifies the whole chain. */
export async function checkTrail(database: Database): Promise<readonly string[]> {
  const deadline = Date.now() + 60_000;
  const waits = async () => {
    const { rows } = await database.pool.query<{ count: number }>('select count(*)::int from ostiary.audit_unsealed');
    return rows[0]?.count ?? 0;
  };
  while ((await waits()) > 0) {
    if (Date.now() > deadline) return ['the server has not sealed in a minute what waits'];
    await delay(100);
  }
  const { faults, moreFaults, seals, entries } = await verifyTrail(database);
  return [
    ...faults.map((fault) => `the trail: ${describeFault(fault)}`),
    ...(moreFaults > 0 ? [`the trail has ${moreFaults} faults more`] : []),
    ...(seals === entries && seals > 0 ? [] : [`the trail has ${seals} seals and ${entries} entries`]),
  ];
}
