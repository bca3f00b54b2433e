import type { Principal } from '@ostiary/policy';
import { Parameters, tableOf } from '@ostiary/policy/sql';
import type { Context } from '../application/context.js';
import { keep } from '../storage/prepared.js';
import { query } from '../storage/query.js';
import { type LoadedRecord, selectList, toRecord } from '../storage/rows.js';
import { idsOf, leadsSql, only, principalsOf, recordsOf } from './leads.js';

/** An account that a question names. */
export interface Account {
  readonly id: string;
  readonly login: string | null;
  readonly disabled: boolean;
  readonly rightsVersion: string;
}

/** Null where an id has no account. */
interface AccountRow {
  readonly given: string;
  readonly id: string;
  readonly login: string | null;
  readonly disabled: boolean | null;
  readonly rights_version: string | null;
  readonly [column: string]: unknown;
}

/**
 * Finds what questions name, by id or by name: each once, however many questions there are, and many with one query.
 * It is made for one request, so that it tells what stands in the database now.
 */
export class Lookup {
  readonly #accounts = new Map<string, Account | null>();
  readonly #records = new Map<string, LoadedRecord | null>();
  readonly #principals = new Map<string, Promise<Principal | null>>();

  constructor(readonly context: Context) {}

  /** A principal's account, by the principal's id, the name that its type is identified by, or its log-in. */
  async account(kind: string, given: string): Promise<Account | null> {
    const key = keyOf(kind, given);
    if (!this.#accounts.has(key)) await this.findAccounts(kind, [given]);
    return this.#accounts.get(key) ?? null;
  }

  /** A record, by its id, the name that its type is identified by, or a principal's log-in. */
  async record(type: string, given: string): Promise<LoadedRecord | null> {
    const key = keyOf(type, given);
    if (!this.#records.has(key)) await this.findRecords(type, [given]);
    return this.#records.get(key) ?? null;
  }

  /** A principal, by whatever tells it from others: made once. */
  principal(key: string, make: () => Promise<Principal | null>): Promise<Principal | null> {
    const made = this.#principals.get(key) ?? make();
    this.#principals.set(key, made);
    return made;
  }

  /** Finds several accounts with one query. */
  async findAccounts(kind: string, given: readonly string[]): Promise<void> {
    const { context } = this;
    const { model } = context.policy;
    const wanted = given.filter((one) => !this.#accounts.has(keyOf(kind, one)));
    if (wanted.length === 0) return;
    const parameters = new Parameters();
    const leads = leadsSql(context, principalsOf(model, kind), wanted, parameters);
    const rows = await query<AccountRow>(
      context.database.db,
      keep(`select l.given, l.id, a.login, a.disabled, a.rights_version || '.' || p.rights_version as rights_version
       from (${leads}) l
       left join ostiary.account a on a.application = ${parameters.add(model.name, 'text')}
         and a.kind = ${parameters.add(kind, 'text')} and a.principal_id = l.id
       left join ostiary.application p on p.name = a.application`),
      parameters.values,
    );
    const ids = only(rows);
    const accounts = new Map(rows.map((row) => [row.id, accountOf(row)]));
    for (const one of wanted) this.#accounts.set(keyOf(kind, one), accounts.get(ids.get(one) ?? '') ?? null);
  }

  /** Finds several records of a type: with one query, or with two where they have names. */
  async findRecords(type: string, given: readonly string[]): Promise<void> {
    const { database, policy } = this.context;
    const { model } = policy;
    const wanted = given.filter((one) => !this.#records.has(keyOf(type, one)));
    if (wanted.length === 0) return;
    const named = await idsOf(this.context, recordsOf(model, type), wanted);
    const ids = [...new Set(named.values())].filter((id) => id !== null);
    const rows =
      ids.length === 0
        ? []
        : await query(
            database.db,
            keep(`select ${selectList(policy, type)} from ${tableOf(model, type)} t where t.id = any($1::uuid[])`),
            [ids],
          );
    const found = new Map(rows.map((row) => [String(row.id), toRecord(policy, type, row)]));
    for (const one of wanted) this.#records.set(keyOf(type, one), found.get(named.get(one) ?? '') ?? null);
  }

  /** Forgets the records, which may be large. */
  forgetRecords(): void {
    this.#records.clear();
  }
}

function keyOf(type: string, given: string): string {
  return `${type} ${given}`;
}

function accountOf({ id, login, disabled, rights_version }: AccountRow): Account | null {
  return disabled === null ? null : { id, login, disabled, rightsVersion: rights_version ?? '' };
}
