import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestRequest } from '../../../packages/server/test/support/application.js';
import { application } from '../src/index.js';
import { newAt, openWorld, type Values, type World } from './world.js';

/** What belongs together stays together: each line in its order, with the status that it is answered with. */
let world: World;
let at: Record<string, string>;
let service = '';

beforeAll(async () => {
  world = await openWorld(await openApplication(application));
  const { app, near, far } = world;
  at = await app.seed(async (system) => {
    const fresh = await newAt(world, system, 'Device', near);
    const type = await newAt(world, system, 'SessionType', near);
    const group = await newAt(world, system, 'UserGroup', near);
    const both = await newAt(world, system, 'UserGroup', near);
    const beta = String((await system.find('Project', { name: 'Beta' }))[0]?.id);
    for (const siteId of [near.siteId, far.siteId]) {
      await system.create('SiteAccess', { userGroupId: both, siteId, role: 'admin' });
    }
    await newAt(world, system, 'User', near, { username: 'both', password: 'ostiary-demo', userGroupId: both });
    return {
      site: near.siteId,
      south: far.siteId,
      alpha: near.projectId,
      beta,
      gamma: far.projectId,
      participant: near.participantId,
      used: near.deviceId,
      fresh,
      type,
      service: near.serviceId,
      group,
      team: near.userGroupId,
      session: near.sessionId,
      link: await idOf('DeviceSite', { deviceId: fresh, siteId: near.siteId }),
      usedSite: await idOf('DeviceSite', { deviceId: near.deviceId, siteId: near.siteId }),
      usedProject: await idOf('DeviceProject', { deviceId: near.deviceId, projectId: near.projectId }),
      serviceSite: await idOf('ServiceSite', { serviceId: near.serviceId, siteId: near.siteId }),
    };

    async function idOf(kind: string, values: Readonly<Record<string, string>>) {
      return String((await system.find(kind, values))[0]?.id);
    }
  });
  const url = `/api/user/services/${near.serviceId}/rotate-token`;
  service = (await app.request({ as: 'superadmin', method: 'POST', url, body: {} })).body.token;
});
afterAll(() => world?.app.close());

const post = (url: string, body: Values) => ({ method: 'POST' as const, url, body });
const patch = (url: string, body: Values) => ({ method: 'PATCH' as const, url, body });
const remove = (url: string) => ({ method: 'DELETE' as const, url });
const meeting = (sessionTypeId = ''): Values => ({
  projectId: at.alpha,
  sessionTypeId,
  name: 'Balance',
  startAt: '2026-03-01T10:00:00.000Z',
});
type Line = readonly [title: string, as: string, () => Pick<TestRequest, 'method' | 'url' | 'body'>, status: number];

test.each<Line>([
  [
    'a device goes to a project of its own site',
    'superadmin',
    () => post('device-projects', { deviceId: at.fresh, projectId: at.gamma }),
    409,
  ],
  [
    'whoever administers both sites brings it to the other',
    'both',
    () => post('device-sites', { deviceId: at.fresh, siteId: at.south }),
    201,
  ],
  [
    'whose data its token would read for an administrator of one site',
    'siteadmin',
    () => post(`devices/${at.fresh}/rotate-token`, {}),
    403,
  ],
  ['who does not take it back either', 'siteadmin', () => post(`devices/${at.fresh}/revoke-token`, {}), 403],
  ['of both, it is given', 'both', () => post(`devices/${at.fresh}/rotate-token`, {}), 200],
  ['and of the only one', 'siteadmin', () => post(`devices/${at.used}/rotate-token`, {}), 200],
  ['and then to the project', 'both', () => post('device-projects', { deviceId: at.fresh, projectId: at.gamma }), 201],
  ['where it is once', 'both', () => post('device-projects', { deviceId: at.fresh, projectId: at.gamma }), 409],
  [
    'a participant has devices of their project',
    'siteadmin',
    () => post('device-participants', { deviceId: at.fresh, participantId: at.participant }),
    409,
  ],
  [
    'a participant does not take a device to a project that does not have it',
    'siteadmin',
    () => patch(`participants/${at.participant}`, { projectId: at.beta, participantGroupId: null }),
    409,
  ],
  ['the project gets it', 'siteadmin', () => post('device-projects', { deviceId: at.used, projectId: at.beta }), 201],
  [
    'and then the participant',
    'siteadmin',
    () => patch(`participants/${at.participant}`, { projectId: at.beta, participantGroupId: null }),
    200,
  ],
  ['and back', 'siteadmin', () => patch(`participants/${at.participant}`, { projectId: at.alpha }), 200],
  ['a device leaves its site after its projects', 'siteadmin', () => remove(`device-sites/${at.usedSite}`), 409],
  ['and its project after its participants', 'siteadmin', () => remove(`device-projects/${at.usedProject}`), 409],
  ['a project administrator takes an unused one away', 'projectadmin', () => remove(`device-sites/${at.link}`), 204],
  ['what a participant has is not deleted', 'siteadmin', () => remove(`devices/${at.used}`), 409],
  ['what nobody has is, with its links', 'superadmin', () => remove(`devices/${at.fresh}`), 204],
  [
    'a type of sessions goes to a project of its own site',
    'superadmin',
    () => post('session-type-projects', { sessionTypeId: at.type, projectId: at.gamma }),
    409,
  ],
  [
    'so does a service',
    'superadmin',
    () => post('service-projects', { serviceId: at.service, projectId: at.gamma }),
    409,
  ],
  ['which leaves its site after its projects', 'superadmin', () => remove(`service-sites/${at.serviceSite}`), 409],
  ['a session is of a type that is used in its project', 'projectuser', () => post('sessions', meeting(at.type)), 409],
  ['and becomes of no other', 'projectuser', () => patch(`sessions/${at.session}`, { sessionTypeId: at.type }), 409],
  [
    'a project administrator assigns the type',
    'projectadmin',
    () => post('session-type-projects', { sessionTypeId: at.type, projectId: at.alpha }),
    201,
  ],
  ['and then there are such sessions', 'projectuser', () => post('sessions', meeting(at.type)), 201],
  ['of that type', 'projectuser', () => patch(`sessions/${at.session}`, { sessionTypeId: at.type }), 200],
  ['a group with members is not deleted', 'siteadmin', () => remove(`user-groups/${at.team}`), 409],
  ['one without is', 'siteadmin', () => remove(`user-groups/${at.group}`), 204],
])('%s (%s)', async (_, as, request, status) => {
  const { url, ...rest } = request();
  const answer = await world.app.request({ as, ...rest, url: `/api/user/${url}` });
  expect(answer.status, answer.text).toBe(status);
});

