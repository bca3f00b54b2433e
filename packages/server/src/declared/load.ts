import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Needs, Policy } from '@ostiary/policy';
import { tableOf } from '@ostiary/policy/sql';
import type { Application } from '../application/application.js';
import type { Context } from '../application/context.js';
import { Principals } from '../rights/principals.js';
import { LiveTypes } from '../rights/type-attributes.js';
import type { Database, Executor } from '../storage/database.js';
import { query } from '../storage/query.js';
import { selectList, toRecord } from '../storage/rows.js';
import { createApplicationSchema } from '../storage/schema.js';
import { isUnreachable } from '../storage/unreachable.js';
import { type Declaration, declaredPolicy } from './policy.js';

/** No field's name has the character that this begins with. */
const RIGHTS = '<rights';
const OWN: Needs = { paths: [], links: [] };

/** The records of an application that declare types, at one moment. */
export interface Declarations {
  readonly rows: readonly Declaration[];
  /** Another one as soon as they declare something else. */
  readonly key: string;
  /** The version of the application's rights, which every write of such a record raises. */
  readonly rightsVersion: bigint;
}

/** Tells of a declaration that is left out, since no policy can be made with it. */
export type LeftOut = (message: string) => void;

/** Loads what is declared; nothing where the application has no such records. */
export async function loadDeclarations(executor: Executor, { policy, declared }: Application): Promise<Declarations> {
  if (declared === undefined) return { rows: [], key: '', rightsVersion: 0n };
  const found = await query(
    executor,
    `select ${selectList(policy, declared.in, OWN)}, application.rights_version::text as "${RIGHTS}"
      from ostiary.application application left join ${tableOf(policy.model, declared.in)} t on true
      where application.name = $1 order by t.id`,
    [policy.model.name],
  );
  // Of an application without any, one row is left, with nothing but the version.
  const records = found.flatMap((row) => (row.id === null ? [] : [toRecord(policy, declared.in, row, OWN)]));
  const rows = records.map(({ id, values }) => ({ id, ...pick(values, declared.by) }));
  return {
    rows,
    key: createHash('sha256').update(JSON.stringify(rows)).digest('base64'),
    rightsVersion: BigInt(String(found[0]?.[RIGHTS] ?? 0)),
  };
}

function pick(values: Declaration, names: readonly string[]): Declaration {
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

/** The policy of an application as it is served, and the ids of the declarations that it is without. */
export interface Installed {
  readonly policy: Policy;
  readonly misfits: ReadonlySet<string>;
}

/**
 * The policy of an application with what is declared, for which the tables are there. What was declared under another
 * version of the application and does not fit this one is left out: a server must start, and go on, without it.
 * @param known the ids of what was left out before
 * @param leftOut is told of what was not
 */
export async function installedPolicy(
  database: Database,
  application: Application,
  rows: readonly Declaration[],
  known: ReadonlySet<string>,
  leftOut: LeftOut,
): Promise<Installed> {
  const install = async (declarations: readonly Declaration[]) => {
    const policy = declaredPolicy(application, declarations);
    await database.db
      .transaction()
      .execute((transaction) => createApplicationSchema(transaction, policy, application.declared?.in));
    return policy;
  };
  let policy: Policy | null = null;
  let kept: readonly Declaration[] = [];
  const failed = new Map<Declaration, unknown>();
  // Where they don't fit all together, each half is tried by itself: most of them do.
  const add = async (more: readonly Declaration[]): Promise<void> => {
    try {
      policy = await install([...kept, ...more]);
      kept = [...kept, ...more];
      for (const row of more) failed.delete(row);
    } catch (error) {
      const [first] = more;
      if (isOfDatabase(error) || first === undefined) throw error;
      if (more.length === 1) failed.set(first, error);
      else {
        const half = Math.ceil(more.length / 2);
        await add(more.slice(0, half));
        await add(more.slice(half));
      }
    }
  };
  await add(rows.filter(({ id }) => !known.has(String(id))));
  // One may refer to another that comes later: so as long as there is one more that fits.
  for (let before = -1; before < kept.length && kept.length < rows.length; ) {
    before = kept.length;
    await add(rows.filter((row) => !kept.includes(row)));
  }
  for (const [{ id }, error] of failed) {
    if (known.has(String(id))) continue;
    leftOut(`${application.declared?.in} ${id} declares what does not fit, and is left out: ${inWords(error)}`);
  }
  return { policy: policy ?? (await install([])), misfits: new Set([...failed.keys()].map(({ id }) => String(id))) };
}

/** That the database is away, or that others hold it up, says nothing about what is declared (PostgreSQL, appendix A). */
function isOfDatabase(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return isUnreachable(error) || (typeof code === 'string' && /^(40|53|55|57|58)...$/.test(code));
}

function inWords(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same application, as it is with other declarations. */
export function withPolicy(context: Context, { policy, misfits }: Installed, declarations: string): Context {
  const next = { ...context, declarations, misfits };
  if (isDeepStrictEqual(policy, context.policy)) return next;
  return { ...next, policy, principals: new Principals(policy, context.runtime), types: new LiveTypes(policy) };
}
