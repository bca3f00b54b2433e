import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApplication, type TestRequest } from '../../../packages/server/test/support/application.js';
import { application } from '../src/index.js';
import { newAt, openWorld, STRONG, unique, type Values, type World } from './world.js';

/** What is known to go wrong in the original, or to be left open there: each line is refused here, and changes nothing. */
let world: World;
let at: Readonly<Record<string, string>>;
const tokens: Record<string, string> = {};

beforeAll(async () => {
  world = await openWorld(await openApplication(application));
  const { app, near, far } = world;
  at = await app.seed(async (system) => {
    const [beta] = await system.find('Project', { siteId: near.siteId, name: 'Beta' });
    const inBeta = { ...near, projectId: String(beta?.id) };
    const [betaParticipant] = await system.find('Participant', { name: 'Beta 1' });
    const [betaSession] = await system.find('Session', { projectId: inBeta.projectId, status: 'completed' });
    const [event] = await system.find('SessionEvent', { sessionId: near.sessionId, type: 'start' });
    const [asset] = await system.find('Asset', { sessionId: near.sessionId });
    // Alpha's administrator administers a group that reaches Alpha alone; and one of the site's.
    const wide = await newAt(world, system, 'UserGroup', near);
    await system.create('SiteAccess', { userGroupId: wide, siteId: near.siteId, role: 'user' });
    const shared = await newAt(world, system, 'Device', near);
    await system.create('DeviceSite', { deviceId: shared, siteId: far.siteId });
    const sharedType = await newAt(world, system, 'SessionType', near);
    await system.create('SessionTypeSite', { sessionTypeId: sharedType, siteId: far.siteId });
    // A visitor reads the South, and administers the North.
    const visitors = await newAt(world, system, 'UserGroup', near);
    await system.create('SiteAccess', { userGroupId: visitors, siteId: near.siteId, role: 'admin' });
    await system.create('SiteAccess', { userGroupId: visitors, siteId: far.siteId, role: 'user' });
    await newAt(world, system, 'User', near, {
      username: 'visitor',
      password: 'ostiary-demo',
      userGroupId: visitors,
    });
    const running = await newAt(world, system, 'Session', near, { status: 'in_progress' });
    const southGroup = await newAt(world, system, 'ParticipantGroup', far);
    return {
      site: near.siteId,
      south: far.siteId,
      alpha: near.projectId,
      beta: inBeta.projectId,
      gamma: far.projectId,
      betaParticipant: String(betaParticipant?.id),
      betaSession: String(betaSession?.id),
      session: near.sessionId,
      farSession: far.sessionId,
      farParticipant: far.participantId,
      farDevice: far.deviceId,
      farUser: far.userId,
      farType: far.sessionTypeId,
      farGroup: far.userGroupId,
      farService: far.serviceId,
      participant: near.participantId,
      device: near.deviceId,
      type: near.sessionTypeId,
      deviceType: world.deviceTypeId,
      service: near.serviceId,
      teamGroup: near.userGroupId,
      event: String(event?.id),
      asset: String(asset?.id),
      wide,
      shared,
      sharedType,
      running,
      southGroup,
    };
  });
  const token = async (collection: string, id: string) => {
    const url = `/api/user/${collection}/${id}/rotate-token`;
    return (await app.request({ as: 'superadmin', method: 'POST', url, body: {} })).body.token as string;
  };
  tokens.service = await token('services', near.serviceId);
  tokens.device = await token('devices', near.deviceId);
});
afterAll(() => world?.app.close());

type Line = readonly [title: string, who: string, request: () => Pick<TestRequest, 'method' | 'url' | 'body'>];
const post = (url: string, body: Values) => ({ method: 'POST' as const, url, body });
const patch = (url: string, body: Values) => ({ method: 'PATCH' as const, url, body });
const remove = (url: string) => ({ method: 'DELETE' as const, url });
const session = (more: Values): Values => ({
  name: 'A session',
  startAt: '2026-03-01T10:00:00.000Z',
  sessionTypeId: at.type,
  projectId: at.alpha,
  ...more,
});
const asset = (more: Values): Values => ({ name: 'a.txt', mediaType: 'text/plain', ...more });
const event = (more: Values): Values => ({ type: 'general', at: '2026-03-01T10:00:00.000Z', ...more });

