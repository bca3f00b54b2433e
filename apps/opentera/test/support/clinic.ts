import { DEMO_PASSWORD, type System } from '@ostiary/server';
import { openApplication, type TestApplication } from '../../../../packages/server/test/support/application.js';
import { application } from '../../src/index.js';

/** Ids by the names that tests use for them. */
export type Ids = Readonly<Record<string, string>>;

/** Who has which role where; the roles are those of groups of their own. */
const USERS: Readonly<Record<string, Readonly<Record<string, 'admin' | 'user'>>>> = {
  siteadmin: { north: 'admin' },
  siteuser: { north: 'user' },
  projectadmin: { alpha: 'admin' },
  projectuser: { alpha: 'user' },
  colleague: { alpha: 'user' },
  stranger: { gamma: 'user' },
};

/** Two sites: alpha and beta are projects of the north, gamma is one of the south. */
export async function openClinic(): Promise<{ readonly app: TestApplication; readonly ids: Ids }> {
  const app = await openApplication({ ...application, demo: { accounts: [], load: async () => {} } });
  return { app, ids: await app.seed(fill) };
}

async function fill(system: System): Promise<Ids> {
  const ids: Record<string, string> = {};
  const at = (name: string) => ids[name] ?? '';
  const person = { firstName: 'Uma', lastName: 'User', password: DEMO_PASSWORD };
  ids.superadmin = await system.create('User', { ...person, username: 'superadmin', superAdmin: true });
  for (const site of ['north', 'south']) ids[site] = await system.create('Site', { name: site });
  for (const [project, site] of [
    ['alpha', 'north'],
    ['beta', 'north'],
    ['gamma', 'south'],
  ] as const) {
    ids[project] = await system.create('Project', { name: project, siteId: at(site) });
    ids[`pat-${project}`] = await system.create('Participant', { name: `pat-${project}`, projectId: at(project) });
  }
  for (const [username, roles] of Object.entries(USERS)) {
    ids[username] = await system.create('User', { ...person, username });
    const userGroupId = await system.create('UserGroup', { name: `group of ${username}` });
    await system.create('UserGroupMember', { userGroupId, userId: at(username) });
    for (const [scope, role] of Object.entries(roles)) {
      const isSite = ['north', 'south'].includes(scope);
      const on = isSite ? { siteId: at(scope) } : { projectId: at(scope) };
      await system.create(isSite ? 'SiteAccess' : 'ProjectAccess', { userGroupId, role, ...on });
    }
  }
  ids.type = await system.create('SessionType', { name: 'Visit', category: 'data_collect' });
  const deviceTypeId = await system.create('DeviceType', { key: 'watch', name: 'Watch' });
  for (const site of ['north', 'south']) {
    await system.create('SessionTypeSite', { sessionTypeId: ids.type, siteId: at(site) });
    ids[`watch-${site}`] = await system.create('Device', { name: `watch-${site}`, deviceTypeId });
    await system.create('DeviceSite', { deviceId: at(`watch-${site}`), siteId: at(site) });
  }
  return ids;
}

/** A new session of a project, by the installation itself. */
export function newSession(
  app: TestApplication,
  ids: Ids,
  project: string,
  values: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const given = {
    projectId: ids[project],
    sessionTypeId: ids.type,
    name: 'visit',
    startAt: '2026-03-05T09:00:00.000Z',
  };
  return app.seed((system) => system.create('Session', { ...given, ...values }));
}
