import {
  createTables,
  describeFault,
  rotateAuditKey,
  seal,
  searchTrail,
  selectionOf,
  verifyTrail,
  writeAudit,
} from '@ostiary/server';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { entryId, exportedLines, openTrail, short, type TestTrail, tamper } from './support/trail.js';

let trail: TestTrail;

beforeAll(async () => {
  trail = await openTrail();
});
beforeEach(() => trail.reset());
afterAll(() => trail?.close());

const write = (number = 1) =>
  writeAudit(trail.database.db, trail.runtime, {
    application: 'trials',
    event: 'logout',
    outcome: 'allowed',
    requestId: `${number}`,
  });
const entry = (number: number) => `id = '${entryId(number)}'`;
/** What the chain would have at a place, where somebody computes it who has no key. */
const forgedHash = (seq: number, digest: string) =>
  `sha256(convert_to('{"digest":"' || encode(${digest}, 'hex') || '","previous":"' ||
     (select encode(hash, 'hex') from ostiary.audit_seal where seq = ${seq} - 1) || '","seq":' || ${seq} || '}', 'utf8'))`;
const insertEntry = (number: number) =>
  `insert into ostiary.audit (id, at, application, event, outcome) values ('${entryId(number)}', now(), 'trials', 'logout', 'allowed')`;
/** Entries that have no canonical form, for the sealer to find. */
const queueBad = (first: number, last: number) =>
  `insert into ostiary.audit (id, at, application, event, outcome, detail)
   select ('019cae3f-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now(), 'trials', 'logout', 'allowed', '{"n": 1e400}'
   from generate_series(${first}, ${last}) n;
   insert into ostiary.audit_unsealed select id from ostiary.audit where id between '${entryId(first)}' and '${entryId(last)}'`;
const forgeSeal = (seq: number, number: number) =>
  `insert into ostiary.audit_seal (seq, entry, digest, hash)
   select ${seq}, '${entryId(number)}', sha256('x'), ${forgedHash(seq, "sha256('x')")}`;
const jws = async (seq: number): Promise<string> =>
  (await trail.data.pool.query('select jws from ostiary.audit_checkpoint where seq = $1', [seq])).rows[0].jws;

test('a trail that nobody touched is whole', async () => {
  expect(await verifyTrail(trail.database)).toMatchObject({
    faults: [],
    range: { first: 1, last: 9 },
    seals: 9,
    entries: 9,
    waiting: 0,
    checkpoints: 3,
    keys: [expect.stringMatching(/^[\w-]{43}$/)],
  });
});

test.each([
  ['audit', 'id'],
  ['audit_seal', 'seq'],
  ['audit_checkpoint', 'seq'],
])('nothing of %s is changed, deleted or emptied', async (table, column) => {
  for (const statement of [
    `update ostiary.${table} set ${column} = ${column}`,
    `delete from ostiary.${table}`,
    `truncate ostiary.${table}`,
    `truncate ostiary.${table} cascade`,
  ]) {
    await expect(trail.data.pool.query(statement), statement).rejects.toThrow('append-only');
  }
  expect((await verifyTrail(trail.database)).faults).toEqual([]);
});

const COLUMNS: Readonly<Record<string, string>> = {
  at: `at + interval '1 millisecond'`,
  application: `'another'`,
  event: `'record.read'`,
  outcome: `'refused'`,
  principal_kind: `'device'`,
  principal_id: `'${entryId(77)}'`,
  login: `'john'`,
  action: `'delete'`,
  resource_type: `'Person'`,
  record_id: `null`,
  decision_id: `null`,
  rules: `'{}'`,
  request_id: `'another'`,
  detail: `'{}'`,
};

test('the table below has every column of an entry', async () => {
  const { rows } = await trail.data.pool.query(
    `select attname as name from pg_attribute where attrelid = 'ostiary.audit'::regclass and attnum > 0 and attname <> 'id'`,
  );
  expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(COLUMNS).sort());
});

