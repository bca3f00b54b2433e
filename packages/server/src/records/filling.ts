import { type Policy, resourceOf } from '@ostiary/policy';
import type { Context } from '../application/context.js';
import type { Demo, Seed } from '../application/seed.js';
import { ApplicationError } from '../authoring/error.js';
import { createSchema } from '../input/schemas.js';
import { type Validator, validationProblem, validatorFor } from '../input/validation.js';
import { Problem } from '../problems.js';
import type { Transaction } from '../storage/database.js';
import { query } from '../storage/query.js';
import { problemOf } from './integrity.js';
import { System } from './system.js';

/**
 * Runs an application's demo data, as its author wrote it.
 * @throws ApplicationError that names the record which could not be made, and why
 */
export async function fillWithDemo(context: Context, transaction: Transaction, demo: Demo): Promise<void> {
  await fill(context, transaction, 'demo data', demo.load);
  await requireAccounts(context, transaction, demo);
}

/**
 * Makes the records of an application that its author wrote down.
 * @param what what they are, in words
 * @throws ApplicationError that names the record which could not be made, and why
 */
export async function fill(
  context: Context,
  transaction: Transaction,
  what: string,
  load: (seed: Seed) => Promise<void>,
): Promise<void> {
  const system = new System(context, transaction);
  const requireRecord = recordCheck();
  const begun: Promise<unknown>[] = [];
  const telling = <T>(call: string, work: () => Promise<T>): Promise<T> => {
    // Knows the line in which the author asked for it.
    const asked = new Error(call);
    const told = work().catch((cause: unknown) => {
      throw failed(context, what, `${call}: ${inWords(cause)}`, asked);
    });
    // One that nobody awaits is awaited at the end; until then, that it failed is no surprise.
    told.catch(() => {});
    begun.push(told);
    return told;
  };
  const seed: Seed = {
    create: (type, values) =>
      telling(`create('${type}', …)`, async () => {
        requireRecord(system.context.policy, type, values);
        return system.create(type, values);
      }),
    find: (type, values) => telling(`find('${type}', …)`, async () => system.find(type, values)),
    update: (type, id, changes) => telling(`update('${type}', …)`, async () => system.update(type, id, changes)),
  };
  try {
    await load(seed);
    await Promise.all(begun);
  } catch (cause) {
    throw cause instanceof ApplicationError ? cause : failed(context, what, inWords(cause), cause);
  }
}

/** What an application is filled with says everything of a record, also what a caller may not. */
function recordCheck(): (policy: Policy, type: string, values: Readonly<Record<string, unknown>>) => void {
  const validators = new WeakMap<Policy, Map<string, Validator>>();
  return (policy, type, values) => {
    const { model } = policy;
    const { fields } = resourceOf(model, type);
    const known = validators.get(policy) ?? new Map<string, Validator>();
    validators.set(policy, known);
    const validate = known.get(type) ?? validatorFor(createSchema(model, type));
    known.set(type, validate);
    const given = Object.entries(values).filter(
      ([name, value]) => value !== undefined && fields[name]?.filled !== 'principal',
    );
    if (!validate(Object.fromEntries(given))) throw validationProblem(validate.errors ?? []);
  };
}

/** The accounts that are shown when the server starts are there. */
async function requireAccounts(context: Context, transaction: Transaction, { accounts }: Demo): Promise<void> {
  const rows = await query<{ login: string }>(
    transaction,
    `select login from ostiary.account where application = $1 and login is not null`,
    [context.policy.model.name],
  );
  const missing = accounts.find(({ login }) => !rows.some((row) => row.login === login));
  if (missing !== undefined)
    throw failed(context, 'demo data', `demo.accounts names '${missing.login}', whom demo.load does not make`);
}

function failed({ policy }: Context, what: string, why: string, cause?: unknown): ApplicationError {
  return new ApplicationError(`The ${what} of ${policy.model.title} can't be loaded. ${why}`, { cause });
}

function inWords(error: unknown): string {
  const cause = problemOf(error);
  if (!(cause instanceof Problem)) return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  const { errors = [] } = cause.details;
  if (errors.length === 0) return cause.message.replace(/\.$/, '');
  return errors.map(({ pointer, message }) => `${pointer.slice(1).replaceAll('/', '.')} ${message}`).join('; ');
}
