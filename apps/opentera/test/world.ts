import { decide, kebabCase, type Principal, possible, type RecordFacts, writable } from '@ostiary/policy';
import { collectionOf } from '@ostiary/policy/sql';
import { DEMO_PASSWORD, type System } from '@ostiary/server';
import type { TestApplication } from '../../../packages/server/test/support/application.js';

export type Values = Readonly<Record<string, unknown>>;

/** One record of each kind that belongs together: what somebody reaches, or does not. */
export interface Place {
  readonly siteId: string;
  readonly projectId: string;
  readonly userGroupId: string;
  readonly userId: string;
  readonly participantId: string;
  readonly participantGroupId: string;
  readonly deviceId: string;
  readonly sessionId: string;
  readonly sessionTypeId: string;
  readonly serviceId: string;
}

export interface World {
  readonly app: TestApplication;
  /** The project Alpha of the North Hospital, which every column of the table reaches. */
  readonly near: Place;
  /** The project Gamma of the South Hospital, which only super administrators reach. */
  readonly far: Place;
  readonly deviceTypeId: string;
}

let count = 0;
export const unique = (word: string): string => `${word}-${++count}`;
/** A password of a new account, which is judged. */
export const STRONG = 'violet-harbour-castle-91';

export async function openWorld(app: TestApplication): Promise<World> {
  const deviceTypeId = await app.idOf('DeviceType', 'key', 'tablet');
  const place = async (site: string, project: string, user: string): Promise<Place> => {
    const siteId = await app.idOf('Site', 'name', site);
    const projectId = await app.idOf('Project', 'name', project);
    const userGroupId = await app.idOf('UserGroup', 'name', `Group of ${user}`);
    const participantGroupId = await app.idOf('ParticipantGroup', 'name', `${project} controls`);
    const deviceId = await app.idOf('Device', 'name', `Tablet ${project}`);
    const participantId = await app.idOf('Participant', 'name', `${project} 1`);
    const userId = await app.idOf('User', 'username', user);
    return app.seed(async (system) => {
      const service = await system.create('Service', { key: unique('Service'), name: 'A service', enabled: true });
      await system.create('ServiceSite', { serviceId: service, siteId });
      await system.create('ServiceProject', { serviceId: service, projectId });
      const [session] = await system.find('Session', { projectId, status: 'completed' });
      return {
        siteId,
        projectId,
        userGroupId,
        userId,
        participantId,
        participantGroupId,
        deviceId,
        sessionId: String(session?.id),
        sessionTypeId: String(session?.values.sessionTypeId),
        serviceId: service,
      };
    });
  };
  const near = await place('North Hospital', 'Alpha', 'projectuser');
  const far = await place('South Hospital', 'Gamma', 'gammauser');
  return { app, near, far, deviceTypeId };
}

