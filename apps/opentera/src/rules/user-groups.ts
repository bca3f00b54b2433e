import { all, any, equal, named, not, present, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { FEATURES, LIMITS, SERVICES, TABLE } from './sources.js';

const { service } = principals(model);

const groups = rules(model, 'UserGroup', ({ it, allow, holds, linked }) => {
  const atSite = any(
    holds('Site admin', it.siteId),
    linked('SiteAccess', 'userGroupId', (access) => holds('Site admin', access.siteId)),
    linked('ProjectAccess', 'userGroupId', (access) => holds('Site admin', access.projectId.siteId)),
  );
  const atNoOtherSite = not(linked('SiteAccess', 'userGroupId', (access) => not(holds('Site admin', access.siteId))));
  const ofNoOtherSite = any(not(present(it.siteId)), holds('Site admin', it.siteId));
  const administered = named(
    'all that the group reaches is within administered sites',
    all(
      atSite,
      ofNoOtherSite,
      atNoOtherSite,
      not(linked('ProjectAccess', 'userGroupId', (access) => not(holds('Site admin', access.projectId.siteId)))),
    ),
  );
  const servedNowhereElse = named(
    'no role of a service that the group has is of a place out of reach',
    not(
      linked('ServiceAccess', 'userGroupId', ({ serviceRoleId: { siteId, projectId } }) =>
        any(
          all(present(siteId), not(holds('Site admin', siteId))),
          all(present(projectId), not(holds('Site admin', projectId.siteId))),
        ),
      ),
    ),
  );
  return [
    allow('reads-near', {
      says: 'Users read the groups with a role at their sites or in their projects.',
      source: TABLE,
      actions: ['read'],
      when: any(
        holds('Site user', it.siteId),
        linked('SiteAccess', 'userGroupId', (access) => holds('Site member', access.siteId)),
        linked('ProjectAccess', 'userGroupId', (access) => holds('Project member', access.projectId)),
      ),
    }),
    allow('reads-own', {
      says: 'Users read the groups that they belong to.',
      source: TABLE,
      actions: ['read'],
      when: holds('UserGroup member', it),
    }),
    allow('site-admin-creates', {
      says: 'The administrators of a site create its groups.',
      source: TABLE,
      actions: ['create'],
      when: holds('Site admin', it.siteId),
    }),
    allow('site-admin', {
      says: 'Site administrators manage a group, and who belongs to it, if they administer all that it reaches.',
      source: TABLE,
      actions: ['update', 'delete'],
      when: administered,
    }),
    allow('enlists', {
      says: 'They say who belongs to it, if it has roles of services at no other place.',
      source: LIMITS,
      actions: ['enlist'],
      when: all(administered, servedNowhereElse),
    }),
    allow('gives-access', {
      says: 'Who gives a group access, or takes it, administers all that it reaches; and reads it.',
      source: LIMITS,
      actions: ['read', 'entrust'],
      when: named(
        'all that the group reaches is within administered sites and projects',
        all(
          any(
            holds('Site coordinator', it.siteId),
            atSite,
            linked('ProjectAccess', 'userGroupId', (access) => holds('Project admin', access.projectId)),
          ),
          atNoOtherSite,
          not(linked('ProjectAccess', 'userGroupId', (access) => not(holds('Project admin', access.projectId)))),
        ),
      ),
    }),
    allow('service-reads', {
      says: 'A service reads the groups with a role at its sites or in its projects, and those with one of its own roles.',
      source: SERVICES,
      actions: ['read'],
      when: any(
        linked('SiteAccess', 'userGroupId', (access) => holds('Site service', access.siteId)),
        linked('ProjectAccess', 'userGroupId', (access) => holds('Project service', access.projectId)),
        linked('ServiceAccess', 'userGroupId', (access) => equal(access.serviceRoleId.serviceId, service)),
      ),
    }),
    allow('service-creates', {
      says: 'A service creates groups at the sites that it is offered at.',
      source: SERVICES,
      actions: ['create', 'read'],
      when: holds('Site service', it.siteId),
    }),
    allow('service-manages', {
      says: 'A service manages the groups that have roles of its own, and nothing else.',
      source: SERVICES,
      actions: ['update', 'delete'],
      when: all(
        linked('ServiceAccess', 'userGroupId', (access) => equal(access.serviceRoleId.serviceId, service)),
        not(linked('ServiceAccess', 'userGroupId', (access) => not(equal(access.serviceRoleId.serviceId, service)))),
        not(linked('SiteAccess', 'userGroupId')),
        not(linked('ProjectAccess', 'userGroupId')),
      ),
    }),
  ];
});

const members = rules(model, 'UserGroupMember', ({ it, allow, forbid, may }) => [
  allow('reads', {
    says: 'Who belongs to a group is read by whoever reads the group.',
    source: TABLE,
    actions: ['read'],
    when: may('read', it.userGroupId),
  }),
  allow('enlists', {
    says: 'Site administrators add users that they manage to groups that they manage.',
    source: LIMITS,
    actions: ['create'],
    when: all(may('enlist', it.userGroupId), may('update', it.userId)),
  }),
  allow('dismisses', {
    says: 'Site administrators take users out of groups that they manage.',
    source: LIMITS,
    actions: ['delete'],
    when: may('enlist', it.userGroupId),
  }),
  forbid('no-superadmin', {
    says: 'A super administrator belongs to no group.',
    source: LIMITS,
    actions: ['create'],
    when: equal(it.userId.superAdmin, true),
  }),
]);

const siteAccess = rules(model, 'SiteAccess', ({ it, allow, holds, may }) => [
  allow('admin-reads', {
    says: 'The administrators of a site read who has access to it.',
    source: FEATURES,
    actions: ['read'],
    when: holds('Site admin', it.siteId),
  }),
  allow('reads-own', {
    says: 'Users read what their groups have access to.',
    source: TABLE,
    actions: ['read'],
    when: holds('UserGroup member', it.userGroupId),
  }),
  allow('admin-manages', {
    says: 'The administrators of a site manage who has access to it, with groups of which they administer all.',
    source: FEATURES,
    actions: ['create', 'update', 'delete'],
    when: all(holds('Site admin', it.siteId), may('entrust', it.userGroupId)),
  }),
  allow('service-reads', {
    says: 'A service reads who has access to the sites that it is offered at.',
    source: SERVICES,
    actions: ['read'],
    when: holds('Site service', it.siteId),
  }),
]);

const projectAccess = rules(model, 'ProjectAccess', ({ it, allow, holds, may }) => [
  allow('admin-reads', {
    says: 'The administrators of a project read who has access to it.',
    source: FEATURES,
    actions: ['read'],
    when: holds('Project admin', it.projectId),
  }),
  allow('reads-own', {
    says: 'Users read what their groups have access to.',
    source: TABLE,
    actions: ['read'],
    when: holds('UserGroup member', it.userGroupId),
  }),
  allow('admin-manages', {
    says: 'The administrators of a project manage who has access to it, with groups of which they administer all.',
    source: FEATURES,
    actions: ['create', 'update', 'delete'],
    when: all(holds('Project admin', it.projectId), may('entrust', it.userGroupId)),
  }),
  allow('service-reads', {
    says: 'A service reads who has access to the projects that it is linked to.',
    source: SERVICES,
    actions: ['read'],
    when: holds('Project service', it.projectId),
  }),
]);

export const userGroups = [groups, members, siteAccess, projectAccess];
