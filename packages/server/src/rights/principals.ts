import { type Grant, type Policy, type Principal, principal, principalNeeds, type Value } from '@ostiary/policy';
import { holdingsQuery, tableOf } from '@ostiary/policy/sql';
import { createBoundedCache } from '../bounded-cache.js';
import type { Runtime } from '../runtime.js';
import type { Executor } from '../storage/database.js';
import { keep } from '../storage/prepared.js';
import { query } from '../storage/query.js';
import { selectList, toFacts } from '../storage/rows.js';

interface Remembered {
  readonly rightsVersion: string;
  readonly principal: Principal;
  /** When a grant begins or ends next: until then the version alone decides. */
  readonly until: number;
}

/** Grants of one role at one time. In JSON, a number that is infinite is a text. */
interface GrantsRow extends Pick<Grant, 'role' | 'scope'> {
  readonly ids: readonly Grant['id'][];
  readonly starts: number | string;
  readonly ends: number | string;
}

/** No field's name has this character. */
const GRANTS = '"<grants"';

const MOST_REMEMBERED = 10_000;

/**
 * The principals of an application with what they hold, resolved once and kept while their rights' version stands.
 * The version comes from the query that authenticates the request, so a revocation holds from the next one.
 */
export class Principals {
  readonly #remembered = createBoundedCache<Remembered>(MOST_REMEMBERED);
  #guest: Principal | null = null;

  constructor(
    readonly policy: Policy,
    readonly runtime: Runtime,
  ) {}

  /**
   * A principal whose rights' version is known; null where its record is gone.
   * @param loggedIn false for who came with a static token
   */
  async current(
    executor: Executor,
    kind: string,
    id: string,
    rightsVersion: string,
    loggedIn = true,
  ): Promise<Principal | null> {
    const key = `${kind} ${id} ${loggedIn}`;
    const found = this.#remembered.get(key);
    if (found?.rightsVersion === rightsVersion && this.runtime.now().getTime() < found.until) return found.principal;
    const loaded = await this.#load(executor, kind, id, loggedIn);
    if (loaded === null) {
      this.#remembered.delete(key);
      return null;
    }
    this.#remembered.set(key, { rightsVersion, ...loaded });
    return loaded.principal;
  }

  /** The one principal that all guests are: of a kind without records, so it has neither id nor attributes nor grants. */
  guest(kind: string): Principal {
    this.#guest ??= principal({ kind, id: '', attributes: {}, grants: [], loggedIn: false });
    return this.#guest;
  }

  /** A principal as it is now, read from the database: for questions about others. */
  async load(executor: Executor, kind: string, id: string): Promise<Principal | null> {
    return (await this.#load(executor, kind, id, true))?.principal ?? null;
  }

  async #load(
    executor: Executor,
    kind: string,
    id: string,
    loggedIn: boolean,
  ): Promise<Omit<Remembered, 'rightsVersion'> | null> {
    const { model } = this.policy;
    const type = model.principals[kind];
    if (!type) return null;
    const needs = principalNeeds(this.policy, kind);
    // One statement, so that attributes and grants are of one moment.
    const [row] = await query(
      executor,
      keep(`select ${selectList(this.policy, type, needs)},
         (select coalesce(json_agg(h), '[]'::json) from (${holdingsQuery(model)}) h) as ${GRANTS}
       from ${tableOf(model, type)} t where t.id = $2::uuid`),
      [kind, id],
    );
    if (row === undefined) return null;
    const now = this.runtime.now().getTime();
    const groups = (row['<grants'] as readonly GrantsRow[]).map((group) => ({
      ...group,
      starts: Number(group.starts),
      ends: Number(group.ends),
    }));
    const boundaries = groups.flatMap(({ starts, ends }) => [starts, ends]).filter((time) => time > now);
    const grants = groups
      .filter(({ starts, ends }) => starts <= now && now < ends)
      .flatMap(({ role, scope, ids }) => ids.map((id): Grant => ({ role, scope, id })));
    const attributes = toFacts(model, type, needs, row) as Readonly<Record<string, Value>>;
    return {
      principal: principal({ kind, id, attributes, grants, loggedIn }),
      until: Math.min(...boundaries, Number.POSITIVE_INFINITY),
    };
  }
}