/** The fields of a new record of a type at a place, with what it links made before it where there is need of it. */
export async function fieldsAt(world: World, system: System, type: string, at: Place): Promise<Values> {
  const make = (other: string, more: Values = {}) => newAt(world, system, other, at, more);
  switch (type) {
    case 'Site':
      return { name: unique('Site') };
    case 'Project':
      return { siteId: at.siteId, name: unique('Project') };
    case 'User':
      return {
        username: unique('user'),
        password: STRONG,
        firstName: 'Uma',
        lastName: 'User',
        userGroupId: at.userGroupId,
      };
    case 'UserGroup':
      return { name: unique('Group'), siteId: at.siteId };
    case 'UserGroupMember':
      return { userGroupId: await make('UserGroup'), userId: await make('User') };
    case 'SiteAccess':
      return { userGroupId: await make('UserGroup'), siteId: at.siteId, role: 'user' };
    case 'ProjectAccess':
      return { userGroupId: await make('UserGroup'), projectId: at.projectId, role: 'user' };
    case 'ParticipantGroup':
      return { projectId: at.projectId, name: unique('Group') };
    case 'Participant':
      return { projectId: at.projectId, name: unique('Participant') };
    case 'DeviceType':
      return { key: unique('type'), name: 'A type' };
    case 'DeviceSubtype':
      return { deviceTypeId: world.deviceTypeId, name: unique('Subtype') };
    case 'Device':
      return { name: unique('Device'), siteId: at.siteId, deviceTypeId: world.deviceTypeId };
    case 'DeviceSite': {
      const device = await make('Device', { siteId: null });
      return { deviceId: device, siteId: at.siteId };
    }
    case 'DeviceProject':
      return { deviceId: await make('Device'), projectId: at.projectId };
    case 'DeviceParticipant': {
      const deviceId = await make('Device');
      await system.create('DeviceProject', { deviceId, projectId: at.projectId });
      return { deviceId, participantId: at.participantId };
    }
    case 'SessionType':
      return { name: unique('Type'), category: 'protocol', siteId: at.siteId };
    case 'SessionTypeSite':
      return { sessionTypeId: await make('SessionType', { siteId: null }), siteId: at.siteId };
    case 'SessionTypeProject':
      return { sessionTypeId: await make('SessionType'), projectId: at.projectId };
    case 'SessionTypeDeviceType':
      return { sessionTypeId: await make('SessionType'), deviceTypeId: world.deviceTypeId };
    case 'Session':
      return {
        projectId: at.projectId,
        sessionTypeId: at.sessionTypeId,
        name: unique('Session'),
        startAt: '2026-03-01T10:00:00.000Z',
      };
    case 'SessionParticipant':
      return { sessionId: await make('Session'), participantId: at.participantId };
    case 'SessionUser':
      return { sessionId: await make('Session'), userId: at.userId };
    case 'SessionDevice':
      return { sessionId: await make('Session'), deviceId: at.deviceId };
    case 'SessionEvent':
      return { sessionId: at.sessionId, type: 'general', at: '2026-03-01T10:00:00.000Z', text: unique('event') };
    case 'Asset':
      return { sessionId: at.sessionId, name: unique('asset'), mediaType: 'text/plain', content: 'bm90ZXM=' };
    case 'Service':
      return { key: unique('Service'), name: 'A service' };
    case 'ServiceSite':
      return { serviceId: await make('Service'), siteId: at.siteId };
    case 'ServiceProject': {
      const serviceId = await make('Service');
      await system.create('ServiceSite', { serviceId, siteId: at.siteId });
      return { serviceId, projectId: at.projectId };
    }
    case 'ServiceConfig':
      return { serviceId: at.serviceId, participantId: await make('Participant'), config: { loud: true } };
    case 'ServiceRole':
      return { serviceId: at.serviceId, name: unique('role'), siteId: at.siteId };
    case 'ServiceAccess':
      return { serviceRoleId: await make('ServiceRole'), userGroupId: at.userGroupId };
    default:
      throw new TypeError(`there is no way yet to make a ${type} in a test: add one to world.ts`);
  }
}

/** Makes a record of a type at a place, as the installation itself. */
export async function newAt(world: World, system: System, type: string, at: Place, more: Values = {}): Promise<string> {
  return system.create(type, { ...(await fieldsAt(world, system, type, at)), ...more });
}

/** A change of each type that moves nothing. */
export const CHANGES: Readonly<Record<string, Values>> = {
  Site: { notes: 'Changed.' },
  Project: { description: 'Changed.' },
  User: { firstName: 'Changed' },
  UserGroup: { description: 'Changed.' },
  SiteAccess: { role: 'user' },
  ProjectAccess: { role: 'user' },
  ParticipantGroup: { name: 'Changed' },
  Participant: { notes: 'Changed.' },
  DeviceType: { name: 'Changed' },
  DeviceSubtype: { name: 'Changed' },
  Device: { notes: 'Changed.' },
  SessionType: { name: 'Changed' },
  Session: { comments: 'Changed.' },
  SessionEvent: { text: 'Changed.' },
  Asset: { name: 'changed.txt' },
  Service: { name: 'Changed' },
  ServiceConfig: { config: { loud: false } },
  ServiceRole: { name: 'changed' },
};

/** Someone who asks: by a login, or with a token. */
export interface Asker {
  readonly kind: string;
  readonly id: string;
  readonly token: string;
}

