import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, type TestRequest } from '../../../packages/server/test/support/application.js';
import { application } from '../src/index.js';
import { newAt, openWorld, STRONG, unique, type Values, type World } from './world.js';

/** What 'limited' means in the table, and who updates devices, of which the table says nothing: field by field. */
let world: World;
let ids: Readonly<Record<string, string>>;

beforeAll(async () => {
  world = await openWorld(await openApplication(application));
  const { app, near, far } = world;
  ids = await app.seed(async (system) => {
    const beta = await system.find('Project', { siteId: near.siteId, name: 'Beta' });
    const roving = await newAt(world, system, 'User', near);
    const [siteuser] = await system.find('User', { username: 'siteuser' });
    const [superadmin] = await system.find('User', { username: 'superadmin' });
    // Alpha's team, and a group in the South.
    await system.create('UserGroupMember', { userGroupId: far.userGroupId, userId: roving });
    // A super administrator who was in a group before.
    const promoted = await newAt(world, system, 'User', near);
    await system.update('User', promoted, { superAdmin: true });
    const inBeta = await newAt(world, system, 'UserGroup', near);
    await system.create('ProjectAccess', { userGroupId: inBeta, projectId: beta[0]?.id, role: 'user' });
    const both = await newAt(world, system, 'User', near, {
      username: 'both',
      password: 'ostiary-demo',
      userGroupId: inBeta,
    });
    await system.create('UserGroupMember', { userGroupId: String(await groupOf(system, 'siteuser')), userId: both });
    return {
      near: near.userGroupId,
      far: far.userGroupId,
      site: near.siteId,
      alpha: near.projectId,
      beta: String(beta[0]?.id),
      device: near.deviceId,
      ordinary: await newAt(world, system, 'User', near),
      leaving: await newAt(world, system, 'User', near),
      roving,
      promoted,
      superadmin: String(superadmin?.id),
      stranger: far.userId,
      siteuser: String(siteuser?.id),
      siteadmin: await app.idOf('User', 'username', 'siteadmin'),
    };
  });

  async function groupOf(system: Parameters<Parameters<typeof app.seed>[0]>[0], username: string) {
    const [group] = await system.find('UserGroup', { name: `Group of ${username}` });
    return group?.id;
  }
});
afterAll(() => world?.app.close());

const person = (more: Values = {}): Values => ({
  username: unique('person'),
  password: STRONG,
  firstName: 'Una',
  lastName: 'Ono',
  ...more,
});

type Line = readonly [
  title: string,
  as: string,
  request: () => Pick<TestRequest, 'method' | 'url' | 'body' | 'headers'>,
  status: number,
  answer?: unknown,
];

const get = (url: string) => ({ url });
const post = (url: string, body: Values) => ({ method: 'POST' as const, url, body });
const patch = (url: string, body: Values) => ({ method: 'PATCH' as const, url, body });
const remove = (url: string, seen?: string) => ({
  method: 'DELETE' as const,
  url,
  ...(seen === undefined ? {} : { headers: { 'if-match': seen } }),
});
const user = (name: string) => `/api/user/users/${ids[name]}`;

