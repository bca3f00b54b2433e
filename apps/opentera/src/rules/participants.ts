import { all, equal, loggedIn, not, present, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { DEVICES, LIMITS, PARTICIPANTS, SERVICES, TABLE } from './sources.js';

const { participant, device } = principals(model);

const groups = rules(model, 'ParticipantGroup', ({ it, allow, holds }) => [
  allow('reads', {
    says: 'Whoever reaches a project reads its groups of participants.',
    source: TABLE,
    actions: ['read'],
    when: holds('Project member', it.projectId),
  }),
  allow('admin', {
    says: 'The administrators of a project manage its groups of participants.',
    source: TABLE,
    actions: ['create', 'update', 'delete'],
    when: holds('Project admin', it.projectId),
  }),
  allow('participant-reads-name', {
    says: 'A participant reads the name of their group.',
    source: PARTICIPANTS,
    actions: ['read'],
    when: all(equal(it, participant.participantGroupId), loggedIn),
    fields: ['name'],
  }),
  allow('service', {
    says: 'A service manages the groups of participants of the projects that it is linked to.',
    source: SERVICES,
    actions: ['create', 'read', 'update', 'delete'],
    when: holds('Project service', it.projectId),
  }),
]);

const persons = rules(model, 'Participant', ({ it, allow, forbid, holds, linked }) => [
  allow('project', {
    says: 'Whoever reaches a project handles its participants.',
    source: TABLE,
    actions: ['create', 'read', 'update', 'rotateToken', 'revokeToken'],
    when: holds('Project member', it.projectId),
  }),
  allow('admin-deletes', {
    says: 'The administrators of a project delete its participants.',
    source: TABLE,
    actions: ['delete'],
    when: holds('Project admin', it.projectId),
  }),
  allow('reads-self', {
    says: 'A participant who logged in reads themselves.',
    source: PARTICIPANTS,
    actions: ['read'],
    when: all(equal(it, participant), loggedIn),
  }),
  allow('reads-own-name', {
    says: 'With a token alone, a participant reads their name.',
    source: LIMITS,
    actions: ['read'],
    when: equal(it, participant),
    fields: ['name'],
  }),
  allow('device-reads', {
    says: 'A device that may stay connected reads the participants that it is linked to.',
    source: DEVICES,
    actions: ['read'],
    when: all(
      linked('DeviceParticipant', 'participantId', (link) => equal(link.deviceId, device)),
      equal(device.onlineable, true),
    ),
  }),
  allow('device-records', {
    says: 'A device records of the participants that it is linked to.',
    source: DEVICES,
    actions: ['record'],
    when: linked('DeviceParticipant', 'participantId', (link) => equal(link.deviceId, device)),
  }),
  allow('service', {
    says: 'A service handles the participants of the projects that it is linked to.',
    source: SERVICES,
    actions: ['create', 'read', 'update', 'rotateToken', 'revokeToken'],
    when: holds('Project service', it.projectId),
  }),
  forbid('enabled-with-its-project', {
    says: 'In a project that is disabled no participant is enabled.',
    source: LIMITS,
    actions: ['create', 'update'],
    when: all(equal(it.enabled, true), equal(it.projectId.enabled, false)),
  }),
  forbid('group-is-of-its-project', {
    says: 'The group of a participant is one of their project.',
    source: LIMITS,
    actions: ['create', 'update'],
    when: all(present(it.participantGroupId), not(equal(it.participantGroupId.projectId, it.projectId))),
  }),
]);

export const participants = [groups, persons];
