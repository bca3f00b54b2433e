import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication } from '../../../packages/server/test/support/application.js';
import { CORE } from '../src/effects.js';
import { application } from '../src/index.js';
import { newAt, openWorld, type Values, type World } from './world.js';

/** A service registers its own roles, gives them, and asks who holds them. */
let world: World;
let [own, other] = ['', ''];
const roles: Record<string, string> = {};
const people: Record<string, string> = {};

const as = (token: string, method: 'GET' | 'POST' | 'DELETE', at: string, body?: Values) =>
  world.app.request({ token, method, url: `/api/service/${at}`, ...(body ? { body } : {}) });

const holds = (token: string, subject: { type: string; id: string }, role: string, action = 'assume') =>
  world.app.request({
    token,
    method: 'POST',
    url: '/access/v1/evaluation',
    body: { subject, action: { name: action }, resource: { type: 'service-role', id: role } },
  });

beforeAll(async () => {
  world = await openWorld(await openApplication(application));
  const { app, near, far } = world;
  const token = async (id: string) => {
    const url = `/api/user/services/${id}/rotate-token`;
    return (await app.request({ as: 'superadmin', method: 'POST', url, body: {} })).body.token as string;
  };
  own = await token(near.serviceId);
  other = await token(far.serviceId);
  for (const name of ['superadmin', 'siteadmin', 'projectuser', 'projectadmin', 'gammauser']) {
    people[name] = await app.idOf('User', 'username', name);
  }
  await app.seed(async (system) => {
    await system.update('Participant', near.participantId, { participantGroupId: near.participantGroupId });
    const foreign = await newAt(world, system, 'ServiceRole', far);
    roles.foreign = foreign;
    const [core] = await system.find('Service', { key: CORE });
    const coreRole = async (name: string, place: Values) => {
      const found = await system.find('ServiceRole', {
        serviceId: core?.id ?? '',
        name,
        ...(place as Record<string, string>),
      });
      return String(found[0]?.id);
    };
    roles.coreSiteAdmin = await coreRole('admin', { siteId: near.siteId });
    roles.coreSiteUser = await coreRole('user', { siteId: near.siteId });
    roles.coreProjectAdmin = await coreRole('admin', { projectId: near.projectId });
    roles.coreProjectUser = await coreRole('user', { projectId: near.projectId });
  });
  // Registered by the service itself: everywhere, at its site, in its project.
  for (const [name, place] of [
    ['everywhere', {}],
    ['atSite', { siteId: near.siteId }],
    ['inProject', { projectId: near.projectId }],
  ] as const) {
    const made = await as(own, 'POST', 'service-roles', { serviceId: near.serviceId, name, ...place });
    if (made.status !== 201) throw new Error(made.text);
    roles[name] = made.body.id;
  }
  for (const [role, to] of [
    ['everywhere', { userGroupId: near.userGroupId }],
    ['atSite', { deviceId: near.deviceId }],
    ['inProject', { participantGroupId: near.participantGroupId }],
  ] as const) {
    const given = await as(own, 'POST', 'service-access', { serviceRoleId: roles[role], ...to });
    if (given.status !== 201) throw new Error(given.text);
  }
});
afterAll(() => world?.app.close());

describe('what a service may not register or give', () => {
  test.each([
    ["another's role", () => ({ serviceId: world.far.serviceId, name: 'mine' })],
    [
      'a role at a site where it is not offered',
      () => ({ serviceId: world.near.serviceId, name: 'x', siteId: world.far.siteId }),
    ],
    [
      'a role in a project that it is not linked to',
      () => ({ serviceId: world.near.serviceId, name: 'x', projectId: world.far.projectId }),
    ],
  ] as const)('%s', async (_, body) => {
    expect((await as(own, 'POST', 'service-roles', body())).status).toBe(403);
  });

  test.each([
    ["another's role", () => ({ serviceRoleId: roles.foreign, userGroupId: world.near.userGroupId })],
    ['to a group out of its reach', () => ({ serviceRoleId: roles.everywhere, userGroupId: world.far.userGroupId })],
    ['to a device out of its reach', () => ({ serviceRoleId: roles.everywhere, deviceId: world.far.deviceId })],
    [
      'to participants out of its reach',
      () => ({ serviceRoleId: roles.everywhere, participantGroupId: world.far.participantGroupId }),
    ],
    ['to nobody', () => ({ serviceRoleId: roles.everywhere })],
    [
      'to two at once',
      () => ({ serviceRoleId: roles.atSite, deviceId: world.near.deviceId, userGroupId: world.near.userGroupId }),
    ],
    ["the platform's", () => ({ serviceRoleId: roles.coreSiteAdmin, userGroupId: world.near.userGroupId })],
  ] as const)('%s', async (_, body) => {
    expect((await as(own, 'POST', 'service-access', body())).status).toBe(403);
  });

  test.each(['foreign', 'coreSiteAdmin'])('deletes no %s role', async (role) => {
    expect((await as(own, 'DELETE', `service-roles/${roles[role]}`)).status).toBe(403);
  });
});

