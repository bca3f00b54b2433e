import type { Context } from '../application/context.js';
import type { Transaction } from '../storage/database.js';
import { isTransient, problemOf } from './integrity.js';

const ATTEMPTS = 3;

const failed = new WeakMap<Transaction, { readonly error: unknown }>();

/**
 * A write that fails the transaction it is in, also where its error is caught by whoever asked for it: a part may be
 * written before the rest is refused, and after an error of its own PostgreSQL takes everything back without a word.
 */
export function failingWhole<A extends readonly unknown[], T>(
  write: (context: Context, transaction: Transaction, ...rest: A) => Promise<T>,
): (context: Context, transaction: Transaction, ...rest: A) => Promise<T> {
  return async (context, transaction, ...rest) => {
    try {
      return await write(context, transaction, ...rest);
    } catch (error) {
      if (!failed.has(transaction)) failed.set(transaction, { error });
      throw error;
    }
  };
}

/** Runs a write in a transaction, and puts PostgreSQL's refusals into our words. */
export async function inTransaction<T>(context: Context, run: (transaction: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await context.database.db.transaction().execute(async (transaction) => {
        const written = await run(transaction);
        const failure = failed.get(transaction);
        if (failure !== undefined) throw failure.error;
        return written;
      });
    } catch (error) {
      // Whoever loses a deadlock was rolled back whole, and may as well try again.
      if (!isTransient(error) || attempt === ATTEMPTS) throw problemOf(error);
    }
  }
}
