import type { Principal } from '@ostiary/policy';
import { columnOf, tableOf } from '@ostiary/policy/sql';
import type { Context } from '../context.js';
import { readId } from '../input/ids.js';
import { query } from '../storage/query.js';
import { type LoadedRecord, selectList, toRecord } from '../storage/rows.js';

/** An account that a question names. */
export interface Account {
  readonly id: string;
  readonly login: string | null;
  readonly disabled: boolean;
  readonly rightsVersion: string;
}

/** What PostgreSQL can't keep in text, and so no name has. */
const UNUSABLE = /[\p{Cc}\p{Cs}]/u;

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
    const { database, policy } = this.context;
    const type = policy.model.principals[kind];
    const wanted = given.filter((one) => !this.#accounts.has(keyOf(kind, one)));
    if (wanted.length === 0) return;
    const named = type ? await this.#idsByName(type, wanted) : new Map<string, string>();
    const { ids, names } = sorted(wanted);
    const rows = await query<{ id: string; login: string | null; disabled: boolean; rights_version: string }>(
      database.db,
      `select a.principal_id as id, a.login, a.disabled, a.rights_version || '.' || p.rights_version as rights_version
       from ostiary.account a join ostiary.application p on p.name = a.application
       where a.application = $1 and a.kind = $2 and (a.principal_id = any($3::uuid[]) or a.login = any($4::text[]))`,
      [policy.model.name, kind, [...ids, ...named.values()], names],
    );
    const byId = new Map(rows.map((row) => [row.id, accountOf(row)]));
    const byLogin = new Map(rows.map((row) => [row.login, accountOf(row)]));
    for (const one of wanted) {
      const id = readId(one) ?? named.get(one);
      const found = id === undefined ? byLogin.get(one) : byId.get(id);
      this.#accounts.set(keyOf(kind, one), found ?? null);
    }
  }

  /** Finds several records of a type with one query. */
  async findRecords(type: string, given: readonly string[]): Promise<void> {
    const { database, policy } = this.context;
    const { model } = policy;
    const wanted = given.filter((one) => !this.#records.has(keyOf(type, one)));
    if (wanted.length === 0) return;
    const named = new Map([...(await this.#idsByLogin(type, wanted)), ...(await this.#idsByName(type, wanted))]);
    const ids = [...new Set([...sorted(wanted).ids, ...named.values()])];
    const rows =
      ids.length === 0
        ? []
        : await query(
            database.db,
            `select ${selectList(policy, type)} from ${tableOf(model, type)} t where t.id = any($1::uuid[])`,
            [ids],
          );
    const found = new Map(rows.map((row) => [String(row.id), toRecord(policy, type, row)]));
    for (const one of wanted) {
      this.#records.set(keyOf(type, one), found.get(readId(one) ?? named.get(one) ?? '') ?? null);
    }
  }

  /** Forgets the records, which may be large. */
  forgetRecords(): void {
    this.#records.clear();
  }

  async #idsByName(type: string, given: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { database, policy } = this.context;
    const field = policy.model.resources[type]?.identifiedBy;
    const { names } = sorted(given);
    if (field === undefined || names.length === 0) return new Map();
    const column = `t.${columnOf(field)}`;
    const rows = await query<{ id: string; name: string }>(
      database.db,
      `select t.id, ${column} as name from ${tableOf(policy.model, type)} t where ${column} = any($1::text[])`,
      [names],
    );
    return new Map(rows.map(({ id, name }) => [name, id]));
  }

  async #idsByLogin(type: string, given: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const kind = Object.entries(this.context.policy.model.principals).find(([, of]) => of === type)?.[0];
    const { names } = sorted(given);
    if (kind === undefined || names.length === 0) return new Map();
    await this.findAccounts(kind, names);
    return new Map(
      names.flatMap((name) => {
        const account = this.#accounts.get(keyOf(kind, name));
        return account ? [[name, account.id]] : [];
      }),
    );
  }
}

function keyOf(type: string, given: string): string {
  return `${type} ${given}`;
}

function accountOf(row: { id: string; login: string | null; disabled: boolean; rights_version: string }): Account {
  return { id: row.id, login: row.login, disabled: row.disabled, rightsVersion: row.rights_version };
}

/** What was given, as the ids and the names that it is. */
function sorted(given: readonly string[]): { readonly ids: readonly string[]; readonly names: readonly string[] } {
  const ids = given.flatMap((one) => readId(one) ?? []);
  return { ids, names: given.filter((one) => readId(one) === null && !UNUSABLE.test(one)) };
}