const REFUSED: readonly Line[] = [
  [
    'a file is not added to a session out of reach',
    'projectuser',
    () => post('assets', asset({ sessionId: at.farSession })),
  ],
  [
    'nor to one of another project of the site',
    'projectuser',
    () => post('assets', asset({ sessionId: at.betaSession })),
  ],
  [
    'nor is it about somebody out of reach',
    'projectuser',
    () => post('assets', asset({ sessionId: at.session, participantId: at.betaParticipant })),
  ],
  ['a project user deletes no file', 'projectuser', () => remove(`assets/${at.asset}`)],
  ['a site user deletes no file', 'siteuser', () => remove(`assets/${at.asset}`)],
  ['a project user deletes no session', 'projectuser', () => remove(`sessions/${at.session}`)],
  ['a site user deletes no session', 'siteuser', () => remove(`sessions/${at.session}`)],
  ['a site user deletes no event', 'siteuser', () => remove(`session-events/${at.event}`)],
  ['a session in progress is not deleted', 'superadmin', () => remove(`sessions/${at.running}`)],
  ['a project administrator deletes no device', 'projectadmin', () => remove(`devices/${at.device}`)],
  ['a project administrator deletes no type of sessions', 'projectadmin', () => remove(`session-types/${at.type}`)],
  [
    'a project administrator creates no user',
    'projectadmin',
    () =>
      post('users', {
        username: unique('u'),
        password: STRONG,
        firstName: 'U',
        lastName: 'U',
        userGroupId: at.teamGroup,
      }),
  ],
  [
    'a super administrator changes no part of the platform',
    'superadmin',
    () => post('services', { key: unique('core'), name: 'Core', system: true }),
  ],
  [
    'a device is added to a site, not to none',
    'siteadmin',
    () => post('devices', { name: 'Loose', deviceTypeId: at.deviceType }),
  ],
  ['a group is added to a site, not to none', 'siteadmin', () => post('user-groups', { name: 'Loose' })],
  [
    'a type of sessions is added to a site, not to none',
    'siteadmin',
    () => post('session-types', { name: 'Loose', category: 'protocol' }),
  ],
  [
    'a type of sessions is not run by a service out of reach',
    'siteadmin',
    () => post('session-types', { name: 'T', category: 'service', siteId: at.site, serviceId: at.farService }),
  ],
  [
    'a participant out of reach is not invited',
    'projectuser',
    () => post('session-participants', { sessionId: at.session, participantId: at.farParticipant }),
  ],
  [
    'nor one of another project',
    'projectuser',
    () => post('session-participants', { sessionId: at.session, participantId: at.betaParticipant }),
  ],
  [
    'a user out of reach is not invited',
    'projectuser',
    () => post('session-users', { sessionId: at.session, userId: at.farUser }),
  ],
  [
    'a device out of reach is not taken along',
    'projectuser',
    () => post('session-devices', { sessionId: at.session, deviceId: at.farDevice }),
  ],
  [
    'a session is of no type out of reach',
    'projectuser',
    () => post('sessions', session({ sessionTypeId: at.farType })),
  ],
  ['a session is not made in another project', 'projectuser', () => post('sessions', session({ projectId: at.beta }))],
  [
    'a participant is not moved to another project',
    'projectuser',
    () => patch(`participants/${at.participant}`, { projectId: at.beta, participantGroupId: null }),
  ],
  [
    'a participant is not put into a group of another project',
    'superadmin',
    () => patch(`participants/${at.participant}`, { participantGroupId: at.southGroup }),
  ],
  ['a device that is also elsewhere is not deleted', 'siteadmin', () => remove(`devices/${at.shared}`)],
  ['nor is such a type of sessions', 'siteadmin', () => remove(`session-types/${at.sharedType}`)],
  [
    'who reads a device elsewhere does not bring it home',
    'visitor',
    () => post('device-sites', { deviceId: at.farDevice, siteId: at.site }),
  ],
  [
    'nor a type of sessions',
    'visitor',
    () => post('session-type-sites', { sessionTypeId: at.farType, siteId: at.site }),
  ],
  [
    'who reads a user elsewhere does not enlist them',
    'visitor',
    () => post('user-group-members', { userGroupId: at.teamGroup, userId: at.farUser }),
  ],
  [
    'a project administrator gives access to no group that reaches more',
    'projectadmin',
    () => post('project-access', { userGroupId: at.wide, projectId: at.alpha, role: 'user' }),
  ],
  [
    'nor to one out of reach',
    'projectadmin',
    () => post('project-access', { userGroupId: at.farGroup, projectId: at.alpha, role: 'user' }),
  ],
  [
    'nor to a project of others',
    'projectadmin',
    () => post('project-access', { userGroupId: at.teamGroup, projectId: at.beta, role: 'admin' }),
  ],
  [
    'a site administrator gives no access to another site',
    'siteadmin',
    () => post('site-access', { userGroupId: at.teamGroup, siteId: at.south, role: 'admin' }),
  ],
  [
    'a site administrator makes no role of a service that holds everywhere',
    'siteadmin',
    () => post('service-roles', { serviceId: at.service, name: 'everywhere' }),
  ],
  [
    'a site administrator gives a service no site',
    'siteadmin',
    () => post('service-sites', { serviceId: at.service, siteId: at.site }),
  ],
  [
    'a service makes no participant elsewhere',
    'service',
    () => post('participants', { projectId: at.gamma, name: 'P' }),
  ],
  [
    'a service changes no participant elsewhere',
    'service',
    () => patch(`participants/${at.farParticipant}`, { name: 'P' }),
  ],
  [
    'a service makes no device elsewhere',
    'service',
    () => post('devices', { name: 'D', deviceTypeId: at.deviceType, siteId: at.south }),
  ],
  ['a service writes no event elsewhere', 'service', () => post('session-events', event({ sessionId: at.farSession }))],
  ['a service reads no event elsewhere', 'service', () => ({ url: `sessions/${at.farSession}` })],
  [
    'a service invites nobody out of its reach',
    'service',
    () => post('session-participants', { sessionId: at.session, participantId: at.farParticipant }),
  ],
  ['a service deletes no session', 'service', () => remove(`sessions/${at.session}`)],
  [
    'a device writes no event of a session of others',
    'device',
    () => post('session-events', event({ sessionId: at.farSession })),
  ],
  ['a device makes no session', 'device', () => post('sessions', session({}))],
  ['a device changes nothing but its configuration', 'device', () => patch(`devices/${at.device}`, { name: 'Mine' })],
];