const LINES: Readonly<Record<string, readonly Line[]>> = {
  'Sites: Read by a site user: name and id': [
    [
      'the site',
      'siteuser',
      () => get(`/api/user/sites/${ids.site}`),
      200,
      { id: expect.any(String), name: 'North Hospital', version: 1 },
    ],
    [
      'the list',
      'siteuser',
      () => get('/api/user/sites'),
      200,
      { items: [{ id: expect.any(String), name: 'North Hospital', version: 1 }], next: null },
    ],
    [
      'with a role in one of its projects, the whole',
      'both',
      () => get(`/api/user/sites/${ids.site}`),
      200,
      expect.objectContaining({ notes: 'Wing B.' }),
    ],
    [
      'as a project user does',
      'projectuser',
      () => get(`/api/user/sites/${ids.site}`),
      200,
      expect.objectContaining({ notes: 'Wing B.' }),
    ],
  ],
  'Projects: Read by a site user: those in which they hold a role': [
    ['one', 'both', () => get(`/api/user/projects/${ids.beta}`), 200],
    ['another of the same site', 'both', () => get(`/api/user/projects/${ids.alpha}`), 403],
    [
      'the list',
      'both',
      () => get('/api/user/projects'),
      200,
      expect.objectContaining({ items: [expect.objectContaining({ name: 'Beta' })] }),
    ],
    ['without any role, none', 'siteuser', () => get(`/api/user/projects/${ids.alpha}`), 403],
  ],
  'Users: Create by a site administrator': [
    ['in a group of their site', 'siteadmin', () => post('/api/user/users', person({ userGroupId: ids.near })), 201],
    ['in a group of another site', 'siteadmin', () => post('/api/user/users', person({ userGroupId: ids.far })), 403],
    ['in no group', 'siteadmin', () => post('/api/user/users', person()), 403],
    [
      'a super administrator',
      'siteadmin',
      () => post('/api/user/users', person({ userGroupId: ids.near, superAdmin: true })),
      403,
    ],
    [
      'a super administrator in no group',
      'siteadmin',
      () => post('/api/user/users', person({ superAdmin: true })),
      403,
    ],
    ['in no group, by a super administrator', 'superadmin', () => post('/api/user/users', person()), 201],
    [
      'a super administrator in a group, by another',
      'superadmin',
      () => post('/api/user/users', person({ userGroupId: ids.near, superAdmin: true })),
      403,
    ],
  ],
  'Users: Update by a site administrator': [
    ['a name', 'siteadmin', () => patch(user('ordinary'), { firstName: 'Other' }), 200],
    ['a password', 'siteadmin', () => patch(user('ordinary'), { password: 'granite-meadow-lantern-7' }), 200],
    ['to shut out', 'siteadmin', () => patch(user('ordinary'), { enabled: false }), 200],
    ['the flag', 'siteadmin', () => patch(user('ordinary'), { superAdmin: true }), 403],
    ['their own flag', 'siteadmin', () => patch(user('siteadmin'), { superAdmin: true }), 403],
    ['the user name', 'siteadmin', () => patch(user('ordinary'), { username: 'other' }), 422],
    ['the user name, by a super administrator', 'superadmin', () => patch(user('ordinary'), { username: 'x' }), 422],
    ['the name of one who is elsewhere too', 'siteadmin', () => patch(user('roving'), { firstName: 'Other' }), 200],
    ['the password of one who is elsewhere too', 'siteadmin', () => patch(user('roving'), { password: STRONG }), 403],
    ['to shut out one who is elsewhere too', 'siteadmin', () => patch(user('roving'), { enabled: false }), 403],
    ['someone of another site', 'siteadmin', () => patch(user('stranger'), { firstName: 'Other' }), 403],
    ['a super administrator', 'siteadmin', () => patch(user('superadmin'), { firstName: 'Other' }), 403],
    ['the password of a super administrator', 'siteadmin', () => patch(user('promoted'), { password: STRONG }), 403],
    ['the name of one in their group', 'siteadmin', () => patch(user('promoted'), { firstName: 'Other' }), 403],
    ['the flag, by a super administrator', 'superadmin', () => patch(user('roving'), { superAdmin: false }), 200],
  ],
  'Users: Delete by a site administrator': [
    [
      'one who is elsewhere too: takes them out of the group here',
      'siteadmin',
      () => remove(user('roving')),
      200,
      {
        kept: 'The account stays, as it belongs to groups elsewhere too: it was taken out of the group that you manage.',
      },
    ],
    ['one who is elsewhere alone by now', 'siteadmin', () => remove(user('roving')), 403],
    ['a version that is not the last', 'siteadmin', () => remove(user('ordinary'), '"1"'), 412],
    ['a super administrator', 'siteadmin', () => remove(user('promoted')), 403],
    ['someone of another site', 'siteadmin', () => remove(user('stranger')), 403],
    ['oneself', 'siteadmin', () => remove(user('siteadmin')), 403],
    ['oneself, as a super administrator', 'superadmin', () => remove(user('superadmin')), 403],
    ['one of their own site alone', 'siteadmin', () => remove(user('leaving')), 204],
  ],
  'Devices: Read and Update, of which the table has no rows': [
    ['a site user reads', 'siteuser', () => get(`/api/user/devices/${ids.device}`), 200],
    ['a project user reads', 'projectuser', () => get(`/api/user/devices/${ids.device}`), 200],
    ['a super administrator', 'superadmin', () => patch(`/api/user/devices/${ids.device}`, { name: 'Renamed' }), 200],
    ['a site administrator', 'siteadmin', () => patch(`/api/user/devices/${ids.device}`, { enabled: true }), 200],
    [
      'a project administrator: configuration and notes',
      'projectadmin',
      () => patch(`/api/user/devices/${ids.device}`, { config: { volume: 7 }, notes: 'Loud.' }),
      200,
    ],
    [
      'a project administrator: no other field',
      'projectadmin',
      () => patch(`/api/user/devices/${ids.device}`, { notes: 'Loud.', name: 'Mine' }),
      403,
    ],
    ['a site user', 'siteuser', () => patch(`/api/user/devices/${ids.device}`, { notes: 'Loud.' }), 403],
    ['a project user', 'projectuser', () => patch(`/api/user/devices/${ids.device}`, { notes: 'Loud.' }), 403],
  ],
};

