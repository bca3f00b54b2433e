import { Problem } from '../problems.js';
import type { Along } from '../storage/query.js';
import type { IdentityDependencies } from './dependencies.js';
import { askAlong, type Live, RIGHTS } from './live.js';

/** Runs with every request of a guest. */
const LIVE_APPLICATION: Live = {
  name: 'guest',
  values: 1,
  text: `
  select application.rights_version::text as "${RIGHTS}" from ostiary.application application where application.name = $1`,
};

/** A token that was good, and is not any more. Whoever sends it is no guest: they would not learn that it was revoked. */
export class RevokedToken extends Problem {
  constructor() {
    super('invalid_token');
  }
}

/** The version of an application's rights, as it stands now, with the answer to another question of the same moment. */
export async function admitGuest<T>(
  { database }: Pick<IdentityDependencies, 'database'>,
  application: string,
  along: Along<T>,
): Promise<{ readonly rightsVersion: string; readonly answer: T }> {
  const row = await askAlong(database, LIVE_APPLICATION, [application], along);
  if (row === undefined) throw new TypeError(`${application} is not installed`);
  return { rightsVersion: row[RIGHTS] as string, answer: along.read(row) };
}
