import {
  boolean,
  choice,
  date,
  instant,
  json,
  model,
  reference,
  references,
  resource,
  text,
  texts,
} from '@ostiary/policy';

/** Actions and resource types that an administrator may give to one user, and the words for all of them. */
const GRANTABLE = [
  'Assignment',
  'Group',
  'Instrument',
  'InstrumentRecord',
  'InstrumentRecordFile',
  'InstrumentRepo',
  'Session',
  'Subject',
  'User',
] as const;
/** Those of them whose records belong to groups, so that a permission can be limited to one. */
const SCOPED = GRANTABLE.filter((type) => type !== 'Instrument');
const ACTIONS = ['create', 'read', 'update', 'delete', 'manage'];

const UUID = { type: 'string', pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' };
const permission = (resources: readonly string[], group: object) => ({
  type: 'object',
  properties: { action: { enum: ACTIONS }, resource: { enum: resources }, group },
  required: ['action', 'resource'],
  additionalProperties: false,
});

/** A permission for everywhere, or one that is limited to a group. */
const additionalPermissions = {
  type: 'array',
  maxItems: 100,
  items: {
    anyOf: [
      permission([...GRANTABLE, 'all'], { type: 'null' }),
      { ...permission(SCOPED, UUID), required: ['action', 'resource', 'group'] },
    ],
  },
};

const sex = choice(['MALE', 'FEMALE'], { optional: true });
const person = {
  dateOfBirth: date({ optional: true }),
  sex,
};

/** The vocabulary of Open Data Capture. */
export const openDataCapture = model({
  name: 'open-data-capture',
  title: 'Open Data Capture',
  principals: { user: 'User' },
  resources: {
    Group: resource({
      says: 'A clinic or a laboratory: what data belongs to, and whom users work for.',
      identifiedBy: 'name',
      fields: {
        name: text({ unique: true, minLength: 1, maxLength: 200 }),
        type: choice(['CLINICAL', 'RESEARCH']),
        defaultIdentificationMethod: choice(['PERSONAL_INFO', 'CUSTOM_ID'], { default: 'CUSTOM_ID' }),
      },
    }),
    User: resource({
      says: 'Someone who logs in.',
      identifiedBy: 'username',
      actions: ['changePassword'],
      fields: {
        username: text({
          unique: true,
          minLength: 1,
          maxLength: 100,
          pattern: '^\\S+$',
          says: 'What one logs in with, without spaces.',
        }),
        password: text({ secret: true, minLength: 8, maxLength: 256 }),
        firstName: text({ minLength: 1, maxLength: 200 }),
        lastName: text({ minLength: 1, maxLength: 200 }),
        basePermissionLevel: choice(['ADMIN', 'GROUP_MANAGER', 'STANDARD'], {
          optional: true,
          says: 'The role; null for none.',
        }),
        groupIds: references('Group', { default: [], clears: true }),
        additionalPermissions: json({
          schema: additionalPermissions,
          default: [],
          says: 'Permissions given to this user alone: {action, resource, group?}. Without a group they hold everywhere.',
        }),
        disabled: boolean({ default: false }),
        email: text({ optional: true, format: 'email', maxLength: 254 }),
        verifiedEmail: text({
          optional: true,
          unique: true,
          format: 'email',
          maxLength: 254,
          says: 'Known to be this user’s: whoever signs in elsewhere with this address is this user. For administrators.',
        }),
        phoneNumber: text({ optional: true, minLength: 7, maxLength: 30 }),
        ...person,
      },
    }),
    Subject: resource({
      says: 'A person under study.',
      fields: {
        customId: text({ optional: true, unique: true, minLength: 1, maxLength: 100 }),
        firstName: text({ optional: true, maxLength: 200 }),
        lastName: text({ optional: true, maxLength: 200 }),
        ...person,
        groupIds: references('Group', { default: [] }),
      },
    }),
    Session: resource({
      says: 'A meeting with a subject, in which instruments are administered.',
      fields: {
        date: instant(),
        type: choice(['RETROSPECTIVE', 'IN_PERSON', 'REMOTE']),
        groupId: reference('Group', { optional: true }),
        subjectId: reference('Subject'),
        userId: reference('User', { optional: true, filled: 'principal', clears: true }),
      },
    }),
    Instrument: resource({
      says: 'A questionnaire, a task, a file to upload, or a series of these. Shared by all groups.',
      identifiedBy: 'name',
      fields: {
        name: text({ unique: true, minLength: 1, maxLength: 200 }),
        kind: choice(['FORM', 'INTERACTIVE', 'FILE', 'SERIES']),
        title: text({ minLength: 1, maxLength: 300 }),
        bundle: text({
          optional: true,
          maxLength: 500_000,
          says: 'The code of the instrument: only trusted people may add it.',
        }),
        items: references('Instrument', { default: [], says: 'What a series consists of.' }),
        seriesGroupId: reference('Group', { optional: true, says: 'The group that a series was assembled for.' }),
      },
    }),
    InstrumentRecord: resource({
      says: 'What was captured with an instrument.',
      sensitive: true,
      fields: {
        date: instant(),
        subjectId: reference('Subject'),
        sessionId: reference('Session', { optional: true }),
        instrumentId: reference('Instrument'),
        groupId: reference('Group', { optional: true }),
        data: json(),
      },
    }),
    InstrumentRecordFile: resource({
      says: 'A file that belongs to an instrument record.',
      sensitive: true,
      fields: {
        recordId: reference('InstrumentRecord'),
        groupId: reference('Group', { optional: true }),
        name: text({ minLength: 1, maxLength: 255 }),
        mediaType: text({ maxLength: 255 }),
        content: text({ maxLength: 700_000, pattern: '^[A-Za-z0-9+/]*={0,2}$', says: 'Base64.' }),
      },
    }),
    Assignment: resource({
      says: 'An instrument that a subject is asked to complete remotely.',
      actions: ['cancel'],
      fields: {
        subjectId: reference('Subject', { fixed: true }),
        instrumentId: reference('Instrument', { fixed: true }),
        groupId: reference('Group', { optional: true }),
        expiresAt: instant(),
        status: choice(['OUTSTANDING', 'COMPLETE', 'CANCELED'], { default: 'OUTSTANDING' }),
      },
    }),
    InstrumentRepo: resource({
      says: 'Where instruments are imported from.',
      identifiedBy: 'name',
      fields: {
        name: text({ unique: true, minLength: 1, maxLength: 200 }),
        url: text({ format: 'uri', maxLength: 1_000 }),
        groupIds: references('Group', { default: [], clears: true }),
      },
    }),
    AuditLog: resource({
      says: 'What happened, and who did it.',
      source: 'audit',
      fields: {
        at: instant(),
        event: text(),
        outcome: text(),
        principalKind: text({ optional: true }),
        principalId: reference('User', { optional: true }),
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
    Decision: resource({ says: 'Decisions about others, and the reasons for them.', source: 'decision', fields: {} }),
  },
  permissions: {
    in: 'User',
    field: 'additionalPermissions',
    resources: GRANTABLE,
    scope: 'Group',
    scopeKey: 'group',
    anyAction: 'manage',
    anyResource: 'all',
    at: {
      Assignment: 'groupId',
      Group: 'id',
      InstrumentRecord: 'groupId',
      InstrumentRecordFile: 'groupId',
      InstrumentRepo: 'groupIds',
      Session: 'groupId',
      Subject: 'groupIds',
      User: 'groupIds',
    },
  },
});
