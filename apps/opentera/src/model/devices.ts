import { boolean, json, reference, resource, text } from '@ostiary/policy';
import { firm, side } from './links.js';

const name = text({ minLength: 1, maxLength: 200 });

/** Devices, what kinds of them there are, and where they belong. */
export const devices = {
  DeviceType: resource({
    fields: { key: text({ unique: true, minLength: 1, maxLength: 100 }), name },
  }),
  DeviceSubtype: resource({
    fields: { deviceTypeId: reference('DeviceType', { fixed: true }), name },
  }),
  Device: resource({
    says: 'A device, which records by itself.',
    actions: ['online', 'rotateToken', 'revokeToken'],
    fields: {
      name,
      deviceTypeId: reference('DeviceType'),
      deviceSubtypeId: reference('DeviceSubtype', { optional: true }),
      siteId: reference('Site', {
        optional: true,
        fixed: true,
        clears: true,
        says: 'The site that a new device is added to.',
      }),
      enabled: boolean({ default: false }),
      onlineable: boolean({ default: false, says: 'May stay connected.' }),
      config: json({ optional: true }),
      notes: text({ optional: true, maxLength: 5_000 }),
    },
  }),
  // In the order in which they go with a device: it leaves a site once it has left the projects there.
  DeviceParticipant: resource({
    uniqueTogether: [['deviceId', 'participantId']],
    fields: {
      deviceId: reference('Device', firm),
      participantId: reference('Participant', side),
    },
  }),
  DeviceProject: resource({
    uniqueTogether: [['deviceId', 'projectId']],
    fields: { deviceId: reference('Device', side), projectId: reference('Project', side) },
  }),
  DeviceSite: resource({
    uniqueTogether: [['deviceId', 'siteId']],
    fields: { deviceId: reference('Device', side), siteId: reference('Site', side) },
  }),
};