/** What somebody did to the tables, and what verifying says of it: kind, place in the chain, number of the entry. */
const TAMPERINGS: readonly (readonly [string, string, readonly string[]])[] = [
  ...Object.entries(COLUMNS).map(
    ([column, value]) =>
      [
        `${column} changed`,
        `update ostiary.audit set ${column} = ${value} where ${entry(5)}`,
        ['changed 5 #5'],
      ] as const,
  ),
  ['a time that is none', `update ostiary.audit set at = 'infinity' where ${entry(5)}`, ['changed 5 #5']],
  ['a number that is none', `update ostiary.audit set detail = '{"n": 1e400}' where ${entry(5)}`, ['changed 5 #5']],
  ['the first removed', `delete from ostiary.audit where ${entry(1)}`, ['removed 1 #1']],
  ['one in the middle removed', `delete from ostiary.audit where ${entry(5)}`, ['removed 5 #5']],
  ['the last removed', `delete from ostiary.audit where ${entry(9)}`, ['removed 9 #9']],
  ['all removed', `truncate ostiary.audit`, [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `removed ${n} #${n}`)],
  [
    'one in the middle removed with its seal',
    `delete from ostiary.audit where ${entry(5)}; delete from ostiary.audit_seal where seq = 5`,
    ['removed 5'],
  ],
  [
    'the last removed with its seal',
    `delete from ostiary.audit where ${entry(9)}; delete from ostiary.audit_seal where seq = 9`,
    ['truncated 9'],
  ],
  ['a seal removed, and its entry left', `delete from ostiary.audit_seal where seq = 5`, ['removed 5', 'added #5']],
  [
    'the end cut off',
    `delete from ostiary.audit_seal where seq > 7; delete from ostiary.audit where id > '${entryId(7)}'`,
    ['truncated 8-9'],
  ],
  ['everything cut off', `truncate ostiary.audit_seal; truncate ostiary.audit`, ['truncated 1-9']],
  [
    'everything cut off, with its checkpoints',
    `truncate ostiary.audit_seal; truncate ostiary.audit; truncate ostiary.audit_checkpoint`,
    ['truncated'],
  ],
  [
    'a seal far behind the end',
    `insert into ostiary.audit_seal values (1000000, '${entryId(50)}', sha256('x'), sha256('y'))`,
    ['removed 1000000 #50', 'added 1000000 #50'],
  ],
  ['an entry added', insertEntry(50), ['added #50']],
  [
    'an entry added under the first id that there can be',
    insertEntry(50).replace(entryId(50), '00000000-0000-0000-0000-000000000000'),
    ['added #0'],
  ],
  ['an entry added to the queue that can never be sealed', queueBad(50, 50), ['unsealed #50']],
  [
    'an entry added with a seal that fits',
    `${insertEntry(50)}; ${forgeSeal(10, 50)}`,
    ['changed 10 #50', 'added 10 #50'],
  ],
  [
    'two entries swapped',
    `update ostiary.audit set id = '${entryId(70)}' where ${entry(5)};
     update ostiary.audit set id = '${entryId(5)}' where ${entry(6)};
     update ostiary.audit set id = '${entryId(6)}' where ${entry(70)}`,
    ['changed 5 #5', 'changed 6 #6'],
  ],
  [
    'two seals swapped',
    `update ostiary.audit_seal set seq = 70 where seq = 4; update ostiary.audit_seal set seq = 4 where seq = 5;
     update ostiary.audit_seal set seq = 5 where seq = 70`,
    ['reordered 4 #5', 'reordered 5 #4'],
  ],
  [
    'two seals swapped at a checkpoint',
    `update ostiary.audit_seal set seq = 70 where seq = 6; update ostiary.audit_seal set seq = 6 where seq = 7;
     update ostiary.audit_seal set seq = 7 where seq = 70`,
    ['reordered 6 #7', 'reordered 7 #6'],
  ],
  ['the hash of a seal changed', `update ostiary.audit_seal set hash = sha256('x') where seq = 5`, ['reordered 5 #5']],
  [
    'the hash of a signed seal changed',
    `update ostiary.audit_seal set hash = sha256('x') where seq = 6`,
    ['reordered 6 #6'],
  ],
  [
    'the digest of a seal changed',
    `update ostiary.audit_seal set digest = sha256('x') where seq = 5`,
    ['changed 5 #5', 'reordered 5 #5'],
  ],
  [
    'an entry changed, and everything behind it computed anew',
    `do $$ begin for n in 5..9 loop
       update ostiary.audit_seal set digest = case n when 5 then sha256('x') else digest end where seq = n;
       update ostiary.audit_seal s set hash = ${forgedHash('n' as never, 's.digest')} where seq = n;
     end loop; end $$`,
    ['rewritten 4-6', 'changed 5 #5'],
  ],
  ['a checkpoint removed', `delete from ostiary.audit_checkpoint where seq = 6`, ['checkpoint 9']],
  [
    'the last checkpoint removed',
    `delete from ostiary.audit_checkpoint where seq = 9`,
    ['added 7 #7', 'added 8 #8', 'added 9 #9'],
  ],
  [
    'a checkpoint put in the place of another',
    `update ostiary.audit_checkpoint set jws = (select jws from ostiary.audit_checkpoint where seq = 3) where seq = 6`,
    ['checkpoint 6'],
  ],
  [
    'a checkpoint that says something else',
    `update ostiary.audit_checkpoint set hash = sha256('x') where seq = 6`,
    ['checkpoint 6'],
  ],
  [
    'a checkpoint with a broken signature',
    `update ostiary.audit_checkpoint set jws = overlay(jws placing 'AAAA' from length(jws) - 20) where seq = 6`,
    ['checkpoint 6'],
  ],
  [
    'the key replaced',
    `update ostiary.signing_key set public_jwk = public_jwk || '{"x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'`,
    ['checkpoint 3-9'],
  ],
];

