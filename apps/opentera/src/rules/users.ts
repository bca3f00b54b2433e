import { all, equal, named, not, present, principals, rules } from '@ostiary/policy';
import { openTera as model } from '../model.js';
import { FEATURES, LIMITS, SERVICES, TABLE } from './sources.js';

const { user } = principals(model);

export const users = rules(model, 'User', ({ it, allow, forbid, linked, may, holds }) => {
  const isOrdinary = not(equal(it.superAdmin, true));
  const inManagedGroup = linked('UserGroupMember', 'userId', (member) => may('enlist', member.userGroupId));
  const inManagedGroupsOnly = named(
    'all of its groups are managed ones',
    all(inManagedGroup, not(linked('UserGroupMember', 'userId', (member) => not(may('enlist', member.userGroupId))))),
  );
  return [
    allow('reads-self', {
      says: 'Users read themselves.',
      source: TABLE,
      actions: ['read'],
      when: equal(it, user),
    }),
    allow('reads-near', {
      says: 'Users read the members of the groups that they read.',
      source: TABLE,
      actions: ['read'],
      when: linked('UserGroupMember', 'userId', (member) => may('read', member.userGroupId)),
    }),
    allow('changes-own-password', {
      says: 'Users change their own password, knowing the one before.',
      source: LIMITS,
      actions: ['changePassword'],
      when: equal(it, user),
    }),
    allow('site-admin-creates', {
      says: 'A site administrator creates users in groups that they manage, and no super administrators.',
      source: LIMITS,
      actions: ['create'],
      when: may('enlist', it.userGroupId),
      fields: [
        'username',
        'password',
        'firstName',
        'lastName',
        'email',
        'verifiedEmail',
        'notes',
        'enabled',
        'userGroupId',
      ],
    }),
    allow('site-admin-updates', {
      says: 'A site administrator updates what is told of the users of groups that they manage.',
      source: LIMITS,
      actions: ['update'],
      when: all(isOrdinary, inManagedGroup),
      fields: ['firstName', 'lastName', 'email', 'notes'],
    }),
    allow('site-admin-resets', {
      says: 'A site administrator lets in or shuts out users who are in no other groups than those that they manage.',
      source: LIMITS,
      actions: ['update'],
      when: all(isOrdinary, inManagedGroupsOnly),
      fields: ['password', 'verifiedEmail', 'enabled'],
    }),
    allow('site-admin-deletes', {
      says: 'A site administrator deletes users of groups that they manage; who is in others too only leaves the former.',
      source: LIMITS,
      actions: ['delete'],
      when: all(isOrdinary, inManagedGroup),
    }),
    allow('configures-self', {
      says: 'Users configure services for themselves.',
      source: FEATURES,
      actions: ['configure'],
      when: equal(it, user),
    }),
    allow('configures-managed', {
      says: 'Administrators configure services for users all of whose groups are within what they administer.',
      source: FEATURES,
      actions: ['configure'],
      when: all(
        isOrdinary,
        named(
          'all of its groups reach nothing but what is administered',
          all(
            linked('UserGroupMember', 'userId', (member) => may('entrust', member.userGroupId)),
            not(linked('UserGroupMember', 'userId', (member) => not(may('entrust', member.userGroupId)))),
          ),
        ),
      ),
    }),
    allow('service-reads', {
      says: 'A service reads the super administrators too: they have a role in each of its projects.',
      source: SERVICES,
      actions: ['read'],
      by: ['service'],
      when: equal(it.superAdmin, true),
    }),
    forbid('never-oneself', {
      says: 'Nobody deletes themselves.',
      source: LIMITS,
      actions: ['delete'],
      when: equal(it, user),
    }),
    forbid('password-is-own', {
      says: "Nobody proves that they know another's password.",
      source: LIMITS,
      actions: ['changePassword'],
      when: not(equal(it, user)),
    }),
    forbid('superadmin-flag', {
      says: 'Only super administrators say who else is one.',
      source: LIMITS,
      actions: ['create', 'update'],
      when: not(holds('superadmin')),
      fields: ['superAdmin'],
    }),
    forbid('superadmin-has-no-group', {
      says: 'A super administrator belongs to no group.',
      source: LIMITS,
      actions: ['create'],
      when: all(equal(it.superAdmin, true), present(it.userGroupId)),
    }),
  ];
});
