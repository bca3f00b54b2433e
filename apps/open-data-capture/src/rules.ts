import { all, any, empty, equal, named, not, overlap, policy, present, rules, within } from '@ostiary/policy';
import { openDataCapture as model } from './model.js';

const SEED = 'Security, authorization';
const TABLE = 'Default permission sets';

/** The administrator's rule is the same for every type: full access to all resources. */
const administration = {
  says: 'An administrator has full access to all resources.',
  source: SEED,
} as const;

const groups = rules(model, 'Group', ({ it, me, allow }) => [
  allow('admin', { ...administration, actions: 'every', when: equal(me.user.basePermissionLevel, 'ADMIN') }),
  allow('manager-manages-own', {
    says: 'A group manager manages their own groups.',
    source: TABLE,
    actions: ['read', 'update', 'delete'],
    when: all(equal(me.user.basePermissionLevel, 'GROUP_MANAGER'), within(it.id, me.user.groupIds)),
  }),
  allow('standard-reads-own', {
    says: 'A standard user reads their own groups.',
    source: TABLE,
    actions: ['read'],
    when: all(equal(me.user.basePermissionLevel, 'STANDARD'), within(it.id, me.user.groupIds)),
  }),
]);

const users = rules(model, 'User', ({ it, me, allow, forbid }) => {
  const isAdmin = equal(me.user.basePermissionLevel, 'ADMIN');
  const isSelf = all(present(me.user.basePermissionLevel), equal(it.id, me.user.id));
  return [
    allow('admin', { ...administration, actions: 'every', when: isAdmin }),
    allow('manager-reads-group', {
      says: 'A group manager reads the users of their own groups.',
      source: TABLE,
      actions: ['read'],
      when: all(equal(me.user.basePermissionLevel, 'GROUP_MANAGER'), overlap(it.groupIds, me.user.groupIds)),
    }),
    allow('reads-self', {
      says: 'Whoever has a role reads their own account.',
      source: TABLE,
      actions: ['read'],
      when: isSelf,
    }),
    allow('updates-self', {
      says: 'Whoever has a role updates their own personal details.',
      source: 'Self-update',
      actions: ['update'],
      when: isSelf,
      fields: ['firstName', 'lastName', 'email', 'phoneNumber', 'dateOfBirth', 'sex'],
    }),
    allow('changes-own-password', {
      says: 'Whoever has a role changes their own password, knowing the one before.',
      source: 'Self-update',
      actions: ['changePassword'],
      when: isSelf,
    }),
    forbid('password-is-own', {
      says: "Nobody proves that they know another's password.",
      source: 'Self-update',
      actions: ['changePassword'],
      when: not(equal(it.id, me.user.id)),
    }),
    forbid('only-admins-create', {
      says: 'Only administrators create users: no extra permission opens it to others.',
      source: 'Extra permissions',
      actions: ['create'],
      when: not(isAdmin),
    }),
    forbid('only-admins-change-rights', {
      says: 'Only administrators change who may do what, or how an account logs in.',
      source: 'Extra permissions',
      actions: ['update'],
      when: not(isAdmin),
      fields: ['username', 'password', 'basePermissionLevel', 'groupIds', 'additionalPermissions', 'disabled'],
    }),
    forbid('only-admins-delete-admins', {
      says: 'Only administrators delete an administrator.',
      source: 'Extra permissions',
      actions: ['delete'],
      when: all(not(isAdmin), equal(it.basePermissionLevel, 'ADMIN')),
    }),
  ];
});

const subjects = rules(model, 'Subject', ({ it, me, allow }) => {
  const works = within(me.user.basePermissionLevel, ['GROUP_MANAGER', 'STANDARD']);
  return [
    allow('admin', { ...administration, actions: 'every', when: equal(me.user.basePermissionLevel, 'ADMIN') }),
    allow('reads-own-groups', {
      says: 'Group managers and standard users read the subjects of their own groups.',
      source: TABLE,
      actions: ['read'],
      when: all(works, overlap(it.groupIds, me.user.groupIds)),
    }),
    allow('creates', {
      says: 'Group managers and standard users create subjects, in their own groups or in none.',
      source: TABLE,
      actions: ['create'],
      when: all(works, any(empty(it.groupIds), overlap(it.groupIds, me.user.groupIds))),
    }),
  ];
});

const sessions = rules(model, 'Session', ({ it, me, allow }) => {
  const works = within(me.user.basePermissionLevel, ['GROUP_MANAGER', 'STANDARD']);
  return [
    allow('admin', { ...administration, actions: 'every', when: equal(me.user.basePermissionLevel, 'ADMIN') }),
    allow('reads-own-groups', {
      says: 'Group managers and standard users read the sessions of their own groups.',
      source: TABLE,
      actions: ['read'],
      when: all(works, within(it.groupId, me.user.groupIds)),
    }),
    allow('creates', {
      says: 'Group managers and standard users create sessions, but in no group that they do not belong to.',
      source: 'Creating in a foreign group is refused',
      actions: ['create'],
      when: all(
        works,
        named('its group is an own one, or none', any(not(present(it.groupId)), within(it.groupId, me.user.groupIds))),
        named(
          'its subject is in an own group, or in none',
          any(empty(it.subjectId.groupIds), overlap(it.subjectId.groupIds, me.user.groupIds)),
        ),
      ),
    }),
  ];
});

