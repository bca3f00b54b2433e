import { all, always, any, equal, loggedIn, named, not, present, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { FEATURES, LIMITS, PARTICIPANTS, SERVICES, TABLE } from './sources.js';

const { user, participant, device, service } = principals(model);

const programs = rules(model, 'Service', ({ it, allow, forbid, holds, linked }) => [
  allow('reads', {
    says: 'Users read the services that are offered in their projects, or at the sites whose users they are.',
    source: TABLE,
    actions: ['read'],
    when: any(
      linked('ServiceProject', 'serviceId', (link) => holds('Project member', link.projectId)),
      linked('ServiceSite', 'serviceId', (link) => holds('Site user', link.siteId)),
    ),
  }),
  allow('reads-self', {
    says: 'A service reads itself.',
    source: SERVICES,
    actions: ['read'],
    when: equal(it, service),
  }),
  allow('service-reads', {
    says: 'A service reads which others there are.',
    source: SERVICES,
    actions: ['read'],
    by: ['service'],
    when: always,
    fields: ['key', 'name', 'enabled', 'system', 'endpoint'],
  }),
  forbid('system', {
    says: 'Nobody makes, changes or deletes a part of the platform itself.',
    source: TABLE,
    actions: ['create', 'update', 'delete'],
    when: equal(it.system, true),
  }),
]);

const atSites = rules(model, 'ServiceSite', ({ it, allow, holds }) => [
  allow('reads', {
    says: 'The users of a site, and its services, read which are offered there.',
    source: LIMITS,
    actions: ['read'],
    when: any(holds('Site user', it.siteId), equal(it.serviceId, service)),
  }),
]);

const inProjects = rules(model, 'ServiceProject', ({ it, allow, holds, may }) => [
  allow('reads', {
    says: 'Whoever reaches a project, and its services, read which it has.',
    source: LIMITS,
    actions: ['read'],
    when: any(holds('Project member', it.projectId), equal(it.serviceId, service)),
  }),
  allow('site-admin', {
    says: 'The administrators of a site link services that they read to its projects.',
    source: FEATURES,
    actions: ['create'],
    when: all(holds('Site admin', it.projectId.siteId), may('read', it.serviceId)),
  }),
  allow('removes', {
    says: 'The administrators of a site take services out of its projects.',
    source: FEATURES,
    actions: ['delete'],
    when: holds('Site admin', it.projectId.siteId),
  }),
]);

const configs = rules(model, 'ServiceConfig', ({ it, allow, forbid, holds, may }) => [
  allow('reads-self', {
    says: 'Everyone reads what is set for themselves.',
    source: PARTICIPANTS,
    actions: ['read'],
    when: any(equal(it.userId, user), all(equal(it.participantId, participant), loggedIn), equal(it.deviceId, device)),
  }),
  allow('self', {
    says: 'Users configure the services that they read, for themselves.',
    source: FEATURES,
    actions: ['create', 'update', 'delete'],
    when: all(equal(it.userId, user), may('read', it.serviceId)),
  }),
  allow('others', {
    says: 'Administrators configure the services that they read for users, participants and devices within their reach.',
    source: FEATURES,
    actions: ['create', 'read', 'update', 'delete'],
    by: ['user'],
    when: all(
      may('read', it.serviceId),
      any(may('configure', it.userId), holds('Project admin', it.participantId.projectId), may('update', it.deviceId)),
    ),
  }),
  allow('service-reads', {
    says: 'A service reads what is set for it.',
    source: SERVICES,
    actions: ['read'],
    when: equal(it.serviceId, service),
  }),
  forbid('of-one', {
    says: 'What is set is for one user, one participant or one device.',
    source: LIMITS,
    actions: ['create', 'update'],
    when: named(
      'it is not of exactly one',
      any(
        all(present(it.userId), present(it.participantId)),
        all(present(it.userId), present(it.deviceId)),
        all(present(it.participantId), present(it.deviceId)),
        not(any(present(it.userId), present(it.participantId), present(it.deviceId))),
      ),
    ),
  }),
]);

export const services = [programs, atSites, inProjects, configs];
