import {
  all,
  any,
  type Expression,
  empty,
  equal,
  type Id,
  named,
  not,
  overlap,
  policy,
  present,
  principals,
  rules,
  subset,
  within,
} from '@ostiary/policy';
import { openDataCapture as model } from './model.js';

const SEED = 'Security, authorization';
const TABLE = 'Default permission sets';
const OWN_GROUPS_ONLY = 'Creating in a foreign group is refused';

const { user } = principals(model);
const isAdmin = equal(user.basePermissionLevel, 'ADMIN');
const isManager = equal(user.basePermissionLevel, 'GROUP_MANAGER');
const isStandard = equal(user.basePermissionLevel, 'STANDARD');
/** Group managers and standard users: those who work with the data of their groups. */
const works = within(user.basePermissionLevel, ['GROUP_MANAGER', 'STANDARD']);

const inOwnGroup = (groupId: Expression<Id<'Group'>>) =>
  named('its group is an own one, or none', any(not(present(groupId)), within(groupId, user.groupIds)));
const ofOwnSubject = (groupIds: Expression<readonly Id<'Group'>[]>) =>
  named('its subject is in an own group, or in none', any(empty(groupIds), overlap(groupIds, user.groupIds)));

/** A subject with groups, but not the record's: a permission for one group does not reach into another. */
const elsewhere = (groupId: Expression<Id<'Group'>>, groupIds: Expression<readonly Id<'Group'>[]>) =>
  named(
    'its subject is in other groups only',
    all(present(groupId), not(empty(groupIds)), not(within(groupId, groupIds))),
  );

/** The administrator's rule is the same for every type. */
const administration = {
  says: 'An administrator has full access to all resources.',
  source: SEED,
  actions: 'every',
  when: isAdmin,
} as const;

const groups = rules(model, 'Group', ({ it, allow }) => [
  allow('admin', administration),
  allow('manager-manages-own', {
    says: 'A group manager manages their own groups.',
    source: TABLE,
    actions: ['read', 'update', 'delete'],
    when: all(isManager, within(it.id, user.groupIds)),
  }),
  allow('standard-reads-own', {
    says: 'A standard user reads their own groups.',
    source: TABLE,
    actions: ['read'],
    when: all(isStandard, within(it.id, user.groupIds)),
  }),
]);

const users = rules(model, 'User', ({ it, allow, forbid }) => {
  const isSelf = all(present(user.basePermissionLevel), equal(it.id, user.id));
  return [
    allow('admin', administration),
    allow('manager-reads-group', {
      says: 'A group manager reads the users of their own groups.',
      source: TABLE,
      actions: ['read'],
      when: all(isManager, overlap(it.groupIds, user.groupIds)),
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
      when: not(equal(it.id, user.id)),
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
      fields: [
        'username',
        'password',
        'verifiedEmail',
        'basePermissionLevel',
        'groupIds',
        'additionalPermissions',
        'disabled',
      ],
    }),
    forbid('only-admins-delete-admins', {
      says: 'Only administrators delete an administrator.',
      source: 'Extra permissions',
      actions: ['delete'],
      when: all(not(isAdmin), equal(it.basePermissionLevel, 'ADMIN')),
    }),
  ];
});

const subjects = rules(model, 'Subject', ({ it, allow }) => [
  allow('admin', administration),
  allow('reads-own-groups', {
    says: 'Group managers and standard users read the subjects of their own groups.',
    source: TABLE,
    actions: ['read'],
    when: all(works, overlap(it.groupIds, user.groupIds)),
  }),
  allow('creates', {
    says: 'Group managers and standard users create subjects, in their own groups or in none.',
    source: TABLE,
    actions: ['create'],
    when: all(works, subset(it.groupIds, user.groupIds)),
  }),
]);

const sessions = rules(model, 'Session', ({ it, allow, forbid, may }) => [
  allow('admin', administration),
  allow('reads-own-groups', {
    says: 'Group managers and standard users read the sessions of their own groups.',
    source: TABLE,
    actions: ['read'],
    when: all(works, within(it.groupId, user.groupIds)),
  }),
  allow('creates', {
    says: 'Group managers and standard users create sessions, but in no group that they do not belong to.',
    source: OWN_GROUPS_ONLY,
    actions: ['create'],
    when: all(works, inOwnGroup(it.groupId), ofOwnSubject(it.subjectId.groupIds)),
  }),
  forbid('draws-no-subject', {
    says: 'Nobody makes a subject one of another group by a session, unless they may read the subject.',
    source: 'A session in a group makes its subject one of that group',
    actions: ['create', 'update'],
    when: all(elsewhere(it.groupId, it.subjectId.groupIds), not(may('read', it.subjectId))),
  }),
]);

