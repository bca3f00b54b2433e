import { type Deleting, type Effect, type Effects, type LoadedRecord, Problem } from '@ostiary/server';

/** The service that the platform itself is. */
export const CORE = 'OpenTeraServer';

const idOf = (record: LoadedRecord | null, field: string): string | null => {
  const id = record?.values[field];
  return typeof id === 'string' ? id : null;
};

/** What is added to a place is linked to it at once. */
const linkedTo =
  (place: string, link: string, own: string) =>
  async ({ record, system }: Effect): Promise<void> => {
    const id = idOf(record, place);
    if (id !== null) await system.create(link, { [own]: record.id, [place]: id });
  };

/** The roles that the platform itself has at a new site, or in a new project. */
const coreRoles =
  (place: 'siteId' | 'projectId') =>
  async ({ record, system }: Effect): Promise<void> => {
    const [core] = await system.find('Service', { key: CORE });
    if (core === undefined) return;
    for (const name of ['admin', 'user']) {
      await system.create('ServiceRole', { serviceId: core.id, name, [place]: record.id });
    }
  };

async function createdProject(effect: Effect): Promise<void> {
  const { record, system } = effect;
  await coreRoles('projectId')(effect);
  const serviceId = idOf(record, 'creatorServiceId');
  if (serviceId !== null) await system.create('ServiceProject', { serviceId, projectId: record.id });
}

/** A project that is disabled shuts out its participants, who give their devices back; nothing else of it changes. */
async function disabledProject({ record, before, system }: Effect & { readonly before: LoadedRecord }): Promise<void> {
  if (record.values.enabled === true || before.values.enabled === false) return;
  for await (const { id: participantId, values } of system.walk('Participant', { projectId: record.id })) {
    if (values.enabled === true) await system.update('Participant', participantId, { enabled: false });
    for (const link of await system.find('DeviceParticipant', { participantId })) {
      await system.delete('DeviceParticipant', link.id);
    }
  }
}

/** What is used in a project is at the project's site. */
const atItsSite =
  (of: string, siteLink: string, words: string) =>
  async ({ record, system }: Effect): Promise<void> => {
    const project = await system.load('Project', idOf(record, 'projectId') ?? '');
    const at = await system.find(siteLink, { [of]: idOf(record, of), siteId: idOf(project, 'siteId') });
    if (at.length === 0) throw new Problem('conflict', { detail: `${words} is not at the site of this project.` });
  };

/** A session is of a type that is used in its project. */
async function ofItsProject({ record, system }: Effect): Promise<void> {
  const [projectId, sessionTypeId] = [idOf(record, 'projectId'), idOf(record, 'sessionTypeId')];
  const used = await system.find('SessionTypeProject', { projectId, sessionTypeId });
  if (used.length > 0) return;
  throw new Problem('conflict', { detail: 'This type of sessions is not used in the project: assign it there first.' });
}

/** One whose type left the project since stays as it is. */
async function staysOfItsProject(effect: Effect & { readonly before: LoadedRecord }): Promise<void> {
  const { record, before } = effect;
  if (idOf(record, 'sessionTypeId') !== idOf(before, 'sessionTypeId')) await ofItsProject(effect);
}

/** What leaves a site is in none of its projects any more. */
const inNoProjectThere =
  (of: string, projectLink: string, words: string) =>
  async ({ record, system }: Effect): Promise<void> => {
    const siteId = idOf(record, 'siteId');
    for (const link of await system.find(projectLink, { [of]: idOf(record, of) })) {
      if (link.facts['projectId.siteId'] === siteId) {
        throw new Problem('conflict', { detail: `${words} is still used in a project of this site.` });
      }
    }
  };

/** A device is given to participants of its own projects. */
async function inTheirProject({ record, system }: Effect): Promise<void> {
  const participant = await system.load('Participant', idOf(record, 'participantId') ?? '');
  const projectId = idOf(participant, 'projectId');
  const found = await system.find('DeviceProject', { deviceId: idOf(record, 'deviceId'), projectId });
  if (found.length === 0) {
    throw new Problem('conflict', { detail: "The device is not in the participant's project: assign it there first." });
  }
}

/** A participant leaves a project without its devices, which would go on reading them. */
async function leavesDevices({ before, record, system }: Effect & { readonly before: LoadedRecord }): Promise<void> {
  if (before.values.projectId === record.values.projectId) return;
  const projectId = idOf(record, 'projectId');
  for (const link of await system.find('DeviceParticipant', { participantId: record.id })) {
    const there = await system.find('DeviceProject', { deviceId: idOf(link, 'deviceId'), projectId });
    if (there.length === 0) {
      throw new Problem('conflict', { detail: 'The participant has a device that is not in the other project.' });
    }
  }
}

/** A device leaves a project once no participant of it has the device. */
async function withNoParticipantThere({ record, system }: Effect): Promise<void> {
  for (const link of await system.find('DeviceParticipant', { deviceId: idOf(record, 'deviceId') })) {
    if (link.facts['participantId.projectId'] === record.values.projectId) {
      throw new Problem('conflict', { detail: 'A participant of this project still has the device.' });
    }
  }
}

/** Who is also in groups that the caller does not manage keeps the account, and leaves the others. */
async function leavesManagedGroups({ record, system, mayDelete, remove }: Deleting): Promise<string | null> {
  const memberships = await system.find('UserGroupMember', { userId: record.id });
  const managed = memberships.filter((membership) => mayDelete('UserGroupMember', membership));
  if (managed.length === memberships.length) return null;
  for (const membership of managed) await remove('UserGroupMember', membership);
  const groups = managed.length === 1 ? 'the group' : `the ${managed.length} groups`;
  return `The account stays, as it belongs to groups elsewhere too: it was taken out of ${groups} that you manage.`;
}

export const effects: Effects = {
  Site: { created: coreRoles('siteId') },
  Project: { created: createdProject, updated: disabledProject },
  Participant: { updated: leavesDevices },
  User: { created: linkedTo('userGroupId', 'UserGroupMember', 'userId'), deleting: leavesManagedGroups },
  Device: { created: linkedTo('siteId', 'DeviceSite', 'deviceId') },
  SessionType: { created: linkedTo('siteId', 'SessionTypeSite', 'sessionTypeId') },
  Session: { created: ofItsProject, updated: staysOfItsProject },
  DeviceSite: { deleted: inNoProjectThere('deviceId', 'DeviceProject', 'The device') },
  DeviceProject: {
    created: atItsSite('deviceId', 'DeviceSite', 'The device'),
    deleted: withNoParticipantThere,
  },
  DeviceParticipant: { created: inTheirProject },
  SessionTypeSite: { deleted: inNoProjectThere('sessionTypeId', 'SessionTypeProject', 'The type of sessions') },
  SessionTypeProject: { created: atItsSite('sessionTypeId', 'SessionTypeSite', 'The type of sessions') },
  ServiceSite: { deleted: inNoProjectThere('serviceId', 'ServiceProject', 'The service') },
  ServiceProject: { created: atItsSite('serviceId', 'ServiceSite', 'The service') },
};
