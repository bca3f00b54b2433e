import { all, any, equal, loggedIn, not, present, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { DEVICES, LIMITS, PARTICIPANTS, SERVICES, TABLE } from './sources.js';

const { user, participant, device, service } = principals(model);

const meetings = rules(model, 'Session', ({ it, allow, forbid, holds, linked, may }) => [
  allow('reads', {
    says: 'Whoever reaches a project reads its sessions.',
    source: TABLE,
    actions: ['read'],
    when: holds('Project member', it.projectId),
  }),
  allow('handles', {
    says: 'Whoever reaches a project makes and changes its sessions, of types that they read.',
    source: TABLE,
    actions: ['create', 'update'],
    when: all(holds('Project member', it.projectId), may('read', it.sessionTypeId)),
  }),
  allow('admin-deletes', {
    says: 'The administrators of a project delete its sessions.',
    source: TABLE,
    actions: ['delete'],
    when: holds('Project admin', it.projectId),
  }),
  allow('user-reads', {
    says: 'Users read the sessions that they are in.',
    source: TABLE,
    actions: ['read'],
    when: linked('SessionUser', 'sessionId', (row) => equal(row.userId, user)),
  }),
  allow('participant-reads', {
    says: 'Participants read the sessions that they are in.',
    source: PARTICIPANTS,
    actions: ['read'],
    when: all(
      linked('SessionParticipant', 'sessionId', (row) => equal(row.participantId, participant)),
      loggedIn,
    ),
  }),
  allow('device-reads', {
    says: 'A device reads the sessions that it is in.',
    source: DEVICES,
    actions: ['read'],
    when: linked('SessionDevice', 'sessionId', (row) => equal(row.deviceId, device)),
  }),
  allow('service', {
    says: 'A service handles the sessions of the projects that it is linked to, and deletes none.',
    source: SERVICES,
    actions: ['create', 'read', 'update'],
    when: holds('Project service', it.projectId),
  }),
  forbid('not-while-it-lasts', {
    says: 'A session is not deleted while it is in progress.',
    source: LIMITS,
    actions: ['delete'],
    when: equal(it.status, 'in_progress'),
  }),
]);

const participants = rules(model, 'SessionParticipant', ({ it, allow, may }) => [
  allow('reads', {
    says: 'Who is in a session is read by users and services who read it.',
    source: TABLE,
    actions: ['read'],
    by: ['user', 'service'],
    when: may('read', it.sessionId),
  }),
  allow('reads-self', {
    says: 'Participants read that they are in a session.',
    source: PARTICIPANTS,
    actions: ['read'],
    when: all(equal(it.participantId, participant), loggedIn),
  }),
  allow('device-reads', {
    says: 'A device reads that its participants are in its sessions.',
    source: DEVICES,
    actions: ['read'],
    by: ['device'],
    when: all(may('read', it.sessionId), may('read', it.participantId)),
  }),
  allow('invites', {
    says: 'Who changes a session invites participants whom they read.',
    source: TABLE,
    actions: ['create'],
    when: all(may('update', it.sessionId), may('read', it.participantId)),
  }),
  allow('removes', {
    says: 'Who changes a session takes participants out of it.',
    source: TABLE,
    actions: ['delete'],
    when: may('update', it.sessionId),
  }),
]);

const users = rules(model, 'SessionUser', ({ it, allow, may }) => [
  allow('reads', {
    says: 'Who is in a session is read by users and services who read it.',
    source: TABLE,
    actions: ['read'],
    by: ['user', 'service'],
    when: may('read', it.sessionId),
  }),
  allow('invites', {
    says: 'Who changes a session invites users whom they read.',
    source: TABLE,
    actions: ['create'],
    when: all(may('update', it.sessionId), may('read', it.userId)),
  }),
  allow('removes', {
    says: 'Who changes a session takes users out of it.',
    source: TABLE,
    actions: ['delete'],
    when: may('update', it.sessionId),
  }),
]);

const machines = rules(model, 'SessionDevice', ({ it, allow, may }) => [
  allow('reads', {
    says: 'What is in a session is read by users and services who read it.',
    source: TABLE,
    actions: ['read'],
    by: ['user', 'service'],
    when: may('read', it.sessionId),
  }),
  allow('reads-self', {
    says: 'A device reads that it is in a session.',
    source: DEVICES,
    actions: ['read'],
    when: equal(it.deviceId, device),
  }),
  allow('participant-reads', {
    says: 'Participants read that their devices are in their sessions.',
    source: PARTICIPANTS,
    actions: ['read'],
    by: ['participant'],
    when: all(may('read', it.sessionId), may('read', it.deviceId)),
  }),
  allow('invites', {
    says: 'Who changes a session takes devices into it that they read.',
    source: TABLE,
    actions: ['create'],
    when: all(may('update', it.sessionId), may('read', it.deviceId)),
  }),
  allow('removes', {
    says: 'Who changes a session takes devices out of it.',
    source: TABLE,
    actions: ['delete'],
    when: may('update', it.sessionId),
  }),
]);

const events = rules(model, 'SessionEvent', ({ it, allow, holds, may }) => [
  allow('reads', {
    says: 'Who reads a session reads what happened in it.',
    source: TABLE,
    actions: ['read'],
    when: may('read', it.sessionId),
  }),
  allow('handles', {
    says: 'Whoever reaches a project writes what happened in its sessions.',
    source: TABLE,
    actions: ['create', 'update'],
    when: holds('Project member', it.sessionId.projectId),
  }),
  allow('project-deletes', {
    says: 'Whoever has a role in a project deletes what is written of its sessions.',
    source: TABLE,
    actions: ['delete'],
    when: holds('Project user', it.sessionId.projectId),
  }),
  allow('device-writes', {
    says: 'A device writes what happened in the sessions that it is in.',
    source: DEVICES,
    actions: ['create'],
    by: ['device'],
    when: may('read', it.sessionId),
  }),
  allow('service', {
    says: 'A service writes what happened in the sessions of its projects.',
    source: SERVICES,
    actions: ['create', 'update'],
    when: holds('Project service', it.sessionId.projectId),
  }),
]);

const assets = rules(model, 'Asset', ({ it, allow, holds, may }) => {
  const aboutSomeoneInReach = any(not(present(it.participantId)), may('read', it.participantId));
  return [
    allow('reads', {
      says: 'Whoever reaches a project reads what was recorded in its sessions.',
      source: TABLE,
      actions: ['read'],
      when: holds('Project member', it.sessionId.projectId),
    }),
    allow('handles', {
      says: 'Whoever reaches a project adds and changes what was recorded in its sessions, of participants whom they read.',
      source: TABLE,
      actions: ['create', 'update'],
      when: all(holds('Project member', it.sessionId.projectId), aboutSomeoneInReach),
    }),
    allow('admin-deletes', {
      says: 'The administrators of a project delete what was recorded in its sessions.',
      source: TABLE,
      actions: ['delete'],
      when: holds('Project admin', it.sessionId.projectId),
    }),
    allow('participant-reads', {
      says: 'Participants read what is about them.',
      source: PARTICIPANTS,
      actions: ['read'],
      when: all(equal(it.participantId, participant), loggedIn),
    }),
    allow('participant-reads-list', {
      says: 'With a token alone, participants read which recordings are about them.',
      source: LIMITS,
      actions: ['read'],
      when: equal(it.participantId, participant),
      fields: ['sessionId', 'name', 'mediaType'],
    }),
    allow('device-reads', {
      says: 'A device reads what it recorded.',
      source: DEVICES,
      actions: ['read'],
      when: equal(it.creatorDeviceId, device),
    }),
    allow('device-creates', {
      says: 'A device adds what it records in the sessions that it is in, of participants that it is linked to.',
      source: DEVICES,
      actions: ['create'],
      by: ['device'],
      when: all(may('read', it.sessionId), any(not(present(it.participantId)), may('record', it.participantId))),
    }),
    allow('service-creates', {
      says: 'A service reads and adds what is recorded in the sessions of its projects.',
      source: SERVICES,
      actions: ['create', 'read'],
      when: all(holds('Project service', it.sessionId.projectId), aboutSomeoneInReach),
    }),
    allow('service-manages', {
      says: 'A service changes and deletes what it recorded itself.',
      source: SERVICES,
      actions: ['update', 'delete'],
      when: all(holds('Project service', it.sessionId.projectId), equal(it.creatorServiceId, service)),
    }),
  ];
});

export const sessions = [meetings, participants, users, machines, events, assets];
