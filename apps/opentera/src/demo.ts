import { DEMO_PASSWORD, type Demo, type Seed } from '@ostiary/server';
import { CORE } from './effects.js';

const SESSIONS_PER_PROJECT = 6;

interface Place {
  readonly siteId: string;
  readonly projectId: string;
  readonly participants: readonly string[];
  readonly deviceId: string;
  readonly sessionTypeId: string;
}

async function load(seed: Seed): Promise<void> {
  await seed.create('Service', { key: CORE, name: 'The platform', enabled: true, system: true });
  await seed.create('Service', { key: 'LoggingService', name: 'Logs', enabled: true, system: true });
  const video = await seed.create('Service', {
    key: 'VideoRehab',
    name: 'Video rehabilitation',
    enabled: true,
    endpoint: 'https://rehab.example.org/',
  });

  const north = await seed.create('Site', { name: 'North Hospital', contact: 'north@example.org', notes: 'Wing B.' });
  const south = await seed.create('Site', { name: 'South Hospital', contact: 'south@example.org' });
  const alpha = await seed.create('Project', { siteId: north, name: 'Alpha', description: 'Balance after a stroke.' });
  const beta = await seed.create('Project', { siteId: north, name: 'Beta' });
  const gamma = await seed.create('Project', { siteId: south, name: 'Gamma' });
  for (const siteId of [north, south]) await seed.create('ServiceSite', { serviceId: video, siteId });
  for (const projectId of [alpha, gamma]) await seed.create('ServiceProject', { serviceId: video, projectId });

  const team = await loadPeople(seed, { north, south, alpha, beta, gamma });

  const tablet = await seed.create('DeviceType', { key: 'tablet', name: 'Tablet' });
  const small = await seed.create('DeviceSubtype', { deviceTypeId: tablet, name: 'Small' });
  const machine = (siteId: string, name: string) =>
    seed.create('Device', {
      name,
      siteId,
      deviceTypeId: tablet,
      deviceSubtypeId: small,
      enabled: true,
      onlineable: true,
      config: { volume: 5 },
    });
  const meeting = (siteId: string, name: string) =>
    seed.create('SessionType', { name, category: 'service', siteId, serviceId: video, color: '#336699' });
  const call = await meeting(north, 'Video call');
  const southCall = await meeting(south, 'Video call');
  await seed.create('SessionTypeDeviceType', { sessionTypeId: call, deviceTypeId: tablet });
  await machine(north, 'Spare tablet');

  const places: Place[] = [];
  for (const [siteId, projectId, name, sessionTypeId] of [
    [north, alpha, 'Alpha', call],
    [north, beta, 'Beta', call],
    [south, gamma, 'Gamma', southCall],
  ] as const) {
    const deviceId = await machine(siteId, `Tablet ${name}`);
    const participants = await loadParticipants(seed, projectId, name);
    await seed.create('DeviceProject', { deviceId, projectId });
    await seed.create('DeviceParticipant', { deviceId, participantId: participants[0] });
    await seed.create('SessionTypeProject', { sessionTypeId, projectId });
    places.push({ siteId, projectId, participants, deviceId, sessionTypeId });
  }
  for (const place of places) await loadSessions(seed, place, place.projectId === alpha ? team.userId : null);
  await loadRoles(seed, { video, north, alpha, team, deviceId: places[0]?.deviceId ?? '' });
}

/** One user for each column of the table, and others who work elsewhere. Each has their rights through a group. */
async function loadPeople(
  seed: Seed,
  { north, south, alpha, beta, gamma }: Readonly<Record<'north' | 'south' | 'alpha' | 'beta' | 'gamma', string>>,
): Promise<{ readonly groupId: string; readonly userId: string }> {
  const account = (username: string, lastName: string, more: object) =>
    seed.create('User', { username, firstName: 'Demo', lastName, password: DEMO_PASSWORD, ...more });
  await account('superadmin', 'Super', { superAdmin: true });
  let team = { groupId: '', userId: '' };
  for (const [username, lastName, siteId, scope, role] of [
    ['siteadmin', 'Siteadmin', north, { siteId: north }, 'admin'],
    ['siteuser', 'Siteuser', north, { siteId: north }, 'user'],
    ['projectadmin', 'Projectadmin', north, { projectId: alpha }, 'admin'],
    ['projectuser', 'Projectuser', north, { projectId: alpha }, 'user'],
    ['betauser', 'Betauser', north, { projectId: beta }, 'user'],
    ['southadmin', 'Southadmin', south, { siteId: south }, 'admin'],
    ['gammauser', 'Gammauser', south, { projectId: gamma }, 'user'],
  ] as const) {
    const userGroupId = await seed.create('UserGroup', { name: `Group of ${username}`, siteId });
    await seed.create('siteId' in scope ? 'SiteAccess' : 'ProjectAccess', { userGroupId, ...scope, role });
    const userId = await account(username, lastName, { userGroupId });
    if (username === 'projectuser') team = { groupId: userGroupId, userId };
  }
  return team;
}

