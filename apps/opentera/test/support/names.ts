import { DEMO_PASSWORD, loginAddress, rootOf } from '@ostiary/server';
import { openApplication, type TestApplication } from '../../../../packages/server/test/support/application.js';
import { application } from '../../src/index.js';

/** Where users find the API, and how a participant logs in, whatever the roots of the application are. */
export const API = rootOf(application, 'user').api;
export const participantApi = rootOf(application, 'participant').api;
const login = application.logins.participant;
const participantLogin = login ? (loginAddress(application, 'participant', login) ?? '') : '';

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

/** The token of the participant of the demo who can log in. */
export async function loginParticipant(app: TestApplication): Promise<string> {
  const body = { username: 'participant', password: DEMO_PASSWORD };
  const answer = await app.request({ method: 'POST', url: participantLogin, body });
  if (answer.status !== 200) throw new Error(`the participant could not log in: ${answer.text}`);
  return answer.body.accessToken;
}
