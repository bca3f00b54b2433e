import { PassThrough, type Readable } from 'node:stream';
import {
  type AuditFilters,
  createTables,
  type Database,
  exportTrail,
  type Fault,
  openDatabase,
  type Runtime,
  seal,
  selectionOf,
  systemRuntime,
  writeAudit,
} from '@ostiary/server';
import { type TestDatabase, testDatabase } from './cluster.js';

const TIME = new Date('2026-03-02T10:00:00.000Z');

/** Ids that a test can foretell: the n-th entry of the trail has the n-th. */
export const entryId = (number: number) => `019cae3f-0000-7000-8000-${String(number).padStart(12, '0')}`;

export function countingRuntime(from = 0): Runtime {
  let made = from;
  return { ...systemRuntime, now: () => TIME, id: () => entryId(++made) };
}

const TABLES = ['audit', 'audit_unsealed', 'audit_seal', 'audit_checkpoint', 'signing_key'];

/** A trail of nine entries, sealed three at a time: so with checkpoints at seq 3, 6 and 9. */
export interface TestTrail {
  readonly data: TestDatabase;
  readonly database: Database;
  readonly runtime: Runtime;
  /** Makes it what it was. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function openTrail(): Promise<TestTrail> {
  const data = await testDatabase();
  const database = openDatabase(data.config);
  const runtime = countingRuntime();
  await createTables(database, []);
  await data.pool.query('insert into ostiary.installation (id, created_at, demo) values ($1, $2, false)', [
    '019cae3f-0000-7000-8000-0000000000aa',
    TIME,
  ]);
  for (let number = 1; number <= 9; number += 1) {
    await writeAudit(database.db, runtime, {
      application: number % 2 === 0 ? 'other' : 'trials',
      event: 'record.updated',
      outcome: 'allowed',
      principal: { kind: 'person', id: entryId(0) },
      login: 'jane',
      action: 'update',
      resourceType: 'Sample',
      recordId: `record ${number}`,
      decision: entryId(99),
      rules: ['Sample/member'],
      requestId: `request ${number}`,
      detail: { fields: ['label'], number },
    });
    if (number % 3 === 0) await seal({ database, runtime });
  }
  await data.pool.query(
    `create schema original; ${TABLES.map((name) => `create table original.${name} as table ostiary.${name}`).join(';')}`,
  );
  const reset = TABLES.map((name) => `truncate ostiary.${name}; insert into ostiary.${name} table original.${name}`);
  return {
    data,
    database,
    runtime,
    reset: () => tamper(data, reset.join(';')),
    close: () => database.close().then(() => data.drop()),
  };
}

/** Changes tables as somebody does who is not held back by triggers. */
export async function tamper(data: TestDatabase, sql: string): Promise<void> {
  await data.pool.query(`begin; set local session_replication_role = replica; ${sql}; commit`);
}

/** An export, as lines. */
export async function exportedLines(trail: TestTrail, filters: AuditFilters = {}, format: 'jsonl' | 'csv' = 'jsonl') {
  const parts: string[] = [];
  for await (const part of await exportTrail(trail, selectionOf(filters), { format, filters: {} })) parts.push(part);
  return parts
    .join('')
    .split(format === 'csv' ? '\r\n' : '\n')
    .slice(0, -1);
}

export function fileOf(lines: readonly string[]): Readable {
  const file = new PassThrough();
  file.end(lines.map((line) => `${line}\n`).join(''));
  return file;
}

/** A fault in few words: what, where, and the number of the entry. */
export function short({ kind, seq, until, entry }: Fault): string {
  const place = seq === null ? '' : ` ${seq}${until === undefined || until === seq ? '' : `-${until}`}`;
  return `${kind}${place}${entry === undefined ? '' : ` #${Number(entry.slice(-12))}`}`;
}
