import type { System } from '@ostiary/server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApplication, type TestAnswer } from '../../../packages/server/test/support/application.js';
import { application } from '../src/index.js';
import {
  type Asker,
  askDecisions,
  askEngine,
  askHttp,
  CHANGES,
  fieldsAt,
  newAt,
  openWorld,
  type Place,
  type Values,
  type World,
} from './world.js';

/**
 * Participants, devices and services reach what is linked to them, and nothing else. For every resource type, a line
 * says what they see of a record that is linked to them: all of it, some fields, or that there is no such thing. One
 * that is not linked is always refused.
 */
const KINDS = ['participant', 'token', 'device', 'service'] as const;
type Kind = (typeof KINDS)[number];

/** What is seen of a linked record: `all`, `–` for nothing, or the fields. */
const TABLE = `
  | type                  | participant | token                   | device | service |
  | Site                  | –           | –                       | name   | all     |
  | Project               | name        | –                       | name   | all     |
  | User                  | –           | –                       | –      | all     |
  | UserGroup             | –           | –                       | –      | all     |
  | UserGroupMember       | –           | –                       | –      | all     |
  | SiteAccess            | –           | –                       | –      | all     |
  | ProjectAccess         | –           | –                       | –      | all     |
  | ParticipantGroup      | name        | –                       | –      | all     |
  | Participant           | all         | name                    | all    | all     |
  | DeviceType            | all         | –                       | all    | all     |
  | DeviceSubtype         | all         | –                       | all    | all     |
  | Device                | all         | –                       | all    | all     |
  | DeviceParticipant     | all         | –                       | all    | all     |
  | DeviceProject         | –           | –                       | all    | all     |
  | DeviceSite            | –           | –                       | all    | all     |
  | SessionType           | all         | –                       | all    | all     |
  | SessionTypeProject    | –           | –                       | –      | all     |
  | SessionTypeSite       | –           | –                       | –      | all     |
  | SessionTypeDeviceType | all         | –                       | all    | all     |
  | Session               | all         | –                       | all    | all     |
  | SessionParticipant    | all         | –                       | all    | all     |
  | SessionUser           | –           | –                       | –      | all     |
  | SessionDevice         | all         | –                       | all    | all     |
  | SessionEvent          | all         | –                       | all    | all     |
  | Asset                 | all         | sessionId,name,mediaType | all   | all     |
  | Service               | –           | –                       | –      | all     |
  | ServiceProject        | –           | –                       | –      | all     |
  | ServiceSite           | –           | –                       | –      | all     |
  | ServiceConfig         | all         | –                       | all    | all     |
  | ServiceRole           | –           | –                       | all    | all     |
  | ServiceAccess         | –           | –                       | all    | all     |
`;

const LINES = TABLE.trim()
  .split('\n')
  .slice(1)
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  .map(
    ([type = '', ...cells]) =>
      [
        type,
        Object.fromEntries(KINDS.map((kind, index) => [kind, cells[index] ?? ''])) as Record<Kind, string>,
      ] as const,
  );

/** Types that everyone of a kind reads all records of, so that none is out of reach. */
const SHARED: Readonly<Record<string, readonly Kind[]>> = { DeviceType: ['service'], DeviceSubtype: ['service'] };

/** What each kind may write of what is linked to it, beside reading; everything else it may not. */
const WRITES: Readonly<Record<Kind, Readonly<Record<string, readonly string[]>>>> = {
  participant: {},
  token: {},
  device: { Device: ['update'], SessionEvent: ['create'], Asset: ['create'] },
  service: {
    Project: ['create', 'update', 'delete'],
    UserGroup: ['create'],
    ParticipantGroup: ['create', 'update', 'delete'],
    Participant: ['create', 'update'],
    Device: ['create', 'update'],
    SessionType: ['create', 'update'],
    SessionTypeProject: ['create', 'delete'],
    Session: ['create', 'update'],
    SessionParticipant: ['create', 'delete'],
    SessionUser: ['create', 'delete'],
    SessionDevice: ['create', 'delete'],
    SessionEvent: ['create', 'update'],
    Asset: ['create', 'update', 'delete'],
    ServiceRole: ['create', 'update', 'delete'],
    ServiceAccess: ['create', 'delete'],
  },
};

let world: World;
const askers = {} as Record<Kind, Asker>;
let linked: Readonly<Record<string, string>>;
let unlinked: Readonly<Record<string, string>>;
/** New records at what is linked, and at what is not. */
const made: Record<string, { readonly near: Values; readonly far: Values }> = {};

