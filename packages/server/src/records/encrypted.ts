import { columnOf, tableOf } from '@ostiary/policy/sql';
import type { Context } from '../application/context.js';
import { writeAudit } from '../audit/trail.js';
import { ConfigurationError, type FieldKeys } from '../keys/index.js';
import type { Executor } from '../storage/database.js';
import { encryptedFields, storedTypes } from '../storage/model-tables.js';
import { query } from '../storage/query.js';
import type { Sealed } from './store.js';

type Values = Readonly<Record<string, unknown>>;

/** Encrypts what an input says of encrypted fields, for one record alone: nowhere else can it be decrypted. */
export async function sealFields(context: Context, type: string, id: string, input: Values): Promise<Sealed> {
  const given = encryptedFields(context.policy.model, type).filter(([name]) => input[name] !== undefined);
  const sealed = given.map(async ([name]) => {
    const value = input[name];
    const place = placeOf(context, type, id, name);
    return [name, typeof value === 'string' ? await keysOf(context).seal(value, place) : null] as const;
  });
  return Object.fromEntries(await Promise.all(sealed));
}

/**
 * What an encrypted field of a record holds, for the server's own use: no answer, log or error may repeat it.
 * @returns null where it, or the record, is not there
 * @throws ConfigurationError, or Error where it was changed or moved in the database
 */
export async function openField(
  context: Context,
  executor: Executor,
  type: string,
  id: string,
  field: string,
): Promise<string | null> {
  const { model } = context.policy;
  if (!encryptedFields(model, type).some(([name]) => name === field)) {
    throw new TypeError(`${type} has no encrypted field '${field}'`);
  }
  const [row] = await query<{ sealed: string | null }>(
    executor,
    `select ${columnOf(field)} as sealed from ${tableOf(model, type)} where id = $1`,
    [id],
  );
  return row?.sealed ? keysOf(context).open(row.sealed, placeOf(context, type, id, field)) : null;
}

/**
 * Encrypts everything of an application with the key that encrypts now. Records keep their versions.
 * @returns how many values were encrypted anew
 */
export async function reencrypt(context: Context): Promise<number> {
  const { database, policy, runtime } = context;
  let done = 0;
  await database.db.transaction().execute(async (transaction) => {
    for (const [type, field] of columns(context)) {
      const keys = keysOf(context);
      const [table, column] = [tableOf(policy.model, type), columnOf(field)];
      const rows = await query<{ id: string; sealed: string }>(
        transaction,
        `select id, ${column} as sealed from ${table}
         where ${column} is not null and split_part(${column}, '.', 1) <> $1 for update`,
        [await keys.current()],
      );
      for (const { id, sealed } of rows) {
        const place = placeOf(context, type, id, field);
        const anew = await keys.seal(await keys.open(sealed, place), place);
        await query(transaction, `update ${table} set ${column} = $2 where id = $1`, [id, anew]);
        done += 1;
      }
    }
    if (done === 0) return;
    const detail = { purpose: 'fields', kid: await keysOf(context).current(), values: done };
    const application = policy.model.name;
    await writeAudit(transaction, runtime, { application, event: 'keys.rotated', outcome: 'allowed', detail });
  });
  return done;
}

/**
 * Refuses to start where something is encrypted with a key that is not here: after a backup was restored elsewhere, say.
 * @throws ConfigurationError `secret_unknown`
 */
export async function requireReadable(context: Context): Promise<void> {
  const { database, policy } = context;
  for (const [type, field] of columns(context)) {
    const column = columnOf(field);
    const rows = await query<{ key: string }>(
      database.db,
      `select distinct split_part(${column}, '.', 1) as key from ${tableOf(policy.model, type)} where ${column} is not null`,
    );
    for (const { key } of rows) {
      if (await keysOf(context).knows(key)) continue;
      throw new ConfigurationError(
        'secret_unknown',
        `${type}.${field} is encrypted with a key that is not here: bring back the OSTIARY_SECRET_KEY, or the file, that it was made with`,
      );
    }
  }
}

function columns({ policy: { model } }: Context): readonly (readonly [type: string, field: string])[] {
  return storedTypes(model).flatMap((type) => encryptedFields(model, type).map(([name]) => [type, name] as const));
}

function keysOf({ fieldKeys }: Context): FieldKeys {
  if (fieldKeys === null) throw new TypeError('the installation has no keys for encrypted fields');
  return fieldKeys;
}

/** What a value is bound to. */
function placeOf({ policy }: Context, type: string, id: string, field: string): readonly string[] {
  return [policy.model.name, type, id, field];
}