test('each of these is refused, and nothing is changed', async () => {
  await world.app.login('visitor');
  const before = await world.app.fingerprint();
  const allowed: string[] = [];
  for (const [title, who, request] of REFUSED) {
    const { url, ...rest } = request();
    const kind = who in tokens ? who : 'user';
    const by = tokens[who] === undefined ? { as: who } : { token: tokens[who] as string };
    const answer = await world.app.request({ ...by, ...rest, url: `/api/${kind}/${url}` });
    if (answer.status !== 403) allowed.push(`${title} (${who}): ${answer.status} ${answer.text}`);
  }
  expect(allowed, 'these were not refused').toEqual([]);
  expect(await world.app.fingerprint(), 'what was refused changed something').toBe(before);
});

test('a filter shows nobody who is out of reach, and a taken user name tells nothing of whose it is', async () => {
  const { app } = world;
  const filters = [
    `participants?projectId=${at.gamma}`,
    `project-access?userGroupId=${at.farGroup}`,
    `user-group-members?userId=${at.farUser}`,
    `sessions?projectId=${at.beta}`,
  ];
  for (const filter of filters) {
    const answer = await app.request({ as: 'projectuser', url: `/api/user/${filter}` });
    expect([answer.status, answer.body.items], `${filter}: ${answer.text}`).toEqual([200, []]);
  }
  const found = await app.request({ as: 'projectuser', url: '/api/user/users?username=gammauser' });
  expect(found.body.items).toEqual([]);
});

test('what is made in a session says who made it, whatever is claimed', async () => {
  const { app } = world;
  const claim = await app.request({
    as: 'projectuser',
    ...post('/api/user/sessions', session({ creatorUserId: at.farUser })),
  });
  expect(claim.status).toBe(422);
  const made = await app.request({ as: 'projectuser', ...post('/api/user/sessions', session({})) });
  expect(made.body.creatorUserId).toBe(await app.idOf('User', 'username', 'projectuser'));
  const recorded = await app.request({
    token: tokens.device as string,
    ...post('/api/device/assets', asset({ sessionId: at.session, participantId: at.participant })),
  });
  expect([recorded.status, recorded.body.creatorDeviceId, recorded.body.creatorUserId], recorded.text).toEqual([
    201,
    at.device,
    null,
  ]);
});
