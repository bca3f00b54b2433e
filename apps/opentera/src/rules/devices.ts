import { all, always, any, equal, loggedIn, not, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { DEVICES, FEATURES, LIMITS, PARTICIPANTS, SERVICES, TABLE } from './sources.js';

const { participant, device } = principals(model);

const machines = rules(model, 'Device', ({ it, allow, holds, linked }) => {
  const atAdministeredSite = linked('DeviceSite', 'deviceId', (link) => holds('Site admin', link.siteId));
  const atAdministeredSitesOnly = all(
    atAdministeredSite,
    not(linked('DeviceSite', 'deviceId', (link) => not(holds('Site admin', link.siteId)))),
  );
  const ofService = any(
    linked('DeviceSite', 'deviceId', (link) => holds('Site service', link.siteId)),
    linked('DeviceProject', 'deviceId', (link) => holds('Project service', link.projectId)),
  );
  return [
    allow('reads', {
      says: 'Users read the devices of their sites.',
      source: LIMITS,
      actions: ['read'],
      when: linked('DeviceSite', 'deviceId', (link) => holds('Site member', link.siteId)),
    }),
    allow('site-admin-creates', {
      says: 'The administrators of a site add devices to it.',
      source: TABLE,
      actions: ['create'],
      when: holds('Site admin', it.siteId),
    }),
    allow('site-admin-updates', {
      says: 'The administrators of a site update its devices.',
      source: LIMITS,
      actions: ['update'],
      when: atAdministeredSite,
    }),
    // Its token reads what the device is linked to, at every site.
    allow('site-admin-tokens', {
      says: 'The administrators of a site give tokens to devices that are at no other, and take them back.',
      source: LIMITS,
      actions: ['rotateToken', 'revokeToken'],
      when: atAdministeredSitesOnly,
    }),
    allow('site-admin-deletes', {
      says: 'The administrators of a site delete devices that are at no other.',
      source: TABLE,
      actions: ['delete'],
      when: atAdministeredSitesOnly,
    }),
    allow('project-admin-configures', {
      says: 'The administrators of a project change the configuration of its devices, and the notes on them.',
      source: LIMITS,
      actions: ['update'],
      when: linked('DeviceProject', 'deviceId', (link) => holds('Project admin', link.projectId)),
      fields: ['config', 'notes'],
    }),
    allow('reads-self', {
      says: 'A device reads itself.',
      source: DEVICES,
      actions: ['read'],
      when: equal(it, device),
    }),
    allow('configures-self', {
      says: 'A device changes its own configuration.',
      source: DEVICES,
      actions: ['update'],
      when: equal(it, device),
      fields: ['config'],
    }),
    allow('participant-reads', {
      says: 'A participant reads the devices that are linked to them.',
      source: PARTICIPANTS,
      actions: ['read'],
      when: all(
        linked('DeviceParticipant', 'deviceId', (link) => equal(link.participantId, participant)),
        loggedIn,
      ),
    }),
    allow('service', {
      says: 'A service reads and updates the devices of its sites and projects.',
      source: SERVICES,
      actions: ['read', 'update'],
      when: ofService,
    }),
    allow('service-creates', {
      says: 'A service adds devices to the sites that it is offered at.',
      source: SERVICES,
      actions: ['create'],
      when: holds('Site service', it.siteId),
    }),
  ];
});

const types = rules(model, 'DeviceType', ({ allow, linked, may }) => [
  allow('reads', {
    says: 'Users and services read what types of devices there are.',
    source: LIMITS,
    actions: ['read'],
    by: ['user', 'service'],
    when: always,
  }),
  allow('reads-of-own', {
    says: 'Participants and devices read the types of the devices that they read.',
    source: PARTICIPANTS,
    actions: ['read'],
    by: ['participant', 'device'],
    when: linked('Device', 'deviceTypeId', (machine) => may('read', machine)),
  }),
]);

const subtypes = rules(model, 'DeviceSubtype', ({ allow, linked, may }) => [
  allow('reads', {
    says: 'Users and services read what types of devices there are.',
    source: LIMITS,
    actions: ['read'],
    by: ['user', 'service'],
    when: always,
  }),
  allow('reads-of-own', {
    says: 'Participants and devices read the types of the devices that they read.',
    source: PARTICIPANTS,
    actions: ['read'],
    by: ['participant', 'device'],
    when: linked('Device', 'deviceSubtypeId', (machine) => may('read', machine)),
  }),
]);

const atSites = rules(model, 'DeviceSite', ({ it, allow, holds, may }) => [
  allow('reads', {
    says: 'Whoever reaches a site reads which devices are there.',
    source: LIMITS,
    actions: ['read'],
    when: any(holds('Site member', it.siteId), holds('Site service', it.siteId), equal(it.deviceId, device)),
  }),
  allow('assigns', {
    says: 'Administrators of a site, or of a project there, assign to it devices that they may change.',
    source: FEATURES,
    actions: ['create'],
    when: all(holds('Site coordinator', it.siteId), may('update', it.deviceId)),
  }),
  allow('removes', {
    says: 'Administrators of a site, or of a project there, take devices away from it.',
    source: FEATURES,
    actions: ['delete'],
    when: holds('Site coordinator', it.siteId),
  }),
]);

const inProjects = rules(model, 'DeviceProject', ({ it, allow, holds, may }) => [
  allow('reads', {
    says: 'Whoever reaches a project reads which devices it has.',
    source: LIMITS,
    actions: ['read'],
    when: any(
      holds('Project member', it.projectId),
      holds('Project service', it.projectId),
      equal(it.deviceId, device),
    ),
  }),
  allow('assigns', {
    says: 'The administrators of a project assign to it devices that they read.',
    source: FEATURES,
    actions: ['create'],
    when: all(holds('Project admin', it.projectId), may('read', it.deviceId)),
  }),
  allow('removes', {
    says: 'The administrators of a project take devices away from it.',
    source: FEATURES,
    actions: ['delete'],
    when: holds('Project admin', it.projectId),
  }),
]);

const ofParticipants = rules(model, 'DeviceParticipant', ({ it, allow, holds, may }) => [
  allow('reads', {
    says: 'Whoever reaches a project reads which devices its participants have; so do they, and the devices.',
    source: LIMITS,
    actions: ['read'],
    when: any(
      holds('Project member', it.participantId.projectId),
      holds('Project service', it.participantId.projectId),
      equal(it.deviceId, device),
      all(equal(it.participantId, participant), loggedIn),
    ),
  }),
  allow('assigns', {
    says: 'Whoever reaches a project assigns to its participants devices that they read.',
    source: FEATURES,
    actions: ['create'],
    when: all(holds('Project member', it.participantId.projectId), may('read', it.deviceId)),
  }),
  allow('removes', {
    says: 'Whoever reaches a project takes devices away from its participants.',
    source: FEATURES,
    actions: ['delete'],
    when: holds('Project member', it.participantId.projectId),
  }),
]);

export const devices = [machines, types, subtypes, atSites, inProjects, ofParticipants];