test.each(TAMPERINGS)('%s', async (_says, sql, expected) => {
  await tamper(trail.data, sql);
  const { faults } = await verifyTrail(trail.database);
  expect(faults.map(short)).toEqual(expected);
});

test('a fault is said in a line that names the entry, and when it was made', async () => {
  await tamper(
    trail.data,
    `update ostiary.audit set outcome = 'refused' where ${entry(5)}; delete from ostiary.audit where ${entry(7)}`,
  );
  const { faults } = await verifyTrail(trail.database);
  expect(faults.map(describeFault)).toEqual([
    `changed    seq 5  ${entryId(5)}  2026-03-02T10:00:00.000Z  record.updated: it is not what was sealed`,
    `removed    seq 7  ${entryId(7)}  about 2026-03-02T11:11:30.304Z: it was sealed, and is gone`,
  ]);
});

test('many faults at once are each found', async () => {
  await tamper(
    trail.data,
    `update ostiary.audit set outcome = 'refused' where ${entry(2)}; delete from ostiary.audit where ${entry(4)}; ${insertEntry(50)};
     delete from ostiary.audit_seal where seq = 8`,
  );
  const { faults } = await verifyTrail(trail.database);
  expect(faults.map(short)).toEqual(['changed 2 #2', 'removed 4 #4', 'removed 8', 'added #8', 'added #50']);
});

test('thousands of faults are counted', async () => {
  await tamper(
    trail.data,
    `insert into ostiary.audit (id, at, application, event, outcome)
     select gen_random_uuid(), now(), 'trials', 'logout', 'allowed' from generate_series(1, 12500)`,
  );
  const { faults, moreFaults } = await verifyTrail(trail.database);
  expect([faults.length, moreFaults]).toEqual([10_000, 2_500]);
});

test('what was cut off with its checkpoint is found with one that was kept elsewhere', async () => {
  const kept = await jws(9);
  await tamper(
    trail.data,
    `delete from ostiary.audit_checkpoint where seq = 9; delete from ostiary.audit_seal where seq > 6; delete from ostiary.audit where id > '${entryId(6)}'`,
  );
  expect((await verifyTrail(trail.database)).faults).toEqual([]);
  expect((await verifyTrail(trail.database, { checkpoints: [kept] })).faults.map(short)).toEqual(['truncated 7-9']);
  // The server goes on, unaware: what it puts in their place is not what was signed.
  for (let number = 1; number <= 4; number += 1) await write();
  await seal(trail);
  expect((await verifyTrail(trail.database)).faults).toEqual([]);
  const { faults } = await verifyTrail(trail.database, { checkpoints: [kept] });
  expect(faults.map(short)).toEqual(['rewritten 7-9']);
});

