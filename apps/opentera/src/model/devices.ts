import { boolean, json, reference, resource, text } from '@ostiary/policy';

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
    fields: {
      name,
      deviceTypeId: reference('DeviceType'),
      deviceSubtypeId: reference('DeviceSubtype', { optional: true }),
      siteId: reference('Site', { optional: true, fixed: true, says: 'The site that a new device is added to.' }),
      enabled: boolean({ default: false }),
      onlineable: boolean({ default: false, says: 'May stay connected.' }),
      config: json({ optional: true }),
      notes: text({ optional: true, maxLength: 5_000 }),
    },
  }),
  DeviceSite: resource({
    fields: { deviceId: reference('Device', { fixed: true }), siteId: reference('Site', { fixed: true }) },
  }),
  DeviceProject: resource({
    fields: { deviceId: reference('Device', { fixed: true }), projectId: reference('Project', { fixed: true }) },
  }),
  DeviceParticipant: resource({
    fields: {
      deviceId: reference('Device', { fixed: true }),
      participantId: reference('Participant', { fixed: true }),
    },
  }),
};
