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

/** What users do beside reading and writing data: sessions as they run, statistics, forms. */
export const features = [managing, participants, forms];