export async function userAsker(app: TestApplication, username: string): Promise<Asker> {
  return {
    kind: 'user',
    id: await app.idOf('User', 'username', username),
    token: await app.login(username, DEMO_PASSWORD),
  };
}

/** What is asked: an action on a record that is there, on one that would be made, or on the type. */
export interface Asked {
  readonly type: string;
  readonly action: string;
  readonly id?: string;
  readonly values?: Values;
}

/** Asks the engine, with the facts of the record as it is, or as it would become. */
export async function askEngine(world: World, asker: Asker, asked: Asked): Promise<boolean> {
  const { context, clock } = world.app;
  const { policy } = context;
  const who = await principalOf(world, asker);
  const now = { now: clock.now().toISOString() };
  const { type, action, id, values } = asked;
  if (id === undefined && values === undefined) return possible(policy, who, action, type, now);
  const decision = decide(policy, who, action, type, await factsOf(world, asked), now);
  const accepted = writable(policy, decision, type);
  return decision.allowed && Object.keys(values ?? {}).every((field) => accepted.includes(field));
}

const principals = new Map<string, Promise<Principal | null>>();

/** A principal with what it held when it was first asked about. */
async function principalOf({ app }: World, { kind, id }: Asker): Promise<Principal> {
  const load = () => app.context.principals.load(app.context.database.db, kind, id);
  const loading = principals.get(id) ?? load();
  principals.set(id, loading);
  const found = await loading;
  if (found === null) throw new Error(`there is no ${kind} ${id}`);
  return found;
}

/** Ends a transaction that is to leave nothing behind. */
class RolledBack extends Error {}

const known = new WeakMap<Asked, Promise<RecordFacts>>();

/** The facts of a record, or of one that would be made: it is made, and taken back. Loaded once for all who ask. */
function factsOf({ app }: World, asked: Asked): Promise<RecordFacts> {
  const load = async (): Promise<RecordFacts> => {
    const { type, id, values = {} } = asked;
    let facts: RecordFacts | undefined;
    const work = app.seed(async (system) => {
      const { password: _, ...told } = values;
      const record = await system.load(type, id ?? (await system.create(type, told)));
      facts = record?.facts;
      throw new RolledBack();
    });
    await work.catch((error: unknown) => {
      if (!(error instanceof RolledBack)) throw error;
    });
    if (facts === undefined) throw new Error(`there is no ${type} ${id}`);
    return facts;
  };
  const loading = known.get(asked) ?? load();
  known.set(asked, loading);
  return loading;
}

/** Asks the decision API several questions, as the principal itself. */
export async function askDecisions(
  world: World,
  { kind, id, token }: Asker,
  asked: readonly Asked[],
): Promise<readonly boolean[]> {
  const { model } = world.app.context.policy;
  const evaluations = asked.map(({ type, action, id, values = {} }) => {
    const told = Object.entries(values).filter(([name]) => !model.resources[type]?.fields[name]?.secret);
    const properties = action === 'create' ? { properties: Object.fromEntries(told) } : {};
    return { action: { name: action }, resource: { type, ...(id === undefined ? {} : { id }), ...properties } };
  });
  const body = { subject: { type: kind, id }, evaluations };
  const answer = await world.app.request({ token, method: 'POST', url: '/access/v1/evaluations', body });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body.evaluations.map(({ decision }: { decision: boolean }) => decision);
}

const METHODS = { create: 'POST', read: 'GET', list: 'GET', update: 'PATCH', delete: 'DELETE' } as const;

/** Asks over HTTP, by doing it. */
export function askHttp(world: World, { kind, token }: Asker, { type, action, id, values }: Asked) {
  const method = METHODS[action as keyof typeof METHODS] ?? 'POST';
  const named = action in METHODS ? '' : `/${kebabCase(action)}`;
  const collection = collectionOf(world.app.context.policy.model, type);
  const body = method === 'POST' || method === 'PATCH' ? { body: values ?? {} } : {};
  return world.app.request({ token, method, url: `/api/${kind}/${collection}${id ? `/${id}` : ''}${named}`, ...body });
}