test('a trail that was made anew under another key is found by the key, or by a checkpoint, that was kept', async () => {
  const kept = await jws(6);
  const { keys } = await verifyTrail(trail.database);
  await tamper(
    trail.data,
    `truncate ostiary.signing_key, ostiary.audit_seal, ostiary.audit_checkpoint;
     update ostiary.audit set outcome = 'refused' where ${entry(5)}; insert into ostiary.audit_unsealed select id from ostiary.audit`,
  );
  await seal(trail);
  expect((await verifyTrail(trail.database)).faults).toEqual([]);
  expect((await verifyTrail(trail.database, { keys })).faults.map(short)).toEqual(['checkpoint 9']);
  const { faults } = await verifyTrail(trail.database, { checkpoints: [kept] });
  expect(faults.map(describeFault)).toEqual([
    `checkpoint: the checkpoint that was kept is signed with the key ${keys[0]}, which is not known here`,
  ]);
});

test('the chain goes on past what was done to it, and each fault is still named', async () => {
  await tamper(
    trail.data,
    `delete from ostiary.audit where ${entry(9)}; delete from ostiary.audit_seal where seq = 9; ${insertEntry(50)}; ${forgeSeal(10, 50).replace('seq = 10 - 1', 'seq = 8')}`,
  );
  await write();
  await seal(trail);
  const { faults, range } = await verifyTrail(trail.database);
  expect(range).toEqual({ first: 1, last: 11 });
  expect(faults.map(short)).toEqual(['removed 9', 'changed 10 #50', 'reordered 10 #50', 'added 10 #50']);
});

test.each(['9223372036854775807', '11', '10, 12'])(
  'a forged seal at %s stops neither sealing nor exporting',
  async (seqs) => {
    const all = seqs.split(', ');
    await tamper(
      trail.data,
      all
        .map(
          (seq, n) =>
            `${insertEntry(50 + n)}; insert into ostiary.audit_seal values (${seq}, '${entryId(50 + n)}', sha256('x'), sha256('y'))`,
        )
        .join(';'),
    );
    for (let number = 1; number <= 4; number += 1) await write();
    expect(await seal(trail)).toMatchObject({ entries: 4 });
    const { faults } = await verifyTrail(trail.database);
    expect(faults.map(describeFault).join('\n')).not.toContain('is gone');
    expect(new Set(faults.map(({ seq }) => seq))).toEqual(new Set(all.map(Number)));
    expect((await exportedLines(trail)).length).toBeGreaterThan(10);
  },
);

test('a key without its public half is a fault of what it signed', async () => {
  await tamper(trail.data, `update ostiary.signing_key set public_jwk = 'null' where purpose = 'audit'`);
  expect((await verifyTrail(trail.database)).faults.map(short)).toEqual(['checkpoint 3-9']);
});

/** What keeps the trail as it is, taken away; how it is told, and whether the next start puts it back. */
test.each([
  ['alter table ostiary.audit disable trigger audit_append_only', 'the trigger audit_append_only of ostiary.audit'],
  ['alter table ostiary.audit_seal disable trigger all', 'the trigger audit_seal_no_truncate of ostiary.audit_seal'],
  [
    'alter table ostiary.audit_seal enable replica trigger audit_seal_append_only',
    'the trigger audit_seal_append_only',
  ],
  ['drop trigger audit_key_stays on ostiary.signing_key', 'the trigger audit_key_stays of ostiary.signing_key'],
])('%s: it is told, and put back', async (sql, says) => {
  await trail.data.pool.query(sql);
  const told = (await verifyTrail(trail.database)).faults.map(describeFault);
  expect(told.join('\n')).toContain(`unguarded: ${says}`);
  expect(await createTables(trail.database, [], true), 'left as it is found').toEqual([]);
  expect(await createTables(trail.database, [])).toHaveLength(told.length);
  expect(await createTables(trail.database, [])).toEqual([]);
  expect((await verifyTrail(trail.database)).faults).toEqual([]);
});

