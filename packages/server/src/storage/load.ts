import { fieldOf, type Needs, type Policy, type RecordFacts } from '@ostiary/policy';
import { columnOf, Parameters, tableOf, typeOf } from '@ostiary/policy/sql';
import type { Executor } from './database.js';
import { keep } from './prepared.js';
import { type Along, query, type SqlRow } from './query.js';
import { type LoadedRecord, proposal, selectList, toColumn, toFacts, toRecord } from './rows.js';

const texts = new WeakMap<Policy, Map<string, string>>();

/** The statement that loads a record with everything that deciding about it needs, by its id: the first parameter. */
function byId(policy: Policy, type: string): string {
  const known = texts.get(policy) ?? new Map<string, string>();
  texts.set(policy, known);
  const text =
    known.get(type) ??
    keep(`select ${selectList(policy, type)} from ${tableOf(policy.model, type)} t where t.id = $1::uuid`);
  known.set(type, text);
  return text;
}

/**
 * Loads one record with everything that deciding about it needs; locked, so that it stays as it was decided on. Others may
 * go on to refer to it meanwhile: a stronger lock would meet those of their foreign keys.
 */
export async function loadRecord(
  executor: Executor,
  policy: Policy,
  type: string,
  id: string,
  lock = false,
): Promise<LoadedRecord | null> {
  const text = byId(policy, type);
  const [row] = await query(executor, lock ? keep(`${text} for no key update of t`) : text, [id]);
  return row === undefined ? null : toRecord(policy, type, row);
}

/** The records with these ids that there are, each with everything that deciding about it needs, in the order of the ids. */
export async function loadEach(
  executor: Executor,
  policy: Policy,
  type: string,
  ids: readonly string[],
): Promise<readonly LoadedRecord[]> {
  const text = `select ${selectList(policy, type)} from ${tableOf(policy.model, type)} t where t.id = any($1::uuid[]) order by t.id`;
  const rows = await query(executor, keep(text), [ids]);
  return rows.map((row) => toRecord(policy, type, row));
}

/** The records with these values in fields of their own, or all of them, each with everything that deciding about it needs. */
export async function loadRecords(
  executor: Executor,
  policy: Policy,
  type: string,
  values: Readonly<Record<string, unknown>>,
  lock = false,
): Promise<readonly LoadedRecord[]> {
  const parameters = new Parameters();
  const where = having(policy, type, values, parameters);
  const rows = await query(
    executor,
    `select ${selectList(policy, type)} from ${tableOf(policy.model, type)} t where ${where.join(' and ') || 'true'}
      order by t.id${lock ? ' for no key update of t' : ''}`,
    parameters.values,
  );
  return rows.map((row) => toRecord(policy, type, row));
}

/** That a record `t` has these values in fields of its own, as conditions. */
export function having(
  { model }: Policy,
  type: string,
  values: Readonly<Record<string, unknown>>,
  parameters: Parameters,
): readonly string[] {
  return Object.entries(values).map(([name, value]) => {
    // No index serves 'is not distinct from'.
    if (value === null) return `t.${columnOf(name)} is null`;
    return `t.${columnOf(name)} = ${parameters.add(toColumn(model, type, name, value), typeOf(fieldOf(model, type, name)))}`;
  });
}

/** One record by its id, for a statement that asks for more along with it. */
export function recordAlong(policy: Policy, type: string, id: string): Along<LoadedRecord | null> {
  return {
    text: byId(policy, type),
    value: id,
    read: (row) => (row.id === null ? null : toRecord(policy, type, row)),
  };
}

/** Fields of the record alone: where nobody asks, nothing is decided. */
export const OWN_FIELDS: Needs = { paths: [], links: [] };

/**
 * A record as it would be: decided about before it is written, so that a refused write touches nothing.
 * @param needs what deciding needs; left out, what every rule about its type does
 */
export async function proposeRecord(
  executor: Executor,
  policy: Policy,
  type: string,
  values: Readonly<Record<string, unknown>>,
  needs?: Needs,
): Promise<LoadedRecord> {
  return toRecord(policy, type, await proposedRow(executor, policy, type, values, needs), needs);
}

/** What is asked of a record as it would be, where that is not what the rules about its type ask. */
export async function proposeFacts(
  executor: Executor,
  policy: Policy,
  type: string,
  values: Readonly<Record<string, unknown>>,
  needs: Needs,
): Promise<RecordFacts> {
  return toFacts(policy.model, type, needs, await proposedRow(executor, policy, type, values, needs));
}

async function proposedRow(
  executor: Executor,
  policy: Policy,
  type: string,
  values: Readonly<Record<string, unknown>>,
  needs?: Needs,
): Promise<SqlRow> {
  const parameters = new Parameters();
  const from = proposal(policy, type, values, parameters);
  const [row] = await query(executor, `select ${selectList(policy, type, needs)} from ${from} t`, parameters.values);
  if (row === undefined) throw new TypeError('a row of constants always comes back');
  return row;
}