beforeAll(async () => {
  world = await openWorld(await openApplication(application));
  const { near, far, app } = world;
  const types = LINES.map(([type]) => type);
  await app.seed(async (system) => {
    await system.update('Participant', near.participantId, { tokenEnabled: true });
    linked = await recordsAt(system, near, types);
    unlinked = await recordsAt(system, far, types);
    for (const type of types) {
      made[type] = { near: await newFields(system, type, near), far: await newFields(system, type, far) };
    }
  });
  const rotate = async (kind: string, collection: string, id: string): Promise<Asker> => {
    const url = `/api/user/${collection}/${id}/rotate-token`;
    const answer = await app.request({ as: 'superadmin', method: 'POST', url, body: {} });
    if (answer.status !== 200) throw new Error(answer.text);
    return { kind, id, token: answer.body.token };
  };
  const login = await app.request({
    method: 'POST',
    url: '/api/participant/login',
    body: { username: 'participant', password: 'ostiary-demo' },
  });
  askers.participant = { kind: 'participant', id: near.participantId, token: login.body.accessToken };
  askers.token = await rotate('participant', 'participants', near.participantId);
  askers.device = await rotate('device', 'devices', near.deviceId);
  askers.service = await rotate('service', 'services', near.serviceId);
});
afterAll(() => world?.app.close());

/** A record of each type that is as closely linked as can be to the participant, the device and the service of a place. */
async function recordsAt(
  system: System,
  at: Place,
  types: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const make = (type: string, more: Values = {}) => newAt(world, system, type, at, more);
  const sessionId = await make('Session');
  const deviceTypeId = await make('DeviceType');
  const deviceSubtypeId = await make('DeviceSubtype');
  await system.update('Device', at.deviceId, { deviceTypeId, deviceSubtypeId });
  await system.update('Participant', at.participantId, { participantGroupId: at.participantGroupId });
  const sessionTypeId = await make('SessionType', { serviceId: at.serviceId });
  const roleId = await make('ServiceRole');
  const link = async (type: string, values: Values) => {
    const [found] = await system.find(type, values as Readonly<Record<string, string>>);
    return found?.id ?? system.create(type, values);
  };
  const { siteId, projectId, deviceId, participantId, serviceId, userGroupId, userId } = at;
  const known: Record<string, string> = {
    Site: siteId,
    Project: projectId,
    User: userId,
    UserGroup: userGroupId,
    UserGroupMember: await link('UserGroupMember', { userGroupId, userId }),
    ProjectAccess: String((await system.find('ProjectAccess', { userGroupId, projectId }))[0]?.id),
    ParticipantGroup: at.participantGroupId,
    Participant: participantId,
    DeviceType: deviceTypeId,
    DeviceSubtype: deviceSubtypeId,
    Device: deviceId,
    DeviceParticipant: await link('DeviceParticipant', { deviceId, participantId }),
    DeviceProject: await link('DeviceProject', { deviceId, projectId }),
    DeviceSite: await link('DeviceSite', { deviceId, siteId }),
    SessionType: sessionTypeId,
    SessionTypeSite: await link('SessionTypeSite', { sessionTypeId, siteId }),
    SessionTypeProject: await link('SessionTypeProject', { sessionTypeId, projectId }),
    SessionTypeDeviceType: await link('SessionTypeDeviceType', { sessionTypeId, deviceTypeId }),
    Session: sessionId,
    SessionParticipant: await link('SessionParticipant', { sessionId, participantId }),
    SessionUser: await link('SessionUser', { sessionId, userId }),
    SessionDevice: await link('SessionDevice', { sessionId, deviceId }),
    SessionEvent: await make('SessionEvent', { sessionId }),
    Asset: await make('Asset', { sessionId, participantId, creatorDeviceId: deviceId, creatorServiceId: serviceId }),
    Service: serviceId,
    ServiceProject: await link('ServiceProject', { serviceId, projectId }),
    ServiceSite: await link('ServiceSite', { serviceId, siteId }),
    ServiceRole: roleId,
    ServiceAccess: await link('ServiceAccess', { serviceRoleId: roleId, deviceId }),
  };
  // What is set for a service is for one alone, so each has theirs.
  known['ServiceConfig of participant'] = await system.create('ServiceConfig', {
    serviceId,
    participantId,
    config: {},
  });
  known['ServiceConfig of device'] = await system.create('ServiceConfig', { serviceId, deviceId, config: {} });
  for (const type of types) {
    if (type !== 'ServiceConfig') known[type] ??= await make(type);
  }
  return known;
}

/** A new record at a place, in a session that the device takes part in. */
async function newFields(system: System, type: string, at: Place): Promise<Values> {
  const fields = await fieldsAt(world, system, type, at);
  const records = at === world.near ? linked : unlinked;
  if (type === 'SessionEvent' || type === 'Asset') return { ...fields, sessionId: records.Session };
  if (type === 'SessionType') return { ...fields, serviceId: at.serviceId };
  if (type === 'SessionTypeProject') {
    return { ...fields, sessionTypeId: await newAt(world, system, 'SessionType', at, { serviceId: at.serviceId }) };
  }
  return fields;
}

