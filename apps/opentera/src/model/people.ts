import { boolean, choice, parent, reference, resource, text } from '@ostiary/policy';
import { firm, side } from './links.js';

const name = text({ minLength: 1, maxLength: 200 });
const email = text({ optional: true, format: 'email', maxLength: 254 });
const notes = text({ optional: true, maxLength: 5_000 });
const username = {
  unique: true,
  minLength: 1,
  maxLength: 100,
  pattern: '^\\S+$',
  says: 'What one logs in with, without spaces.',
} as const;
const secret = { secret: true, minLength: 8, maxLength: 256 } as const;

/** Who works: users, who have rights through their groups alone, and what the groups may reach. */
export const users = {
  User: resource({
    says: 'Someone who works at a site or in a project.',
    identifiedBy: 'username',
    // `configure` is a decision, not an address: whose settings of a service somebody may keep.
    actions: ['online', 'changePassword', 'configure'],
    fields: {
      username: text({ ...username, fixed: true }),
      password: text(secret),
      firstName: name,
      lastName: name,
      email,
      verifiedEmail: text({
        optional: true,
        unique: true,
        format: 'email',
        maxLength: 254,
        says: 'Known to be this user’s: who signs in elsewhere with this address is this user. For who may set a password.',
      }),
      notes,
      enabled: boolean({ default: true }),
      superAdmin: boolean({ default: false }),
      userGroupId: reference('UserGroup', {
        optional: true,
        fixed: true,
        clears: true,
        says: 'The group that a new user becomes a member of.',
      }),
    },
  }),
  UserGroup: resource({
    says: 'Users who reach the same sites and projects.',
    // Decisions, not addresses: who says who belongs to the group, and who gives it access to sites and projects.
    actions: ['enlist', 'entrust'],
    fields: {
      name,
      description: notes,
      siteId: reference('Site', {
        optional: true,
        fixed: true,
        clears: true,
        says: 'The site whose administrators manage the group.',
      }),
    },
  }),
  UserGroupMember: resource({
    uniqueTogether: [['userGroupId', 'userId']],
    fields: { userGroupId: reference('UserGroup', firm), userId: reference('User', side) },
  }),
  SiteAccess: resource({
    says: 'The role of a group at a site.',
    collection: 'site-access',
    uniqueTogether: [['userGroupId', 'siteId']],
    fields: {
      userGroupId: reference('UserGroup', side),
      siteId: reference('Site', side),
      role: choice(['admin', 'user']),
    },
  }),
  ProjectAccess: resource({
    says: 'The role of a group in a project.',
    collection: 'project-access',
    uniqueTogether: [['userGroupId', 'projectId']],
    fields: {
      userGroupId: reference('UserGroup', side),
      projectId: reference('Project', side),
      role: choice(['admin', 'user']),
    },
  }),
};

/** Who takes part. */
export const participants = {
  ParticipantGroup: resource({
    fields: { projectId: parent('Project', { fixed: true }), name },
  }),
  Participant: resource({
    says: 'A person who takes part in a project.',
    // `record` is a decision, not an address: of whom a device adds what it records.
    actions: ['online', 'statistics', 'record', 'rotateToken', 'revokeToken'],
    counts: { by: ['createdAt', 'enabled', 'projectId', 'participantGroupId'] },
    fields: {
      projectId: parent('Project'),
      participantGroupId: reference('ParticipantGroup', { optional: true }),
      name,
      email,
      notes,
      username: text({ ...username, optional: true }),
      password: text({ ...secret, optional: true }),
      enabled: boolean({ default: true }),
      loginEnabled: boolean({ default: false, says: 'Logs in with a password.' }),
      tokenEnabled: boolean({ default: false, says: 'May have a token that does not expire.' }),
    },
  }),
};
