import { instant, json, model, reference, resource, text, texts } from '@ostiary/policy';
import { devices } from './model/devices.js';
import { participants, users } from './model/people.js';
import { places } from './model/places.js';
import { services } from './model/services.js';
import { sessions, sessionTypes } from './model/sessions.js';

const members = { in: 'UserGroupMember', group: 'userGroupId', member: 'userId' };

/** The vocabulary of OpenTera. */
export const openTera = model({
  name: 'opentera',
  title: 'OpenTera',
  principals: { user: 'User', participant: 'Participant', device: 'Device', service: 'Service' },
  resources: {
    ...places,
    ...users,
    ...participants,
    ...devices,
    ...sessionTypes,
    ...sessions,
    ...services,
    LogEntry: resource({
      says: 'What happened, and who did it.',
      source: 'audit',
      fields: {
        at: instant(),
        event: text(),
        outcome: text(),
        principalKind: text({ optional: true }),
        principalId: text({ optional: true }),
        login: text({ optional: true }),
        action: text({ optional: true }),
        resourceType: text({ optional: true }),
        recordId: text({ optional: true }),
        decisionId: text({ optional: true }),
        rules: texts({ says: 'What allowed it.' }),
        requestId: text({ optional: true }),
        detail: json(),
      },
    }),
    Form: resource({ says: 'What may be entered, and where.', source: 'form', fields: {} }),
    Decision: resource({
      says: 'Decisions about others, and the reasons for them.',
      source: 'decision',
      fields: {
        action: text(),
        serviceRoleId: reference('ServiceRole', { optional: true, says: 'The role that it is about, if it is.' }),
      },
    }),
  },
  // 'member' is never granted: who reaches the place in whatever way. 'coordinator': who administers a project there.
  roles: {
    installation: ['superadmin'],
    Site: ['admin', 'user', 'coordinator', 'member', 'service'],
    Project: ['admin', 'user', 'member', 'service'],
    UserGroup: ['member'],
  },
  implications: {
    superadmin: ['Site admin'],
    'Site admin': ['Site user', 'Site coordinator', 'Project admin'],
    'Site user': ['Site member', 'Project member'],
    'Project admin': ['Project user', 'Site coordinator'],
    'Project user': ['Project member', 'Site member'],
  },
  grants: [
    { in: 'User', holder: 'id', role: 'superadmin', when: ['superAdmin'] },
    {
      in: 'SiteAccess',
      holder: 'userGroupId',
      members,
      role: { field: 'role', is: { admin: 'admin', user: 'user' } },
      on: { scope: 'Site', field: 'siteId' },
    },
    {
      in: 'ProjectAccess',
      holder: 'userGroupId',
      members,
      role: { field: 'role', is: { admin: 'admin', user: 'user' } },
      on: { scope: 'Project', field: 'projectId' },
    },
    { in: 'UserGroupMember', holder: 'userId', role: 'member', on: { scope: 'UserGroup', field: 'userGroupId' } },
    { in: 'ServiceSite', holder: 'serviceId', role: 'service', on: { scope: 'Site', field: 'siteId' } },
    { in: 'ServiceProject', holder: 'serviceId', role: 'service', on: { scope: 'Project', field: 'projectId' } },
  ],
});
