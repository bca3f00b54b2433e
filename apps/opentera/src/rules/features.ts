import { always, any, equal, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { FEATURES, LIMITS } from './sources.js';

const { user } = principals(model);

const managing = rules(model, 'Session', ({ it, allow, forbid, holds, linked }) => [
  allow('manages', {
    says: 'Whoever reaches a project starts, stops and resumes its sessions, and says who is in them.',
    source: FEATURES,
    actions: ['start', 'stop', 'resume', 'invite', 'remove'],
    when: any(holds('Project member', it.projectId), holds('Project service', it.projectId)),
  }),
  allow('invited-replies', {
    says: 'Users who were invited to a session say whether they come.',
    source: FEATURES,
    actions: ['reply'],
    when: linked('SessionUser', 'sessionId', (row) => equal(row.userId, user)),
  }),
  allow('counts', {
    says: 'Whoever reaches a project counts its sessions.',
    source: FEATURES,
    actions: ['statistics'],
    when: holds('Project member', it.projectId),
  }),
  forbid('clock', {
    says: 'Since when a session is in progress is kept by starting and stopping it.',
    source: LIMITS,
    actions: ['create', 'update'],
    fields: ['runningSince'],
    when: always,
  }),
]);

const participants = rules(model, 'Participant', ({ it, allow, holds }) => [
  allow('counts', {
    says: 'Whoever reaches a project counts its participants.',
    source: FEATURES,
    actions: ['statistics'],
    when: holds('Project member', it.projectId),
  }),
  allow('online', {
    says: 'Whoever reaches a project sees which of its participants are online.',
    source: FEATURES,
    actions: ['online'],
    when: holds('Project member', it.projectId),
  }),
]);

const users = rules(model, 'User', ({ it, allow, linked, may }) => [
  allow('online', {
    says: 'Users see which of the users whom they read are online.',
    source: FEATURES,
    actions: ['online'],
    by: ['user'],
    when: any(
      equal(it, user),
      linked('UserGroupMember', 'userId', (member) => may('read', member.userGroupId)),
    ),
  }),
]);

const devices = rules(model, 'Device', ({ allow, holds, linked }) => [
  allow('online', {
    says: 'Users see which devices of their sites are online.',
    source: FEATURES,
    actions: ['online'],
    when: linked('DeviceSite', 'deviceId', (link) => holds('Site member', link.siteId)),
  }),
]);

const forms = rules(model, 'Form', ({ allow }) => [
  allow('reads', {
    says: 'Users read the forms by which data is entered, each as far as they may enter it.',
    source: FEATURES,
    actions: ['read'],
    by: ['user'],
    when: always,
  }),
]);

/** What users do beside reading and writing data: sessions as they run, who is online, statistics, forms. */
export const features = [managing, participants, users, devices, forms];