describe.each(Object.entries(LINES))('%s', (_, lines) => {
  for (const [title, as, request, status, answer] of lines) {
    test(`${title} (${as})`, async () => {
      const before = status < 300 ? null : await world.app.fingerprint();
      const got = await world.app.request({ as, ...request() });
      expect(got.status, got.text).toBe(status);
      if (answer !== undefined) expect(got.body).toEqual(answer);
      if (before !== null) expect(await world.app.fingerprint(), 'what was refused changed something').toBe(before);
    });
  }
});

test('of somebody who was deleted by one of their sites alone, account and password stay, and the groups elsewhere', async () => {
  const { app, near, far } = world;
  const username = unique('both-sites');
  const userId = await app.seed(async (system) => {
    const id = await newAt(world, system, 'User', near, { username, password: 'ostiary-demo' });
    const second = await newAt(world, system, 'UserGroup', near);
    await system.create('SiteAccess', { userGroupId: second, siteId: near.siteId, role: 'user' });
    for (const userGroupId of [second, far.userGroupId])
      await system.create('UserGroupMember', { userGroupId, userId: id });
    return id;
  });
  const token = await app.login(username, 'ostiary-demo');
  const project = (id: string) => app.request({ token, url: `/api/user/projects/${id}` });
  expect((await project(near.projectId)).status).toBe(200);

  const answer = await app.request({ as: 'siteadmin', ...remove(`/api/user/users/${userId}`) });
  expect([answer.status, answer.body.kept], answer.text).toEqual([200, expect.stringContaining('the 2 groups')]);
  const members = () => app.seed((system) => system.find('UserGroupMember', { userId }));
  expect((await members()).map(({ values }) => values.userGroupId)).toEqual([far.userGroupId]);
  expect((await project(near.projectId)).status, 'the rights here outlived the memberships').toBe(403);
  expect((await project(far.projectId)).status, 'the rights elsewhere went along').toBe(200);

  const { rows } = await app.database.pool.query(
    `select event, resource_type as type, principal_kind as by from ostiary.audit
     where event in ('record.action', 'record.deleted') order by id desc limit 3`,
  );
  const told = rows.map(({ event, type, by }) => `${event} ${type} by a ${by}`).sort();
  expect(told, 'what was done is in the trail, as theirs who asked').toEqual([
    'record.action User by a user',
    'record.deleted UserGroupMember by a user',
    'record.deleted UserGroupMember by a user',
  ]);
  expect((await app.request({ as: 'superadmin', ...remove(`/api/user/users/${userId}`) })).status).toBe(204);
  expect(await members()).toEqual([]);
});