test.each(['audit', 'audit_unsealed', 'audit_seal', 'audit_checkpoint', 'signing_key'])(
  'the table %s gone is a fault, and no server starts as if it had never been',
  async (table) => {
    await trail.data.pool.query(`alter table ostiary.${table} rename to away`);
    try {
      const { faults, range } = await verifyTrail(trail.database);
      expect(faults.map(describeFault)).toEqual([`removed: the table ostiary.${table} is gone`]);
      expect(range).toBeNull();
      await expect(createTables(trail.database, [])).rejects.toThrow(`ostiary.${table} was here, and is gone`);
    } finally {
      await trail.data.pool.query(`alter table ostiary.away rename to ${table}`);
    }
  },
);

test('what is sealed and queued again leaves the queue', async () => {
  await tamper(trail.data, 'insert into ostiary.audit_unsealed select id from ostiary.audit');
  expect(await seal(trail)).toMatchObject({ entries: 0 });
  const { rows } = await trail.data.pool.query('select count(*)::int as left from ostiary.audit_unsealed');
  expect(rows).toEqual([{ left: 0 }]);
});

test('what waits to be sealed is no fault, and what was taken from the queue is', async () => {
  await write();
  expect(await verifyTrail(trail.database)).toMatchObject({ faults: [], waiting: 1 });
  await tamper(trail.data, `delete from ostiary.audit where id > '${entryId(9)}'`);
  expect((await verifyTrail(trail.database)).faults.map(short)).toEqual([expect.stringMatching(/^removed #\d+$/)]);
  await write();
  await seal(trail);
  const { faults, seals } = await verifyTrail(trail.database);
  expect([faults.length, seals], 'what is queued without an entry holds up nothing').toEqual([1, 10]);
});

test('what can never be sealed holds up nothing, however much of it there is', async () => {
  // Before everything that is written from now on.
  await tamper(trail.data, queueBad(5_000, 6_999).replaceAll('8000-', '0000-'));
  await write();
  expect(await seal(trail)).toMatchObject({ entries: 1, left: 2_000 });
  const { faults, seals, waiting } = await verifyTrail(trail.database);
  expect([faults.length, seals, waiting]).toEqual([2_000, 10, 2_000]);
  expect(faults[0]).toMatchObject({ kind: 'unsealed', event: 'logout' });
});

test('what waits for minutes is a fault', async () => {
  await write();
  const verifiedAfter = async (minutes: number) => {
    const now = new Date(trail.runtime.now().getTime() + minutes * 60_000);
    return (await verifyTrail(trail.database, { now })).faults.map(({ kind }) => kind);
  };
  expect([await verifiedAfter(4), await verifiedAfter(6)]).toEqual([[], ['unsealed']]);
  await seal(trail);
  expect(await verifiedAfter(6)).toEqual([]);
});

test('keys may change: what the ones before signed stands, and they sign nothing more', async () => {
  const id = await rotateAuditKey(trail.database, trail.runtime);
  await write();
  await seal(trail);
  const { faults, keys } = await verifyTrail(trail.database);
  expect({ faults, keys }).toEqual({ faults: [], keys: [expect.any(String), id] });
  const [told] = await searchTrail(trail.database, selectionOf({ what: 'keys' }), 2);
  expect(told).toMatchObject({ event: 'keys.rotated', application: 'ostiary', outcome: 'allowed' });
  expect(told?.detail).toEqual({ purpose: 'audit', algorithm: 'EdDSA', kid: id });
  const { rows } = await trail.data.pool.query(
    `select retired_at is null as signs, private_jwk = '{}' as gone from ostiary.signing_key order by created_at, retired_at`,
  );
  expect(rows).toContainEqual({ signs: false, gone: true });
  expect(rows).toContainEqual({ signs: true, gone: false });
});

test.each([
  'update ostiary.audit_seal set seq = seq + 1',
  'delete from ostiary.audit_seal',
  'truncate ostiary.audit_seal',
  "update ostiary.audit_checkpoint set jws = ''",
  'delete from ostiary.audit_checkpoint',
  'truncate ostiary.audit_checkpoint',
  'delete from ostiary.signing_key',
  "update ostiary.signing_key set public_jwk = '{}'",
])('the database refuses: %s', async (sql) => {
  await expect(trail.data.pool.query(sql)).rejects.toThrow('append-only');
});
