import type { Context } from '../application/context.js';
import type { Transaction } from '../storage/database.js';
import { isTransient, problemOf } from './integrity.js';

const ATTEMPTS = 3;

/** Runs a write in a transaction, and puts PostgreSQL's refusals into our words. */
export async function inTransaction<T>(context: Context, run: (transaction: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await context.database.db.transaction().execute(run);
    } catch (error) {
      // Whoever loses a deadlock was rolled back whole, and may as well try again.
      if (!isTransient(error) || attempt === ATTEMPTS) throw problemOf(error);
    }
  }
}
