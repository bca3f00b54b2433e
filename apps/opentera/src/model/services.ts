import { boolean, json, reference, resource, text } from '@ostiary/policy';
import { maybe, side } from './links.js';

/** Programs that work with the platform, where they are offered, and the roles that they know. */
export const services = {
  Service: resource({
    says: 'A program that works with the platform. The platform is one of them: OpenTeraServer.',
    identifiedBy: 'key',
    actions: ['rotateToken', 'revokeToken'],
    fields: {
      key: text({
        unique: true,
        fixed: true,
        minLength: 1,
        maxLength: 100,
        pattern: '^[A-Za-z0-9._-]+$',
        says: 'Its name: letters, digits, dots, _ and -.',
      }),
      name: text({ minLength: 1, maxLength: 200 }),
      enabled: boolean({ default: false }),
      system: boolean({ default: false, fixed: true, says: 'Part of the platform: nobody changes it.' }),
      endpoint: text({ optional: true, format: 'uri', maxLength: 1_000 }),
    },
  }),
  ServiceProject: resource({
    uniqueTogether: [['serviceId', 'projectId']],
    fields: { serviceId: reference('Service', side), projectId: reference('Project', side) },
  }),
  ServiceSite: resource({
    uniqueTogether: [['serviceId', 'siteId']],
    fields: { serviceId: reference('Service', side), siteId: reference('Site', side) },
  }),
  ServiceConfig: resource({
    says: 'What one user, participant or device has set for a service.',
    uniqueTogether: [['serviceId', 'userId', 'participantId', 'deviceId']],
    fields: {
      serviceId: reference('Service', side),
      userId: reference('User', maybe),
      participantId: reference('Participant', maybe),
      deviceId: reference('Device', maybe),
      config: json(),
    },
  }),
  ServiceRole: resource({
    says: 'A role that a service knows: everywhere, at a site, or in a project.',
    // A decision, not an address: whether somebody holds the role.
    actions: ['assume'],
    uniqueTogether: [['serviceId', 'name', 'siteId', 'projectId']],
    fields: {
      serviceId: reference('Service', side),
      name: text({ minLength: 1, maxLength: 100 }),
      siteId: reference('Site', maybe),
      projectId: reference('Project', maybe),
    },
  }),
  ServiceAccess: resource({
    says: 'Who holds a role of a service: a group of users, a group of participants, or a device.',
    collection: 'service-access',
    uniqueTogether: [['serviceRoleId', 'userGroupId', 'participantGroupId', 'deviceId']],
    fields: {
      serviceRoleId: reference('ServiceRole', side),
      userGroupId: reference('UserGroup', maybe),
      participantGroupId: reference('ParticipantGroup', maybe),
      deviceId: reference('Device', maybe),
    },
  }),
};
