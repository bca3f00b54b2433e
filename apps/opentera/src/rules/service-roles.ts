import { all, any, equal, named, not, present, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { DEVICES, FEATURES, LIMITS, SERVICES } from './sources.js';

const { participant, device, service } = principals(model);

const roles = rules(model, 'ServiceRole', ({ it, allow, forbid, holds, linked, may }) => {
  const withinOwnReach = all(
    any(not(present(it.siteId)), holds('Site service', it.siteId)),
    any(not(present(it.projectId)), holds('Project service', it.projectId)),
  );
  return [
    allow('reads', {
      says: 'Users read the roles of the services that they read.',
      source: FEATURES,
      actions: ['read'],
      by: ['user'],
      when: may('read', it.serviceId),
    }),
    allow('device-reads', {
      says: 'A device reads the roles that it was given.',
      source: DEVICES,
      actions: ['read'],
      when: linked('ServiceAccess', 'serviceRoleId', (access) => equal(access.deviceId, device)),
    }),
    allow('site-admin', {
      says: 'The administrators of a site manage the roles at it, and in its projects, of the services that they read.',
      source: FEATURES,
      actions: ['create', 'update', 'delete'],
      by: ['user'],
      when: all(
        may('read', it.serviceId),
        any(holds('Site admin', it.siteId), holds('Site admin', it.projectId.siteId)),
      ),
    }),
    allow('service-reads', {
      says: 'A service reads its own roles.',
      source: SERVICES,
      actions: ['read'],
      when: equal(it.serviceId, service),
    }),
    allow('service-own', {
      says: 'A service manages its own roles: everywhere, or at its sites and in its projects.',
      source: SERVICES,
      actions: ['create', 'update', 'delete'],
      when: all(equal(it.serviceId, service), withinOwnReach),
    }),
    allow('assume-given', {
      says: 'A role is held by whom it was given to.',
      source: SERVICES,
      actions: ['assume'],
      when: linked('ServiceAccess', 'serviceRoleId', (access) =>
        any(
          holds('UserGroup member', access.userGroupId),
          equal(access.participantGroupId, participant.participantGroupId),
          equal(access.deviceId, device),
        ),
      ),
    }),
    allow('assume-core', {
      says: "The platform's own roles are those on sites and projects.",
      source: SERVICES,
      actions: ['assume'],
      when: all(
        equal(it.serviceId.key, 'OpenTeraServer'),
        any(
          all(equal(it.name, 'admin'), any(holds('Site admin', it.siteId), holds('Project admin', it.projectId))),
          all(equal(it.name, 'user'), any(holds('Site user', it.siteId), holds('Project user', it.projectId))),
        ),
      ),
    }),
    forbid('of-the-platform', {
      says: "Nobody changes the platform's own roles.",
      source: LIMITS,
      actions: ['create', 'update', 'delete'],
      when: equal(it.serviceId.key, 'OpenTeraServer'),
    }),
    forbid('of-one-place', {
      says: 'A role is at a site or in a project, not both.',
      source: LIMITS,
      actions: ['create'],
      when: all(present(it.siteId), present(it.projectId)),
    }),
  ];
});

const access = rules(model, 'ServiceAccess', ({ it, allow, forbid, holds, may }) => [
  allow('reads-own', {
    says: 'Users read the roles that their groups were given.',
    source: FEATURES,
    actions: ['read'],
    when: holds('UserGroup member', it.userGroupId),
  }),
  allow('device-reads', {
    says: 'A device reads that it was given a role.',
    source: DEVICES,
    actions: ['read'],
    when: equal(it.deviceId, device),
  }),
  allow('site-admin', {
    says: 'The administrators of a site give the roles at it, and in its projects, to groups and devices that they manage.',
    source: FEATURES,
    actions: ['create', 'read', 'delete'],
    by: ['user'],
    when: all(
      may('update', it.serviceRoleId),
      any(may('enlist', it.userGroupId), may('update', it.participantGroupId), may('update', it.deviceId)),
    ),
  }),
  allow('service-reads', {
    says: 'A service reads who was given its roles, and takes them back.',
    source: SERVICES,
    actions: ['read', 'delete'],
    when: equal(it.serviceRoleId.serviceId, service),
  }),
  allow('service-gives', {
    says: 'A service gives its own roles, within its sites and projects, to groups and devices that it reads.',
    source: SERVICES,
    actions: ['create'],
    by: ['service'],
    when: all(
      may('update', it.serviceRoleId),
      any(may('read', it.userGroupId), may('read', it.participantGroupId), may('read', it.deviceId)),
    ),
  }),
  forbid('of-the-platform', {
    says: "The platform's own roles are given by access to sites and projects.",
    source: LIMITS,
    actions: ['create', 'update', 'delete'],
    when: equal(it.serviceRoleId.serviceId.key, 'OpenTeraServer'),
  }),
  forbid('to-one', {
    says: 'A role is given to one group of users, one group of participants or one device.',
    source: LIMITS,
    actions: ['create', 'update'],
    when: named(
      'it is not to exactly one',
      any(
        all(present(it.userGroupId), present(it.participantGroupId)),
        all(present(it.userGroupId), present(it.deviceId)),
        all(present(it.participantGroupId), present(it.deviceId)),
        not(any(present(it.userGroupId), present(it.participantGroupId), present(it.deviceId))),
      ),
    ),
  }),
]);

const decisions = rules(model, 'Decision', ({ it, allow }) => [
  allow('service-own-roles', {
    says: 'A service asks who holds its own roles, and nothing else about others.',
    source: SERVICES,
    actions: ['read'],
    when: all(equal(it.action, 'assume'), equal(it.serviceRoleId.serviceId, service)),
  }),
]);

export const serviceRoles = [roles, access, decisions];
