import { findField, type Model, snakeCase } from '@ostiary/policy';
import { columnOf, quote, tableOf } from '@ostiary/policy/sql';
import type { Transaction } from './database.js';
import { storedFields } from './model-tables.js';
import { nameOf } from './names.js';
import { query } from './query.js';

interface Index {
  readonly kind: 'unique' | 'set' | 'id' | 'grant' | 'order' | 'together';
  /** What it is called after: none of its kind on the type has the same. */
  readonly fields: readonly string[];
  readonly unique?: true;
  /** What it is, as PostgreSQL says it. */
  readonly definition: string;
}

/**
 * Makes the indexes of a table that are missing. One is there if one is there that is the same, whatever it is called:
 * names have been others, and one that was taken hid that the index behind it was missing.
 */
export async function createIndexes(transaction: Transaction, model: Model, type: string): Promise<void> {
  const table = tableOf(model, type);
  const rows = await query<{ definition: string }>(
    transaction,
    `select pg_get_indexdef(indexrelid) as definition from pg_index where indrelid = $1::regclass and indisvalid`,
    [table],
  );
  const present = new Set(rows.map(({ definition }) => what(definition)));
  const wanted = [
    ...fieldIndexes(model, type),
    ...grantIndexes(model, type),
    ...orderIndexes(model, type),
    ...togetherIndexes(model, type),
  ];
  for (const { kind, fields, unique, definition } of wanted) {
    // With dots, which are in no word: so neither another index nor a table has the same name.
    const name = quote(nameOf([type, ...fields].map(snakeCase).concat(kind).join('.')));
    const statement = `create ${unique ? 'unique ' : ''}index ${name} on ${table} using ${definition}`;
    if (present.has(what(statement))) continue;
    await query(transaction, statement);
    present.add(what(statement));
  }
}

/** An index's definition without its name and its table, and without the quotes that PostgreSQL writes only where it must. */
function what(statement: string): string {
  return statement
    .toLowerCase()
    .replaceAll('"', '')
    .replace(/ index .*? using /, ' index using ');
}

function fieldIndexes(model: Model, type: string): readonly Index[] {
  return storedFields(model, type).flatMap(([name, field]): readonly Index[] => {
    const column = columnOf(name);
    const fields = [name];
    if (field.unique) return [{ kind: 'unique', fields, unique: true, definition: `btree (${column})` }];
    if (field.many) return [{ kind: 'set', fields, definition: `gin (${column})` }];
    // With the id behind it, so that a page of one scope is read in order from the index.
    if (field.to !== null) return [{ kind: 'id', fields, definition: `btree (${column}, id)` }];
    return [];
  });
}

/** What somebody was granted, in the order of what it is on: with the role, so that the index answers alone. */
function grantIndexes(model: Model, type: string): readonly Index[] {
  return model.grants.flatMap(({ in: source, holder, members, role, on }): readonly Index[] => {
    if (source !== type || members || holder === 'id' || !on || findField(model, type, on.field)?.many) return [];
    const roleColumn = typeof role === 'string' ? '' : ` include (${columnOf(role.field)})`;
    const fields = [holder, on.field];
    return [{ kind: 'grant', fields, definition: `btree (${fields.map(columnOf).join(', ')})${roleColumn}` }];
  });
}

/** The orders that lists are often asked for in, of all records and of those with one reference in common. */
function orderIndexes(model: Model, type: string): readonly Index[] {
  const references = storedFields(model, type).filter(([, field]) => field.to !== null && !field.many);
  return (model.resources[type]?.orders ?? []).flatMap((order) =>
    [[order], ...references.flatMap(([name]) => (name === order ? [] : [[name, order]]))].map(
      (fields): Index => ({
        kind: 'order',
        fields,
        definition: `btree (${[...fields, 'id'].map(columnOf).join(', ')})`,
      }),
    ),
  );
}

/** What is unique together; a missing value is like any other, as of a role that is at no site. */
function togetherIndexes(model: Model, type: string): readonly Index[] {
  return (model.resources[type]?.uniqueTogether ?? []).map(
    (fields): Index => ({
      kind: 'together',
      fields,
      unique: true,
      definition: `btree (${fields.map(columnOf).join(', ')}) nulls not distinct`,
    }),
  );
}
