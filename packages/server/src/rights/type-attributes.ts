import type { Model, Policy, TypeAttributes, TypeSource, Value } from '@ostiary/policy';
import { columnOf, tableOf } from '@ostiary/policy/sql';
import type { Executor } from '../storage/database.js';
import { OWN_FIELDS } from '../storage/load.js';
import { keep } from '../storage/prepared.js';
import { query, type SqlRow } from '../storage/query.js';
import { selectList, toFacts } from '../storage/rows.js';

/** No field's name has the character that these begin with. */
const VERSION = '<version';
const nameOfSet = (attribute: string) => `<${attribute}`;

const NONE: TypeAttributes = {};

/**
 * The attributes of an application's resource types, as its records of them say. Every write of such a record raises the
 * version of the application's rights (see storage/rights-triggers.ts), which each request learns as it is authenticated:
 * so what was changed holds from the next request on, on every server.
 */
export class LiveTypes {
  readonly #text: string | null;
  #version = -1n;
  #current: TypeAttributes = NONE;

  constructor(readonly policy: Policy) {
    const { types } = policy.model;
    this.#text = types === undefined ? null : keep(textOf(policy, types));
  }

  /** As they were loaded last. The same object as long as they stand. */
  get current(): TypeAttributes {
    return this.#current;
  }

  /**
   * Loads them anew, unless they are as new as a version of the rights.
   * @param rightsVersion as requests learn it, the application's part last; null for whatever it is now
   */
  async upTo(executor: Executor, rightsVersion: string | null): Promise<void> {
    if (this.#text === null) return;
    if (rightsVersion !== null && BigInt(rightsVersion.slice(rightsVersion.lastIndexOf('.') + 1)) <= this.#version)
      return;
    const rows = await query(executor, this.#text, [this.policy.model.name]);
    const version = BigInt(String(rows[0]?.[VERSION] ?? -1));
    // Another request may have loaded newer ones meanwhile.
    if (version <= this.#version) return;
    this.#version = version;
    this.#current = attributesOf(this.policy.model, rows);
  }
}

/** One statement, so that the version is that of what is loaded. */
function textOf(policy: Policy, types: TypeSource): string {
  const { model } = policy;
  const sets = Object.entries(types.sets ?? {}).map(([attribute, { in: link, type, of, bits }]) => {
    const has = bits && `(${bitsOf(bits)} & ${bits.mask}) = ${bits.mask}`;
    const where = [`l.${columnOf(type)} = t.id`, ...(has === undefined ? [] : [has])].join(' and ');
    return `(select coalesce(json_agg(distinct l.${columnOf(of)}) filter (where l.${columnOf(of)} is not null), '[]'::json)
      from ${tableOf(model, link)} l where ${where}) as "${nameOfSet(attribute)}"`;
  });
  return `select ${[selectList(policy, types.in, OWN_FIELDS), ...sets].join(', ')},
      application.rights_version::text as "${VERSION}"
    from ostiary.application application left join ${tableOf(model, types.in)} t on true where application.name = $1`;
}

function bitsOf({ field, otherwise }: { readonly field: string; readonly otherwise?: string }): string {
  const own = `l.${columnOf(field)}`;
  return otherwise === undefined ? own : `coalesce(${own}, t.${columnOf(otherwise)})`;
}

function attributesOf(model: Model, rows: readonly SqlRow[]): TypeAttributes {
  const { types, typeAttributes = {} } = model;
  const found: Record<string, Readonly<Record<string, Value>>> = {};
  for (const row of rows) {
    // Of an application without any, one row is left, with nothing but the version.
    if (types === undefined || row.id === null) continue;
    const facts = toFacts(model, types.in, OWN_FIELDS, row);
    const values = Object.keys(typeAttributes).map((name) => {
      const isSet = Object.hasOwn(types.sets ?? {}, name);
      return [name, (isSet ? row[nameOfSet(name)] : (facts[name] ?? null)) as Value] as const;
    });
    found[String(facts[types.type])] = Object.fromEntries(values);
  }
  return found;
}