describe('who holds a role, as the service asks', () => {
  test.each([
    ['a member of the group', 'user', () => people.projectuser, 'everywhere', true],
    ['somebody else', 'user', () => people.projectadmin, 'everywhere', false],
    ['a super administrator', 'user', () => people.superadmin, 'everywhere', true],
    ['the device', 'device', () => world.near.deviceId, 'atSite', true],
    ['another device', 'device', () => world.far.deviceId, 'atSite', false],
    ['a participant of the group', 'participant', () => world.near.participantId, 'inProject', true],
    ['a participant of another', 'participant', () => world.far.participantId, 'inProject', false],
    ['the device, of another role', 'device', () => world.near.deviceId, 'inProject', false],
  ] as const)('%s', async (_, type, id, role, expected) => {
    const answer = await holds(own, { type, id: id() ?? '' }, roles[role] ?? '');
    expect([answer.status, answer.body.decision], answer.text).toEqual([200, expected]);
  });

  test('a role that is taken back is gone with the next question', async () => {
    const subject = { type: 'user', id: people.projectuser ?? '' };
    const made = await as(own, 'POST', 'service-roles', { serviceId: world.near.serviceId, name: 'brief' });
    const given = await as(own, 'POST', 'service-access', {
      serviceRoleId: made.body.id,
      userGroupId: world.near.userGroupId,
    });
    expect((await holds(own, subject, made.body.id)).body.decision).toBe(true);
    expect((await as(own, 'DELETE', `service-access/${given.body.id}`)).status).toBe(204);
    expect((await holds(own, subject, made.body.id)).body.decision).toBe(false);
  });

  test.each([
    ["another's role", 'foreign', 'assume'],
    ["the platform's role", 'coreSiteAdmin', 'assume'],
    ['anything else about its own', 'everywhere', 'delete'],
  ] as const)('is not told of %s', async (_, role, action) => {
    const answer = await holds(own, { type: 'user', id: people.projectuser ?? '' }, roles[role] ?? '', action);
    expect(answer.status, answer.text).toBe(403);
  });

  test('searches who holds its own roles, and those of no other', async () => {
    const found = async (role: string) => {
      const answer = await world.app.request({
        token: own,
        method: 'POST',
        url: '/access/v1/search/subject',
        body: { subject: { type: 'user' }, action: { name: 'assume' }, resource: { type: 'service-role', id: role } },
      });
      return [answer.status, answer.body.results?.map(({ id }: { id: string }) => id).includes('projectuser')];
    };
    expect(await found(roles.everywhere ?? '')).toEqual([200, true]);
    expect(await found(roles.foreign ?? '')).toEqual([403, undefined]);
  });

  test('another service is not told of these', async () => {
    const answer = await holds(other, { type: 'user', id: people.projectuser ?? '' }, roles.everywhere ?? '');
    expect(answer.status, answer.text).toBe(403);
  });

  test('whoever is asked about may ask themselves', async () => {
    const token = await world.app.login('projectuser');
    const answer = await holds(token, { type: 'user', id: people.projectuser ?? '' }, roles.everywhere ?? '');
    expect([answer.status, answer.body.decision], answer.text).toEqual([200, true]);
  });
});

test.each([
  ['siteadmin', 'coreSiteAdmin', true],
  ['siteadmin', 'coreProjectAdmin', true],
  ['projectadmin', 'coreProjectAdmin', true],
  ['projectadmin', 'coreProjectUser', true],
  ['projectadmin', 'coreSiteAdmin', false],
  ['projectadmin', 'coreSiteUser', false],
  ['projectuser', 'coreProjectUser', true],
  ['projectuser', 'coreProjectAdmin', false],
  ['gammauser', 'coreProjectUser', false],
] as const)('the platform is a service itself: %s, %s: %s', async (who, role, expected) => {
  const token = await world.app.login('superadmin');
  const answer = await holds(token, { type: 'user', id: people[who] ?? '' }, roles[role] ?? '');
  expect([answer.status, answer.body.decision], answer.text).toEqual([200, expected]);
});

test('nobody is added to a group with a role elsewhere by who administers this site alone', async () => {
  const { app, near } = world;
  const post = (as: string, at: string, body: Values) =>
    app.request({ as, method: 'POST', url: `/api/user/${at}`, body });
  const group = (await post('siteadmin', 'user-groups', { name: 'Therapists', siteId: near.siteId })).body.id;
  await post('siteadmin', 'site-access', { userGroupId: group, siteId: near.siteId, role: 'user' });
  const enlist = (name: string) =>
    post('siteadmin', 'user-group-members', { userGroupId: group, userId: people[name] ?? '' });
  const first = await enlist('projectuser');
  expect(first.status, first.text).toBe(201);
  const given = await post('superadmin', 'service-access', { serviceRoleId: roles.foreign, userGroupId: group });
  expect(given.status, given.text).toBe(201);
  expect((await enlist('projectadmin')).status).toBe(403);
});
