import { all, any, equal, loggedIn, not, present, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { DEVICES, FEATURES, LIMITS, PARTICIPANTS, SERVICES, TABLE } from './sources.js';

const { participant, service } = principals(model);

const types = rules(model, 'SessionType', ({ it, allow, holds, linked, may }) => {
  const atAdministeredSite = linked('SessionTypeSite', 'sessionTypeId', (link) => holds('Site admin', link.siteId));
  const withOwnService = any(not(present(it.serviceId)), may('read', it.serviceId));
  return [
    allow('reads', {
      says: 'Users read the types of sessions of their sites.',
      source: TABLE,
      actions: ['read'],
      when: linked('SessionTypeSite', 'sessionTypeId', (link) => holds('Site member', link.siteId)),
    }),
    allow('site-admin-creates', {
      says: 'The administrators of a site add types of sessions to it, run by services that they read.',
      source: TABLE,
      actions: ['create'],
      when: all(holds('Site admin', it.siteId), withOwnService),
    }),
    allow('site-admin-updates', {
      says: 'The administrators of a site update its types of sessions.',
      source: TABLE,
      actions: ['update'],
      when: all(atAdministeredSite, withOwnService),
    }),
    allow('site-admin-deletes', {
      says: 'The administrators of a site delete types of sessions that are at no other.',
      source: TABLE,
      actions: ['delete'],
      when: all(
        atAdministeredSite,
        not(linked('SessionTypeSite', 'sessionTypeId', (link) => not(holds('Site admin', link.siteId)))),
      ),
    }),
    allow('participant-reads', {
      says: 'A participant reads the types of sessions of their project.',
      source: PARTICIPANTS,
      actions: ['read'],
      when: all(
        linked('SessionTypeProject', 'sessionTypeId', (link) => equal(link.projectId, participant.projectId)),
        loggedIn,
      ),
    }),
    allow('device-reads', {
      says: 'A device reads the types of sessions of its projects.',
      source: DEVICES,
      actions: ['read'],
      by: ['device'],
      when: linked('SessionTypeProject', 'sessionTypeId', (link) => may('read', link.projectId)),
    }),
    allow('service-reads', {
      says: 'A service reads the types of sessions of its sites.',
      source: SERVICES,
      actions: ['read'],
      when: linked('SessionTypeSite', 'sessionTypeId', (link) => holds('Site service', link.siteId)),
    }),
    allow('service-own', {
      says: 'A service makes and updates the types of sessions that it runs, at the sites that it is offered at.',
      source: SERVICES,
      actions: ['create', 'read', 'update'],
      when: all(equal(it.serviceId, service), any(not(present(it.siteId)), holds('Site service', it.siteId))),
    }),
  ];
});

const atSites = rules(model, 'SessionTypeSite', ({ it, allow, holds, may }) => [
  allow('reads', {
    says: 'Whoever reaches a site reads which types of sessions it has.',
    source: LIMITS,
    actions: ['read'],
    when: any(holds('Site member', it.siteId), holds('Site service', it.siteId)),
  }),
  allow('assigns', {
    says: 'The administrators of a site assign to it types of sessions that they administer.',
    source: LIMITS,
    actions: ['create'],
    when: all(holds('Site admin', it.siteId), may('update', it.sessionTypeId)),
  }),
  allow('removes', {
    says: 'The administrators of a site take types of sessions away from it.',
    source: LIMITS,
    actions: ['delete'],
    when: holds('Site admin', it.siteId),
  }),
]);

const inProjects = rules(model, 'SessionTypeProject', ({ it, allow, holds, may }) => [
  allow('reads', {
    says: 'Whoever reaches a project reads which types of sessions it has.',
    source: LIMITS,
    actions: ['read'],
    when: any(holds('Project member', it.projectId), holds('Project service', it.projectId)),
  }),
  allow('assigns', {
    says: 'The administrators of a project assign to it types of sessions that they read.',
    source: FEATURES,
    actions: ['create'],
    when: all(holds('Project admin', it.projectId), may('read', it.sessionTypeId)),
  }),
  allow('removes', {
    says: 'The administrators of a project take types of sessions away from it.',
    source: FEATURES,
    actions: ['delete'],
    when: holds('Project admin', it.projectId),
  }),
  allow('service-links', {
    says: 'A service links the types of sessions that it runs to its projects.',
    source: SERVICES,
    actions: ['create', 'delete'],
    when: all(holds('Project service', it.projectId), equal(it.sessionTypeId.serviceId, service)),
  }),
]);

const ofDevices = rules(model, 'SessionTypeDeviceType', ({ it, allow, may }) => [
  allow('reads', {
    says: 'Who reads a type of sessions reads which types of devices it uses.',
    source: LIMITS,
    actions: ['read'],
    when: may('read', it.sessionTypeId),
  }),
  allow('assigns', {
    says: 'The administrators of a site say which types of devices its sessions use.',
    source: FEATURES,
    actions: ['create', 'delete'],
    by: ['user'],
    when: may('update', it.sessionTypeId),
  }),
]);

export const sessionTypes = [types, atSites, inProjects, ofDevices];