async function loadParticipants(seed: Seed, projectId: string, name: string): Promise<readonly string[]> {
  const participantGroupId = await seed.create('ParticipantGroup', { projectId, name: `${name} controls` });
  const made: string[] = [];
  for (const number of [1, 2, 3]) {
    // The first of Alpha logs in; the others are seen by whoever cares for them.
    const login = name === 'Alpha' && number === 1;
    const account = login ? { username: 'participant', password: DEMO_PASSWORD, loginEnabled: true } : {};
    const values = { projectId, participantGroupId, name: `${name} ${number}`, tokenEnabled: number === 2, ...account };
    made.push(await seed.create('Participant', values));
  }
  return made;
}

async function loadSessions(seed: Seed, place: Place, userId: string | null): Promise<void> {
  const { projectId, sessionTypeId, participants, deviceId } = place;
  for (let number = 1; number <= SESSIONS_PER_PROJECT; number += 1) {
    const startAt = `2026-02-${String(number).padStart(2, '0')}T10:00:00.000Z`;
    const status = number === SESSIONS_PER_PROJECT ? 'not_started' : 'completed';
    const values = { projectId, sessionTypeId, name: `Session ${number}`, startAt, status };
    const sessionId = await seed.create('Session', { ...values, duration: status === 'completed' ? 1800 : 0 });
    const participantId = participants[number % participants.length];
    await seed.create('SessionParticipant', { sessionId, participantId });
    await seed.create('SessionDevice', { sessionId, deviceId });
    if (userId !== null) await seed.create('SessionUser', { sessionId, userId });
    if (status !== 'completed') continue;
    await seed.create('SessionEvent', { sessionId, type: 'start', at: startAt });
    await seed.create('SessionEvent', { sessionId, type: 'stop', at: startAt.replace('T10:00', 'T10:30') });
    const content = Buffer.from(`Notes on session ${number}`).toString('base64');
    await seed.create('Asset', { sessionId, name: 'notes.txt', mediaType: 'text/plain', content, participantId });
  }
}

/** Roles of a service: everywhere, at a site and in a project; given to a group of users and to a device. */
async function loadRoles(
  seed: Seed,
  of: {
    readonly video: string;
    readonly north: string;
    readonly alpha: string;
    readonly team: { readonly groupId: string };
    readonly deviceId: string;
  },
): Promise<void> {
  const serviceId = of.video;
  const therapist = await seed.create('ServiceRole', { serviceId, name: 'therapist' });
  await seed.create('ServiceRole', { serviceId, name: 'moderator', siteId: of.north });
  const recorder = await seed.create('ServiceRole', { serviceId, name: 'recorder', projectId: of.alpha });
  await seed.create('ServiceAccess', { serviceRoleId: therapist, userGroupId: of.team.groupId });
  await seed.create('ServiceAccess', { serviceRoleId: recorder, deviceId: of.deviceId });
}

export const demo: Demo = {
  accounts: [
    { login: 'superadmin', says: 'super administrator: everything' },
    { login: 'siteadmin', says: 'administrator of the North Hospital' },
    { login: 'siteuser', says: 'user of the North Hospital, with no project of their own' },
    { login: 'projectadmin', says: 'administrator of Alpha, a project of the North Hospital' },
    { login: 'projectuser', says: 'user of Alpha' },
    { login: 'participant', says: 'participant in Alpha' },
  ],
  load,
};