const instruments = rules(model, 'Instrument', ({ it, allow }) => [
  allow('admin', administration),
  allow('reads', {
    says: 'Group managers and standard users read every instrument: they are shared.',
    source: TABLE,
    actions: ['read'],
    when: works,
  }),
  allow('manager-assembles-series', {
    says: 'A group manager assembles series of instruments, for their own groups; a series brings no code of its own.',
    source: TABLE,
    actions: ['create'],
    when: all(
      isManager,
      equal(it.kind, 'SERIES'),
      any(not(present(it.seriesGroupId)), within(it.seriesGroupId, user.groupIds)),
    ),
    fields: ['name', 'kind', 'title', 'items', 'seriesGroupId'],
  }),
  allow('manager-deletes-series', {
    says: 'A group manager deletes the series of their own groups.',
    source: TABLE,
    actions: ['delete'],
    when: all(isManager, within(it.seriesGroupId, user.groupIds)),
  }),
]);

const instrumentRecords = rules(model, 'InstrumentRecord', ({ it, allow, forbid, may }) => [
  allow('admin', administration),
  forbid('reaches-no-other-subject', {
    says: 'Nobody writes a record of a subject of another group, unless they may read the subject.',
    source: OWN_GROUPS_ONLY,
    actions: ['create', 'update'],
    when: all(elsewhere(it.groupId, it.subjectId.groupIds), not(may('read', it.subjectId))),
  }),
  forbid('reaches-no-other-session', {
    says: 'Nobody writes a record of a session of another group, unless they may read the session.',
    source: OWN_GROUPS_ONLY,
    actions: ['create', 'update'],
    when: all(
      present(it.sessionId),
      not(all(present(it.sessionId.date), not(present(it.sessionId.groupId)))),
      not(equal(it.sessionId.groupId, it.groupId)),
      not(may('read', it.sessionId)),
    ),
  }),
  allow('manager-reads', {
    says: 'A group manager reads the records of their own groups. A standard user reads none.',
    source: TABLE,
    actions: ['read'],
    when: all(isManager, within(it.groupId, user.groupIds)),
  }),
  allow('creates', {
    says: 'Group managers and standard users create records, but in no group that they do not belong to.',
    source: OWN_GROUPS_ONLY,
    actions: ['create'],
    when: all(
      works,
      inOwnGroup(it.groupId),
      ofOwnSubject(it.subjectId.groupIds),
      named(
        'its session, if it has one, is with its subject, in an own group or in none',
        any(
          not(present(it.sessionId)),
          all(
            equal(it.sessionId.subjectId, it.subjectId),
            any(within(it.sessionId.groupId, user.groupIds), not(present(it.sessionId.groupId))),
          ),
        ),
      ),
    ),
  }),
]);

const instrumentRecordFiles = rules(model, 'InstrumentRecordFile', ({ it, allow, forbid, may }) => {
  const isOwn = all(within(it.groupId, user.groupIds), equal(it.groupId, it.recordId.groupId));
  return [
    allow('admin', administration),
    forbid('reaches-no-other-record', {
      says: 'Nobody adds a file to a record of another group, unless they may read the record.',
      source: OWN_GROUPS_ONLY,
      actions: ['create', 'update'],
      when: all(present(it.groupId), not(equal(it.recordId.groupId, it.groupId)), not(may('read', it.recordId))),
    }),
    allow('manager-reads', {
      says: 'A group manager reads the files of their own groups. A standard user reads none.',
      source: TABLE,
      actions: ['read'],
      when: all(isManager, within(it.groupId, user.groupIds)),
    }),
    allow('creates', {
      says: 'Group managers and standard users add files to the records of their own groups.',
      source: TABLE,
      actions: ['create'],
      when: all(works, isOwn),
    }),
  ];
});

const assignments = rules(model, 'Assignment', ({ it, allow, forbid, may }) => [
  allow('admin', administration),
  forbid('reaches-no-other-subject', {
    says: 'Nobody makes an assignment for a subject of another group, unless they may read the subject.',
    source: OWN_GROUPS_ONLY,
    actions: ['create'],
    when: all(elsewhere(it.groupId, it.subjectId.groupIds), not(may('read', it.subjectId))),
  }),
  allow('manager-manages-own', {
    says: 'A group manager manages the assignments of their own groups.',
    source: TABLE,
    actions: ['read', 'update', 'delete', 'cancel'],
    when: all(isManager, within(it.groupId, user.groupIds)),
  }),
  allow('manager-assigns', {
    says: 'A group manager makes assignments in their own groups, for subjects of their own groups.',
    source: OWN_GROUPS_ONLY,
    actions: ['create'],
    when: all(isManager, within(it.groupId, user.groupIds), overlap(it.subjectId.groupIds, user.groupIds)),
  }),
]);

const instrumentRepos = rules(model, 'InstrumentRepo', ({ it, allow }) => [
  allow('admin', administration),
  allow('manager-reads-own', {
    says: 'A group manager reads the instrument repositories of their own groups.',
    source: TABLE,
    actions: ['read'],
    when: all(isManager, overlap(it.groupIds, user.groupIds)),
  }),
]);

const auditLog = rules(model, 'AuditLog', ({ allow }) => [
  allow('admin', {
    says: 'Only an administrator reads the audit log.',
    source: TABLE,
    actions: ['read'],
    when: isAdmin,
  }),
]);

const decisions = rules(model, 'Decision', ({ allow }) => [
  allow('admin', {
    says: "An administrator asks for other users' decisions, and for the reasons.",
    source: SEED,
    actions: ['read'],
    when: isAdmin,
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