const instruments = rules(model, 'Instrument', ({ it, me, allow }) => {
  const isManager = equal(me.user.basePermissionLevel, 'GROUP_MANAGER');
  return [
    allow('admin', { ...administration, actions: 'every', when: equal(me.user.basePermissionLevel, 'ADMIN') }),
    allow('reads', {
      says: 'Group managers and standard users read every instrument: they are shared.',
      source: TABLE,
      actions: ['read'],
      when: within(me.user.basePermissionLevel, ['GROUP_MANAGER', 'STANDARD']),
    }),
    allow('manager-assembles-series', {
      says: 'A group manager assembles series of instruments, for their own groups; a series brings no code of its own.',
      source: TABLE,
      actions: ['create'],
      when: all(
        isManager,
        equal(it.kind, 'SERIES'),
        any(not(present(it.seriesGroupId)), within(it.seriesGroupId, me.user.groupIds)),
      ),
      fields: ['name', 'kind', 'title', 'items', 'seriesGroupId'],
    }),
    allow('manager-deletes-series', {
      says: 'A group manager deletes the series of their own groups.',
      source: TABLE,
      actions: ['delete'],
      when: all(isManager, within(it.seriesGroupId, me.user.groupIds)),
    }),
  ];
});

const instrumentRecords = rules(model, 'InstrumentRecord', ({ it, me, allow }) => {
  const works = within(me.user.basePermissionLevel, ['GROUP_MANAGER', 'STANDARD']);
  return [
    allow('admin', { ...administration, actions: 'every', when: equal(me.user.basePermissionLevel, 'ADMIN') }),
    allow('manager-reads', {
      says: 'A group manager reads the records of their own groups. A standard user reads none.',
      source: TABLE,
      actions: ['read'],
      when: all(equal(me.user.basePermissionLevel, 'GROUP_MANAGER'), within(it.groupId, me.user.groupIds)),
    }),
    allow('creates', {
      says: 'Group managers and standard users create records, but in no group that they do not belong to.',
      source: 'Creating in a foreign group is refused',
      actions: ['create'],
      when: all(
        works,
        named('its group is an own one, or none', any(not(present(it.groupId)), within(it.groupId, me.user.groupIds))),
        named(
          'its subject is in an own group, or in none',
          any(empty(it.subjectId.groupIds), overlap(it.subjectId.groupIds, me.user.groupIds)),
        ),
      ),
    }),
  ];
});

const instrumentRecordFiles = rules(model, 'InstrumentRecordFile', ({ it, me, allow }) => {
  const isOwn = all(within(it.groupId, me.user.groupIds), equal(it.groupId, it.recordId.groupId));
  return [
    allow('admin', { ...administration, actions: 'every', when: equal(me.user.basePermissionLevel, 'ADMIN') }),
    allow('manager-reads', {
      says: 'A group manager reads the files of their own groups. A standard user reads none.',
      source: TABLE,
      actions: ['read'],
      when: all(equal(me.user.basePermissionLevel, 'GROUP_MANAGER'), within(it.groupId, me.user.groupIds)),
    }),
    allow('creates', {
      says: 'Group managers and standard users add files to the records of their own groups.',
      source: TABLE,
      actions: ['create'],
      when: all(within(me.user.basePermissionLevel, ['GROUP_MANAGER', 'STANDARD']), isOwn),
    }),
  ];
});

const assignments = rules(model, 'Assignment', ({ it, me, allow }) => [
  allow('admin', { ...administration, actions: 'every', when: equal(me.user.basePermissionLevel, 'ADMIN') }),
  allow('manager-manages-own', {
    says: 'A group manager manages the assignments of their own groups.',
    source: TABLE,
    actions: ['read', 'update', 'delete', 'cancel'],
    when: all(equal(me.user.basePermissionLevel, 'GROUP_MANAGER'), within(it.groupId, me.user.groupIds)),
  }),
  allow('manager-assigns', {
    says: 'A group manager makes assignments in their own groups, for subjects of their own groups.',
    source: 'Creating in a foreign group is refused',
    actions: ['create'],
    when: all(
      equal(me.user.basePermissionLevel, 'GROUP_MANAGER'),
      within(it.groupId, me.user.groupIds),
      overlap(it.subjectId.groupIds, me.user.groupIds),
    ),
  }),
]);

const instrumentRepos = rules(model, 'InstrumentRepo', ({ it, me, allow }) => [
  allow('admin', { ...administration, actions: 'every', when: equal(me.user.basePermissionLevel, 'ADMIN') }),
  allow('manager-reads-own', {
    says: 'A group manager reads the instrument repositories of their own groups.',
    source: TABLE,
    actions: ['read'],
    when: all(equal(me.user.basePermissionLevel, 'GROUP_MANAGER'), overlap(it.groupIds, me.user.groupIds)),
  }),
]);

const auditLog = rules(model, 'AuditLog', ({ me, allow }) => [
  allow('admin', {
    says: 'Only an administrator reads the audit log.',
    source: TABLE,
    actions: ['read'],
    when: equal(me.user.basePermissionLevel, 'ADMIN'),
  }),
]);

const decisions = rules(model, 'Decision', ({ me, allow }) => [
  allow('admin', {
    says: "An administrator asks for other users' decisions, and for the reasons.",
    source: SEED,
    actions: ['read'],
    when: equal(me.user.basePermissionLevel, 'ADMIN'),
  }),
]);

/** Every rule of Open Data Capture. */
export const openDataCapturePolicy = policy(model, [
  groups,
  users,
  subjects,
  sessions,
  instruments,
  instrumentRecords,
  instrumentRecordFiles,
  assignments,
  instrumentRepos,
  auditLog,
  decisions,
]);
