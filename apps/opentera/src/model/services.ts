import { boolean, json, reference, resource, text } from '@ostiary/policy';

/** Programs that work with the platform, where they are offered, and the roles that they know. */
export const services = {
  Service: resource({
    says: 'A program that works with the platform. The platform is one of them: OpenTeraServer.',
    identifiedBy: 'key',
    fields: {
      key: text({ unique: true, fixed: true, minLength: 1, maxLength: 100, pattern: '^[A-Za-z0-9._-]+$' }),
      name: text({ minLength: 1, maxLength: 200 }),
      enabled: boolean({ default: false }),
      system: boolean({ default: false, fixed: true, says: 'Part of the platform: nobody changes it.' }),
      endpoint: text({ optional: true, format: 'uri', maxLength: 1_000 }),
    },
  }),
  ServiceSite: resource({
    fields: { serviceId: reference('Service', { fixed: true }), siteId: reference('Site', { fixed: true }) },
  }),
  ServiceProject: resource({
    fields: { serviceId: reference('Service', { fixed: true }), projectId: reference('Project', { fixed: true }) },
  }),
  ServiceConfig: resource({
    says: 'What one user, participant or device has set for a service.',
    fields: {
      serviceId: reference('Service', { fixed: true }),
      userId: reference('User', { optional: true, fixed: true }),
      participantId: reference('Participant', { optional: true, fixed: true }),
      deviceId: reference('Device', { optional: true, fixed: true }),
      config: json(),
    },
  }),
  ServiceRole: resource({
    says: 'A role that a service knows: everywhere, at a site, or in a project.',
    // A decision, not an address: whether somebody holds the role.
    actions: ['assume'],
    fields: {
      serviceId: reference('Service', { fixed: true }),
      name: text({ minLength: 1, maxLength: 100 }),
      siteId: reference('Site', { optional: true, fixed: true }),
      projectId: reference('Project', { optional: true, fixed: true }),
    },
  }),
  ServiceAccess: resource({
    says: 'Who holds a role of a service: a group of users, a group of participants, or a device.',
    collection: 'service-access',
    fields: {
      serviceRoleId: reference('ServiceRole', { fixed: true }),
      userGroupId: reference('UserGroup', { optional: true, fixed: true }),
      participantGroupId: reference('ParticipantGroup', { optional: true, fixed: true }),
      deviceId: reference('Device', { optional: true, fixed: true }),
    },
  }),
};
