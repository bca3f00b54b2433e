import { choice, instant, integer, json, parent, reference, resource, text } from '@ostiary/policy';
import { firm, side } from './links.js';

const name = text({ minLength: 1, maxLength: 200 });
const notes = text({ optional: true, maxLength: 5_000 });
const madeBy = { optional: true, filled: 'principal', clears: true } as const;

/** What kinds of sessions there are, and where they are used. */
export const sessionTypes = {
  SessionType: resource({
    fields: {
      name,
      category: choice(['service', 'file_transfer', 'data_collect', 'protocol']),
      siteId: reference('Site', {
        optional: true,
        fixed: true,
        clears: true,
        says: 'The site that a new type is added to.',
      }),
      serviceId: reference('Service', { optional: true, says: 'The service that runs such sessions.' }),
      color: text({ optional: true, pattern: '^#[0-9a-f]{6}$', says: 'In small letters, as #ffcc00.' }),
      config: json({ optional: true }),
    },
  }),
  // Projects before sites: a type leaves a site once it has left the projects there.
  SessionTypeProject: resource({
    uniqueTogether: [['sessionTypeId', 'projectId']],
    fields: {
      sessionTypeId: reference('SessionType', side),
      projectId: reference('Project', side),
    },
  }),
  SessionTypeSite: resource({
    uniqueTogether: [['sessionTypeId', 'siteId']],
    fields: {
      sessionTypeId: reference('SessionType', side),
      siteId: reference('Site', side),
    },
  }),
  SessionTypeDeviceType: resource({
    uniqueTogether: [['sessionTypeId', 'deviceTypeId']],
    fields: {
      sessionTypeId: reference('SessionType', side),
      deviceTypeId: reference('DeviceType', firm),
    },
  }),
};

/** Whether somebody is in a session, or was: who left stays in its record. */
const standing = choice(['invited', 'joined', 'declined', 'left'], { default: 'invited' });

/** Sessions, who is in them, and what comes of them. */
export const sessions = {
  Session: resource({
    says: 'A meeting of participants, users and devices.',
    orders: ['startAt'],
    actions: ['start', 'stop', 'resume', 'invite', 'remove', 'reply', 'statistics'],
    counts: { by: ['startAt', 'status', 'sessionTypeId', 'projectId'] },
    fields: {
      projectId: parent('Project', { fixed: true }),
      sessionTypeId: reference('SessionType'),
      name,
      status: choice(['not_started', 'in_progress', 'completed', 'cancelled', 'terminated'], {
        default: 'not_started',
      }),
      startAt: instant(),
      duration: integer({ default: 0, minimum: 0, says: 'In seconds.' }),
      runningSince: instant({ optional: true, says: 'Since when it is in progress, where it was started here.' }),
      comments: notes,
      parameters: json({ optional: true }),
      creatorUserId: reference('User', madeBy),
      creatorServiceId: reference('Service', madeBy),
    },
  }),
  SessionParticipant: resource({
    uniqueTogether: [['sessionId', 'participantId']],
    fields: {
      sessionId: reference('Session', side),
      participantId: reference('Participant', firm),
      standing,
    },
  }),
  SessionUser: resource({
    uniqueTogether: [['sessionId', 'userId']],
    fields: { sessionId: reference('Session', side), userId: reference('User', firm), standing },
  }),
  SessionDevice: resource({
    uniqueTogether: [['sessionId', 'deviceId']],
    fields: { sessionId: reference('Session', side), deviceId: reference('Device', firm), standing },
  }),
  SessionEvent: resource({
    says: 'What happened in a session.',
    fields: {
      sessionId: reference('Session', side),
      type: choice([
        'general',
        'start',
        'stop',
        'resume',
        'invite',
        'join',
        'leave',
        'decline',
        'device_on',
        'device_off',
        'device_event',
        'mark',
      ]),
      at: instant(),
      text: text({ optional: true, maxLength: 5_000 }),
    },
  }),
  Asset: resource({
    says: 'What was recorded in a session.',
    sensitive: true,
    fields: {
      sessionId: reference('Session', firm),
      name,
      mediaType: text({ maxLength: 255 }),
      content: text({
        optional: true,
        maxLength: 700_000,
        pattern: '^[A-Za-z0-9+/]*={0,2}$',
        says: 'Base64.',
      }),
      participantId: reference('Participant', { optional: true, fixed: true, says: 'Whom it is about.' }),
      creatorUserId: reference('User', madeBy),
      creatorDeviceId: reference('Device', madeBy),
      creatorServiceId: reference('Service', madeBy),
    },
  }),
};