const idIn = (records: Readonly<Record<string, string>>, type: string, kind: Kind): string =>
  records[type] ?? records[`${type} of ${kind === 'device' ? 'device' : 'participant'}`] ?? '';

test('every resource type has its line', () => {
  const { resources } = application.policy.model;
  const stored = Object.keys(resources).filter((type) => resources[type as never]?.source === undefined);
  expect(LINES.map(([type]) => type).sort()).toEqual(stored.sort());
});

describe.each(KINDS)('%s reads', (kind) => {
  test.each(LINES)('%s', async (type, cells) => {
    const seen = cells[kind];
    const asker = askers[kind];
    const [near, far] = [idIn(linked, type, kind), idIn(unlinked, type, kind)];
    const isShared = SHARED[type]?.includes(kind) ?? false;
    const got = await askHttp(world, asker, { type, action: 'read', id: near });
    const away = await askHttp(world, asker, { type, action: 'read', id: far });
    const decided = await askDecisions(
      world,
      asker,
      [near, far].map((id) => ({ type, action: 'read', id })),
    );
    const say = `a ${kind} sees of a ${type}`;
    expect(got.status, `${say} ${seen}: ${got.text}`).toBe(seen === '–' ? 403 : 200);
    expect(away.status, `${say} that is not linked ${away.text}`).toBe(isShared || isOwnWord(type, kind) ? 200 : 403);
    expect(decided).toEqual([seen !== '–', isShared || isOwnWord(type, kind)]);
    if (seen !== '–') expect(fieldsOf(got), say).toEqual(fieldsWanted(type, seen));
    const listed = await askHttp(world, asker, { type, action: 'list' });
    if (seen === '–') expect(listed.status).toBe(403);
    else expect(listed.body.items.map(({ id }: { id: string }) => id)).toContain(near);
    if (seen !== '–' && away.status === 403) expect(listed.text).not.toContain(`"id":"${far}"`);
  });
});

/** Services read which other services there are. */
const isOwnWord = (type: string, kind: Kind): boolean => type === 'Service' && kind === 'service';

const fieldsOf = ({ body }: TestAnswer): readonly string[] =>
  Object.keys(body)
    .filter((name) => !['id', 'version', 'createdAt', 'updatedAt'].includes(name))
    .sort();

function fieldsWanted(type: string, seen: string): readonly string[] {
  if (seen !== 'all') return seen.split(',').sort();
  const fields = Object.entries(application.policy.model.resources[type]?.fields ?? {});
  return fields.flatMap(([name, { secret }]) => (secret ? [] : [name])).sort();
}

describe.each(KINDS)('%s writes', (kind) => {
  test.each(LINES.map(([type]) => type))('%s', async (type) => {
    const asker = askers[kind];
    for (const action of ['create', 'update', 'delete'] as const) {
      const may = WRITES[kind][type]?.includes(action) ?? false;
      for (const [where, records, at] of [
        ['linked', linked, 'near'],
        ['not linked', unlinked, 'far'],
      ] as const) {
        const granted = may && where === 'linked';
        const asked =
          action === 'create'
            ? { type, action, values: made[type]?.[at] ?? {} }
            : { type, action, id: idIn(records, type, kind) };
        const say = `a ${kind} ${granted ? 'may' : 'may not'} ${action} a ${type} that is ${where}`;
        // The engine knows a device's or a service's own part in a new record by who asks.
        expect(await askEngine(world, asker, asked), `the engine: ${say}`).toBe(granted);
        if (granted) continue;
        const values = action === 'update' ? (CHANGES[type] ?? {}) : asked.values;
        const answer = await askHttp(world, asker, values === undefined ? asked : { ...asked, values });
        expect(answer.status, `${say}: ${answer.text}`).toBe(403);
      }
    }
  });
});

test.each([
  ['a device', 'device', 'user'],
  ['a device', 'device', 'participant'],
  ['a participant', 'participant', 'user'],
  ['a participant with a token', 'token', 'device'],
  ['a service', 'service', 'user'],
] as const)('the token of %s (%s) is refused at the root of a %s', async (_, kind, root) => {
  const answer = await world.app.request({ token: askers[kind].token, url: `/api/${root}/sessions` });
  expect([answer.status, answer.body.code]).toEqual([403, 'wrong_kind']);
});

test('a participant who is shut out is refused from the next request', async () => {
  const { near, app } = world;
  await app.seed((system) => system.update('Participant', near.participantId, { enabled: false }));
  for (const kind of ['participant', 'token'] as const) {
    expect((await askHttp(world, askers[kind], { type: 'Participant', action: 'list' })).status).toBe(401);
  }
});
