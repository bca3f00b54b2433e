import { loginAddress, rootOf } from '@ostiary/server';
import { openApplication, type TestApplication } from '../../../../packages/server/test/support/application.js';
import { application } from '../../src/index.js';

/** Where users find the API, and how a participant logs in, whatever the roots of the application are. */
export const API = rootOf(application, 'user').api;
export const participantApi = rootOf(application, 'participant').api;
const login = application.logins.participant;
export const participantLogin = login ? loginAddress(application, 'participant', login) : '';

/** The ids of the demo data, by the names that its records have. */
export type Ids = Readonly<Record<string, string>>;

export async function openDemo(): Promise<{ readonly app: TestApplication; readonly ids: Ids }> {
  const app = await openApplication(application);
  const named = ['site', 'project', 'participant', 'device', 'service'];
  const { rows } = await app.database.pool.query<{ name: string; id: string }>(
    [
      `select username as name, id from opentera."user"`,
      `select 'type of ' || p.name, session_type_id from opentera.session_type_project t join opentera.project p on p.id = project_id`,
      ...named.map((table) => `select name, id from opentera.${table}`),
    ].join(' union all '),
  );
  return { app, ids: Object.fromEntries(rows.map(({ name, id }) => [name, id])) };
}

/** A new session of a project, by the installation itself. */
export async function newSession(
  app: TestApplication,
  ids: Ids,
  project: string,
  values: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const given = { sessionTypeId: ids[`type of ${project}`], name: 'visit', startAt: '2026-03-05T09:00:00.000Z' };
  return app.seed((system) => system.create('Session', { ...given, projectId: ids[project], ...values }));
}