test('a project that a service makes is its own, and has the roles of the platform', async () => {
  const { app, near } = world;
  const made = await app.request({
    token: service,
    ...post('/api/service/projects', { siteId: near.siteId, name: 'Delta' }),
  });
  expect(made.status, made.text).toBe(201);
  const read = await app.request({ token: service, url: `/api/service/projects/${made.body.id}` });
  expect([read.status, read.body.creatorServiceId], read.text).toEqual([200, near.serviceId]);
  const roles = await app.request({ as: 'superadmin', url: `/api/user/service-roles?projectId=${made.body.id}` });
  expect(roles.body.items.map(({ name }: { name: string }) => name).sort()).toEqual(['admin', 'user']);
});

test('a device that may not stay connected reads no participants, and records of them all the same', async () => {
  const { app, near } = world;
  const url = `/api/user/devices/${near.deviceId}`;
  const { token } = (await app.request({ as: 'superadmin', ...post(`${url}/rotate-token`, {}) })).body;
  const record = {
    sessionId: near.sessionId,
    participantId: near.participantId,
    name: 'steps',
    mediaType: 'text/plain',
  };
  for (const [onlineable, status] of [
    [true, 200],
    [false, 403],
  ] as const) {
    expect((await app.request({ as: 'superadmin', ...patch(url, { onlineable }) })).status).toBe(200);
    for (const what of ['participants', `participants/${near.participantId}`]) {
      const answer = await app.request({ token, url: `/api/device/${what}` });
      expect([what, answer.status], answer.text).toEqual([what, status]);
    }
    expect((await app.request({ token, url: '/api/device/sessions' })).status).toBe(200);
    const added = await app.request({ token, ...post('/api/device/assets', record) });
    expect(added.status, added.text).toBe(201);
  }
});

test('a project that is disabled shuts its participants out, and takes their devices', async () => {
  const { app, near } = world;
  const { body } = await app.request({
    ...post('/api/participant/login', { username: 'participant', password: 'ostiary-demo' }),
  });
  const me = { token: body.accessToken, url: '/api/participant/participants' };
  expect((await app.request(me)).status).toBe(200);
  const devices = (participantId: string) => app.seed((system) => system.find('DeviceParticipant', { participantId }));
  const owner = await app.idOf('Participant', 'name', 'Alpha 1');
  expect(await devices(owner)).toHaveLength(1);

  const send = (url: string, changes: Values) =>
    app.request({ as: 'siteadmin', ...patch(`/api/user/${url}`, changes) });
  const project = `projects/${near.projectId}`;
  expect((await send(project, { enabled: false })).status).toBe(200);
  expect((await app.request(me)).status).toBe(401);
  expect(await devices(owner)).toEqual([]);
  expect((await app.request({ as: 'projectuser', url: `/api/user/sessions/${near.sessionId}` })).status).toBe(200);
  const person = `participants/${near.participantId}`;
  expect((await send(person, { enabled: true })).body.code).toBe('not_allowed');
  expect((await send(person, { notes: 'Moved away.' })).status).toBe(200);

  expect((await send(project, { enabled: true })).status).toBe(200);
  expect((await app.request(me)).status, 'they are enabled again one by one').toBe(401);
  expect((await send(person, { enabled: true })).status).toBe(200);
});

test('a right that is taken back is gone with the next request', async () => {
  const { app, near } = world;
  const url = `/api/user/sessions/${near.sessionId}`;
  expect((await app.request({ as: 'projectuser', url })).status).toBe(200);
  const [access] = await app.seed((system) => system.find('ProjectAccess', { userGroupId: near.userGroupId }));
  const taken = await app.request({ as: 'siteadmin', ...remove(`/api/user/project-access/${access?.id}`) });
  expect(taken.status, taken.text).toBe(204);
  // They are still in this session, which they read for that.
  expect((await app.request({ as: 'projectuser', url })).status).toBe(200);
  const participants = await app.request({ as: 'projectuser', url: `/api/user/participants/${near.participantId}` });
  expect(participants.status).toBe(403);
});
