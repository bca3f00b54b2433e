/**
 * The hardest rules of the five applications, as small as they can be, said in the language: what can't be said here
 * can't be said in an application either. What must not compile is marked: `tsc -b` fails where it does.
 */
import { describe, expect, it as test } from 'vitest';
import {
  all,
  allows,
  any,
  atMost,
  bits,
  boolean,
  choice,
  closeGrants,
  date,
  decide,
  during,
  type Environment,
  empty,
  equal,
  type Grant,
  instant,
  integer,
  json,
  less,
  linkKey,
  model,
  not,
  now,
  overlap,
  parent,
  policy,
  present,
  principal,
  type RecordFacts,
  reference,
  references,
  resource,
  rules,
  ship,
  text,
  texts,
  today,
  type Value,
  visibility,
  within,
  writable,
} from '../src/index.js';

const NOW: Environment = { now: '2026-03-31T12:00:00.000Z' };
type Attributes = Readonly<Record<string, Value>>;
const someone = (kind: string, id: string, attributes: Attributes = {}, grants: readonly Grant[] = []) =>
  principal({ kind, id, attributes, grants });
const link = (type: string, via: string, rows: readonly RecordFacts[], at = 'id') => ({
  [linkKey({ type, via, at: at.split('.') })]: rows,
});

describe('Open Data Capture: attributes over groups, and permissions given at run time', () => {
  const odc = model({
    name: 'odc',
    title: 'Open Data Capture',
    resources: {
      Group: resource({ fields: { name: text() } }),
      User: resource({
        fields: {
          role: choice(['ADMIN', 'GROUP_MANAGER', 'STANDARD'], { optional: true }),
          groupIds: references('Group'),
          permissions: json({ optional: true }),
        },
      }),
      Session: resource({ fields: { groupId: reference('Group'), userId: reference('User'), date: instant() } }),
    },
    principals: { user: 'User' },
    permissions: {
      in: 'User',
      field: 'permissions',
      scope: 'Group',
      scopeKey: 'group',
      at: { Session: 'groupId', Group: 'id' },
      anyAction: 'manage',
      anyResource: 'all',
    },
  });
  const odcRules = policy(odc, [
    rules(odc, 'Session', ({ it, me, allow }) => [
      allow('admin', {
        says: 'An administrator does everything.',
        source: 'seed',
        actions: 'every',
        when: equal(me.user.role, 'ADMIN'),
      }),
      allow('manager', {
        says: 'A group manager reads the sessions of their groups.',
        source: 'facts §3',
        actions: ['read'],
        when: all(equal(me.user.role, 'GROUP_MANAGER'), within(it.groupId, me.user.groupIds)),
      }),
      allow('standard', {
        says: 'A standard user adds sessions of their own to their groups.',
        source: 'facts §3',
        actions: ['create'],
        when: all(equal(me.user.role, 'STANDARD'), within(it.groupId, me.user.groupIds), equal(it.userId, me.user)),
      }),
    ]),
    rules(odc, 'User', ({ it, me, allow }) => [
      allow('colleagues', {
        says: 'A group manager reads the users who share a group with them.',
        source: 'facts §3',
        actions: ['read'],
        when: all(equal(me.user.role, 'GROUP_MANAGER'), overlap(it.groupIds, me.user.groupIds)),
      }),
      allow('without-group', {
        says: 'A group manager takes on users who have no group yet.',
        source: 'sketch',
        actions: ['update'],
        when: all(equal(me.user.role, 'GROUP_MANAGER'), empty(it.groupIds)),
        fields: ['groupIds'],
      }),
    ]),
  ]);

  test.each([
    ['admin', { role: 'ADMIN' }, [], 'delete', 'Session', { groupId: 'g9' }, true],
    ['manager, own group', { role: 'GROUP_MANAGER', groupIds: ['g1'] }, [], 'read', 'Session', { groupId: 'g1' }, true],
    [
      'manager, other group',
      { role: 'GROUP_MANAGER', groupIds: ['g1'] },
      [],
      'read',
      'Session',
      { groupId: 'g2' },
      false,
    ],
    [
      'standard, own',
      { role: 'STANDARD', groupIds: ['g1'] },
      [],
      'create',
      'Session',
      { groupId: 'g1', userId: 'u' },
      true,
    ],
    [
      'standard, for another',
      { role: 'STANDARD', groupIds: ['g1'] },
      [],
      'create',
      'Session',
      { groupId: 'g1', userId: 'v' },
      false,
    ],
    ['nobody', { role: null, groupIds: ['g1'] }, [], 'read', 'Session', { groupId: 'g1' }, false],
    [
      'given, for the group',
      { role: null },
      [{ role: 'may read Session', scope: 'Group', id: 'g1' }],
      'read',
      'Session',
      { groupId: 'g1' },
      true,
    ],
    [
      'given, for another group',
      { role: null },
      [{ role: 'may read Session', scope: 'Group', id: 'g1' }],
      'read',
      'Session',
      { groupId: 'g2' },
      false,
    ],
    [
      'given, everywhere',
      { role: null },
      [{ role: 'may read Session', scope: null, id: null }],
      'read',
      'Session',
      { groupId: null },
      true,
    ],
    [
      'given another action',
      { role: null },
      [{ role: 'may read Session', scope: null, id: null }],
      'delete',
      'Session',
      {},
      false,
    ],
    [
      'sharing a group',
      { role: 'GROUP_MANAGER', groupIds: ['g1', 'g2'] },
      [],
      'read',
      'User',
      { groupIds: ['g2', 'g3'] },
      true,
    ],
    ['sharing none', { role: 'GROUP_MANAGER', groupIds: ['g1'] }, [], 'read', 'User', { groupIds: ['g3'] }, false],
    ['no group yet', { role: 'GROUP_MANAGER', groupIds: [] }, [], 'update', 'User', { groupIds: [] }, true],
    ['groups not known', { role: 'GROUP_MANAGER', groupIds: [] }, [], 'update', 'User', { groupIds: null }, false],
  ] as const)('%s', (_, attributes, grants, action, type, record, expected) => {
    expect(allows(odcRules, someone('user', 'u', attributes, grants), action, type, record, NOW)).toBe(expected);
  });
});

describe('OpenTera: four kinds of principal, roles that imply roles, limited fields', () => {
  const tera = model({
    name: 'tera',
    title: 'OpenTera',
    resources: {
      Site: resource({ fields: { name: text(), address: text({ optional: true }) } }),
      Project: resource({ fields: { siteId: parent('Site'), name: text() } }),
      User: resource({ fields: { superAdmin: boolean(), userName: text(), notes: text({ optional: true }) } }),
      UserGroup: resource({ fields: { name: text() } }),
      Membership: resource({ fields: { groupId: reference('UserGroup'), userId: reference('User') } }),
      SiteAccess: resource({
        fields: { groupId: reference('UserGroup'), siteId: reference('Site'), role: choice(['admin', 'user']) },
      }),
      ProjectAccess: resource({
        fields: { groupId: reference('UserGroup'), projectId: reference('Project'), role: choice(['admin', 'user']) },
      }),
      Participant: resource({ fields: { projectId: parent('Project'), name: text() } }),
      Device: resource({ fields: { name: text(), config: json({ optional: true }), notes: text({ optional: true }) } }),
      DeviceSite: resource({ fields: { deviceId: reference('Device'), siteId: reference('Site') } }),
      DeviceParticipant: resource({
        fields: { deviceId: reference('Device'), participantId: reference('Participant') },
      }),
      Service: resource({ fields: { key: text() } }),
      ServiceProject: resource({ fields: { serviceId: reference('Service'), projectId: reference('Project') } }),
    },
    principals: { user: 'User', participant: 'Participant', device: 'Device', service: 'Service' },
    roles: { installation: ['superadmin'], Site: ['admin', 'user'], Project: ['admin', 'user'] },
    implications: {
      superadmin: ['Site admin'],
      'Site admin': ['Site user', 'Project admin'],
      'Project admin': ['Project user'],
      'Project user': ['Site user'],
    },
    grants: [
      { in: 'User', holder: 'id', role: 'superadmin', when: ['superAdmin'] },
      {
        in: 'SiteAccess',
        holder: 'groupId',
        members: { in: 'Membership', group: 'groupId', member: 'userId' },
        role: { field: 'role' },
        on: { scope: 'Site', field: 'siteId' },
      },
      {
        in: 'ProjectAccess',
        holder: 'groupId',
        members: { in: 'Membership', group: 'groupId', member: 'userId' },
        role: { field: 'role' },
        on: { scope: 'Project', field: 'projectId' },
      },
    ],
  });
  const teraRules = policy(tera, [
    rules(tera, 'Site', ({ it, allow, holds }) => [
      allow('project-roles-read', {
        says: 'Who holds a role in the site administers it, or one of its projects, reads it.',
        source: 'table',
        actions: ['read'],
        when: holds('Site admin', it),
      }),
      allow('user-reads-name', {
        says: 'A user of the site reads its name alone.',
        source: 'decisions, 2',
        actions: ['read'],
        when: holds('Site user', it),
        fields: ['name'],
      }),
    ]),
    rules(tera, 'Project', ({ it, me, allow, holds, linked }) => [
      allow('members-read', {
        says: 'Who holds a role in the project reads it.',
        source: 'table',
        actions: ['read'],
        when: holds('Project user', it),
      }),
      allow('admins-update', {
        says: 'Its administrators change it.',
        source: 'table',
        actions: ['update'],
        when: holds('Project admin', it),
      }),
      allow('services-read', {
        says: 'A service reads the projects that it is linked to.',
        source: 'seed',
        actions: ['read'],
        when: linked('ServiceProject', 'projectId', (row) => equal(row.serviceId, me.service)),
      }),
    ]),
    rules(tera, 'Participant', ({ it, me, allow, holds, linked }) => [
      allow('self', { says: 'Itself.', source: 'seed', actions: ['read'], when: equal(it, me.participant) }),
      allow('devices', {
        says: 'A device reads the participants that are linked to it.',
        source: 'seed',
        actions: ['read'],
        when: linked('DeviceParticipant', 'participantId', (row) => equal(row.deviceId, me.device)),
      }),
      allow('project', {
        says: 'Who holds a role in its project writes it.',
        source: 'table',
        actions: ['read', 'update'],
        by: ['user'],
        when: holds('Project user', it.projectId),
      }),
    ]),
    rules(tera, 'Device', ({ me, it, allow, holds, linked, may }) => [
      allow('site-admin', {
        says: 'An administrator of one of its sites changes all of it.',
        source: 'facts §4',
        actions: ['update'],
        when: linked('DeviceSite', 'deviceId', (row) => holds('Site admin', row.siteId)),
      }),
      allow('itself', {
        says: 'A device changes its own configuration.',
        source: 'facts §4',
        actions: ['update'],
        when: equal(it, me.device),
        fields: ['config'],
      }),
      allow('linked-participant', {
        says: 'Who may read a participant reads the devices that are linked to them.',
        source: 'sketch',
        actions: ['read'],
        when: linked('DeviceParticipant', 'deviceId', (row) => may('read', row.participantId)),
      }),
    ]),
    rules(tera, 'User', ({ it, me, allow, forbid, holds }) => [
      allow('colleagues', {
        says: 'A site administrator changes users.',
        source: 'table',
        actions: ['update'],
        when: holds('Site admin'),
      }),
      allow('own', { says: 'Their own account.', source: 'facts', actions: ['update'], when: equal(it, me.user) }),
      forbid('locked', {
        says: 'The user name never changes, and the flag is the super administrators own.',
        source: 'decisions, 2',
        actions: ['update'],
        fields: ['superAdmin', 'userName'],
        when: not(holds('superadmin')),
      }),
    ]),
  ]);
  const sites: Record<string, string> = { p1: 's1', p2: 's1', p3: 's2' };
  const user = (...grants: Grant[]) =>
    someone(
      'user',
      'u',
      {},
      closeGrants(tera, grants, (scope, id) => (scope === 'Project' ? (sites[id] ?? null) : null)),
    );
  const on = (role: string, scope: string, id: string): Grant => ({ role, scope, id });
  const superadmin = user({ role: 'superadmin', scope: null, id: null });

  test.each([
    ['super admin → site admin → project admin', superadmin, 'update', 'Project', { id: 'p1', siteId: 's1' }, true],
    [
      'site admin → project admin',
      user(on('admin', 'Site', 's1')),
      'update',
      'Project',
      { id: 'p1', siteId: 's1' },
      true,
    ],
    ['of another site', user(on('admin', 'Site', 's2')), 'update', 'Project', { id: 'p1', siteId: 's1' }, false],
    ['project user', user(on('user', 'Project', 'p1')), 'read', 'Project', { id: 'p1', siteId: 's1' }, true],
    [
      'project user, updates',
      user(on('user', 'Project', 'p1')),
      'update',
      'Project',
      { id: 'p1', siteId: 's1' },
      false,
    ],
    [
      'project user, another project',
      user(on('user', 'Project', 'p1')),
      'read',
      'Project',
      { id: 'p2', siteId: 's1' },
      false,
    ],
    ['project user → site user', user(on('user', 'Project', 'p1')), 'read', 'Site', { id: 's1' }, true],
    ['project user, another site', user(on('user', 'Project', 'p1')), 'read', 'Site', { id: 's2' }, false],
    ['site user, no project', user(on('user', 'Site', 's1')), 'read', 'Project', { id: 'p1', siteId: 's1' }, false],
    ['participant, self', someone('participant', 'a'), 'read', 'Participant', { id: 'a' }, true],
    ['participant, writes', someone('participant', 'a'), 'update', 'Participant', { id: 'a' }, false],
    ['participant, another', someone('participant', 'a'), 'read', 'Participant', { id: 'b' }, false],
    ['device with the id of a participant', someone('device', 'a'), 'read', 'Participant', { id: 'a' }, false],
    [
      'device, linked',
      someone('device', 'd'),
      'read',
      'Participant',
      { id: 'a', ...link('DeviceParticipant', 'participantId', [{ deviceId: 'd' }]) },
      true,
    ],
    [
      'device, not linked',
      someone('device', 'd'),
      'read',
      'Participant',
      { id: 'a', ...link('DeviceParticipant', 'participantId', [{ deviceId: 'e' }]) },
      false,
    ],
    [
      'project admin through the site, participants',
      user(on('admin', 'Site', 's1')),
      'update',
      'Participant',
      { id: 'a', projectId: 'p1', 'projectId.siteId': 's1' },
      true,
    ],
    [
      'a participant reads the devices linked to them, by way of reading themselves',
      someone('participant', 'a'),
      'read',
      'Device',
      { id: 'd', ...link('DeviceParticipant', 'deviceId', [{ participantId: 'a' }]) },
      true,
    ],
    [
      'service, linked',
      someone('service', 'x'),
      'read',
      'Project',
      { id: 'p', ...link('ServiceProject', 'projectId', [{ serviceId: 'x' }]) },
      true,
    ],
  ] as const)('%s', (_, who, action, type, record, expected) => {
    expect(allows(teraRules, who, action, type, record, NOW)).toBe(expected);
  });

  test('a limited reader sees, and a limited writer writes, some fields', () => {
    const seen = decide(teraRules, user(on('user', 'Project', 'p1')), 'read', 'Site', { id: 's1' }, NOW);
    expect(visibility(teraRules, seen, 'Site', null)).toEqual({ name: 'shown' });
    const config = decide(teraRules, someone('device', 'd'), 'update', 'Device', { id: 'd' }, NOW);
    expect(writable(teraRules, config, 'Device')).toEqual(['config']);
    const siteAdmin = decide(teraRules, user(on('admin', 'Site', 's1')), 'update', 'User', { id: 'v' }, NOW);
    expect(writable(teraRules, siteAdmin, 'User')).toEqual(['notes']);
    expect(writable(teraRules, decide(teraRules, superadmin, 'update', 'User', { id: 'v' }, NOW), 'User')).toHaveLength(
      3,
    );
  });
});

describe('Onconova: levels, grants that end by themselves, views of the same record', () => {
  const onco = model({
    name: 'onco',
    title: 'Onconova',
    resources: {
      User: resource({ fields: { level: integer() } }),
      Project: resource({
        fields: {
          leaderId: reference('User'),
          memberIds: references('User'),
          status: choice(['planned', 'ongoing', 'completed', 'aborted']),
        },
      }),
      DataGrant: resource({
        fields: {
          projectId: reference('Project'),
          memberId: reference('User'),
          role: choice(['contributor', 'analyst']),
          firstDay: date(),
          lastDay: date(),
          revoked: boolean(),
        },
      }),
      Cohort: resource({ fields: { projectId: reference('Project') } }),
      CohortCase: resource({ fields: { cohortId: reference('Cohort'), caseId: reference('PatientCase') } }),
      PatientCase: resource({
        fields: { pseudonym: text(), birthDate: date(), centre: text() },
        actions: ['export'],
        views: {
          pseudonymised: { pseudonym: 'shown', birthDate: 'shown', centre: 'shown' },
          anonymised: { birthDate: 'shifted', centre: 'shown' },
        },
        defaultView: 'anonymised',
      }),
    },
    principals: { user: 'User' },
    roles: { Project: ['contributor', 'analyst'] },
    grants: [
      {
        in: 'DataGrant',
        holder: 'memberId',
        role: { field: 'role' },
        on: { scope: 'Project', field: 'projectId' },
        from: 'firstDay',
        until: 'lastDay',
        unless: ['revoked'],
      },
    ],
  });
  const ongoing = 'ongoing' as const;
  const oncoRules = policy(onco, [
    rules(onco, 'PatientCase', ({ it, me, allow, forbid, holds, linked }) => [
      allow('members-anonymised', {
        says: 'From level 1, everybody reads cases anonymised.',
        source: 'seed',
        actions: ['read'],
        when: atMost(1, me.user.level),
        view: 'anonymised',
      }),
      allow('grant-pseudonymised', {
        says: 'Who holds a grant for a project reads the cases of its cohorts, while they are members and it is ongoing.',
        source: 'decisions, 1 and 2',
        actions: ['read'],
        when: linked('CohortCase', 'caseId', (row) =>
          all(
            any(holds('Project analyst', row.cohortId.projectId), holds('Project contributor', row.cohortId.projectId)),
            within(me.user, row.cohortId.projectId.memberIds),
            equal(row.cohortId.projectId.status, ongoing),
          ),
        ),
        view: 'pseudonymised',
      }),
      allow('leaders-export', {
        says: 'Leaders export the cases of the projects that they lead.',
        source: 'seed',
        actions: ['export'],
        when: all(
          atMost(2, me.user.level),
          linked('CohortCase', 'caseId', (row) => equal(row.cohortId.projectId.leaderId, me.user)),
        ),
      }),
      forbid('level-0', {
        says: 'Level 0 sees statistics alone.',
        source: 'seed',
        actions: 'every',
        when: less(me.user.level, 1),
      }),
      forbid('birth-dates', {
        says: 'Nobody reads a birth date that is in the future.',
        source: 'sketch',
        actions: ['read'],
        when: less(today, it.birthDate),
        fields: ['birthDate'],
      }),
    ]),
    rules(onco, 'Project', ({ it, me, allow, linked }) => [
      allow('granted', {
        says: 'Who has a grant in force reads the project, through the last day.',
        source: 'decisions, 2',
        actions: ['read'],
        when: linked('DataGrant', 'projectId', (row) =>
          all(
            equal(row.memberId, me.user),
            not(equal(row.revoked, true)),
            atMost(row.firstDay, today),
            atMost(today, row.lastDay),
            // `it` is still the project in here.
            within(me.user, it.memberIds),
          ),
        ),
      }),
    ]),
  ]);
  const member = (level: number, ...grants: Grant[]) => someone('user', 'u', { level }, grants);
  const analyst: Grant = { role: 'analyst', scope: 'Project', id: 'p1' };
  const caseOf = (project: RecordFacts): RecordFacts => ({
    id: 'c',
    birthDate: '1980-01-01',
    ...link('CohortCase', 'caseId', [
      Object.fromEntries([
        ['cohortId.projectId', 'p1'],
        ...Object.entries({ memberIds: ['u'], status: 'ongoing', leaderId: 'u', ...project }).map(([name, value]) => [
          `cohortId.projectId.${name}`,
          value,
        ]),
      ]) as RecordFacts,
    ]),
  });
  const shown = (who: ReturnType<typeof member>, record: RecordFacts, view: string | null) =>
    visibility(oncoRules, decide(oncoRules, who, 'read', 'PatientCase', record, NOW), 'PatientCase', view);

  test('the same case is pseudonymised for who holds a grant, and anonymised for others', () => {
    const pseudonymised = { pseudonym: 'shown', birthDate: 'shown', centre: 'shown' };
    const anonymised = { birthDate: 'shifted', centre: 'shown' };
    expect(shown(member(1, analyst), caseOf({}), null)).toEqual(pseudonymised);
    expect(shown(member(1, analyst), caseOf({}), 'anonymised')).toEqual(anonymised);
    expect(shown(member(1), caseOf({}), null)).toEqual(anonymised);
    expect(shown(member(1), caseOf({}), 'pseudonymised')).toBeNull();
    expect(shown(member(1, analyst), { ...caseOf({}), birthDate: '2090-01-01' }, null)).toEqual({
      pseudonym: 'shown',
      centre: 'shown',
    });
  });

  test.each([
    ['not a member any more', member(1, analyst), { memberIds: ['v'] }],
    ['the project is completed', member(1, analyst), { status: 'completed' }],
    ['no grant', member(1), {}],
  ] as const)('a grant ends when it should: %s', (_, who, project) => {
    expect(shown(who, caseOf(project), 'pseudonymised')).toBeNull();
  });

  test.each([
    [0, {}, false],
    [1, {}, false],
    [2, {}, true],
    [2, { leaderId: 'v' }, false],
  ] as const)('level %s exports: %j %s', (level, project, expected) => {
    expect(allows(oncoRules, member(level), 'export', 'PatientCase', caseOf(project), NOW)).toBe(expected);
  });

  test.each([
    ['2026-03-30', false],
    ['2026-03-31', true],
    ['2026-04-01', true],
  ])('a grant that ends on %s holds on the 31st: %s', (lastDay, expected) => {
    const row = { memberId: 'u', revoked: false, firstDay: '2026-03-01', lastDay, 'projectId.memberIds': ['u'] };
    const record = { id: 'p1', memberIds: ['u'], ...link('DataGrant', 'projectId', [row]) };
    expect(allows(oncoRules, member(1), 'read', 'Project', record, NOW)).toBe(expected);
    const late = { now: '2026-03-31T23:59:59.999Z' };
    expect(allows(oncoRules, member(1), 'read', 'Project', record, late)).toBe(expected);
  });
});

describe('CheckTick: organisations, teams, surveys, tiers, public pages, datasets', () => {
  const tick = model({
    name: 'tick',
    title: 'CheckTick',
    resources: {
      User: resource({ fields: { tier: choice(['FREE', 'PRO', 'ENTERPRISE']), superuser: boolean() } }),
      Org: resource({ fields: { ownerId: reference('User') } }),
      OrgMember: resource({
        fields: { orgId: reference('Org'), userId: reference('User'), role: choice(['ADMIN', 'CREATOR', 'VIEWER']) },
      }),
      Team: resource({ fields: { orgId: parent('Org', { optional: true }) } }),
      TeamMember: resource({
        fields: { teamId: reference('Team'), userId: reference('User'), role: choice(['ADMIN', 'CREATOR', 'VIEWER']) },
      }),
      Survey: resource({
        fields: {
          ownerId: reference('User'),
          orgId: parent('Org', { optional: true }),
          teamId: parent('Team', { optional: true }),
          status: choice(['draft', 'live', 'closed']),
          visibility: choice(['public', 'unlisted', 'authenticated']),
          opensAt: instant({ optional: true }),
          closesAt: instant({ optional: true }),
        },
        actions: ['take', 'manage-members'],
      }),
      SurveyMember: resource({
        fields: { surveyId: reference('Survey'), userId: reference('User'), role: choice(['EDITOR', 'VIEWER']) },
      }),
      Dataset: resource({
        fields: { orgId: reference('Org', { optional: true }), global: boolean(), tags: texts() },
      }),
      Response: resource({ fields: { surveyId: reference('Survey') } }),
    },
    principals: { user: 'User', guest: null },
    roles: { Org: ['ADMIN', 'CREATOR', 'VIEWER'], Team: ['ADMIN', 'CREATOR', 'VIEWER'], Survey: ['EDITOR', 'VIEWER'] },
    implications: { 'Org ADMIN': ['Team ADMIN'], 'Team ADMIN': ['Team CREATOR'], 'Team CREATOR': ['Team VIEWER'] },
    grants: [
      { in: 'Org', holder: 'ownerId', role: 'ADMIN', on: { scope: 'Org', field: 'id' } },
      { in: 'OrgMember', holder: 'userId', role: { field: 'role' }, on: { scope: 'Org', field: 'orgId' } },
      { in: 'TeamMember', holder: 'userId', role: { field: 'role' }, on: { scope: 'Team', field: 'teamId' } },
      { in: 'SurveyMember', holder: 'userId', role: { field: 'role' }, on: { scope: 'Survey', field: 'surveyId' } },
    ],
  });
  const tickRules = policy(tick, [
    rules(tick, 'Survey', ({ it, me, allow, forbid, holds, limit }) => [
      allow('view', {
        says: 'The owner, the organisation, the team and the members of a survey view it.',
        source: 'seed',
        actions: ['read'],
        when: any(
          equal(it.ownerId, me.user),
          holds('Org ADMIN', it.orgId),
          holds('Team VIEWER', it.teamId),
          holds('Survey EDITOR', it),
          holds('Survey VIEWER', it),
        ),
      }),
      allow('take-public', {
        says: 'Everybody takes a public survey while it is live.',
        source: 'seed',
        actions: ['take'],
        when: all(
          equal(it.status, 'live'),
          equal(it.visibility, 'public'),
          during({ from: it.opensAt, until: it.closesAt }),
        ),
      }),
      allow('take-authenticated', {
        says: 'Who is logged in takes one that asks for it.',
        source: 'seed',
        actions: ['take'],
        by: ['user'],
        when: all(equal(it.status, 'live'), equal(it.visibility, 'authenticated')),
      }),
      allow('manage', {
        says: 'Who runs its organisation or team manages the members.',
        source: 'seed',
        actions: ['manage-members'],
        when: any(holds('Org ADMIN', it.orgId), holds('Team ADMIN', it.teamId)),
      }),
      forbid('superuser', {
        says: 'A superuser reads no survey.',
        source: 'decisions, 12',
        actions: ['read', 'list'],
        when: equal(me.user.superuser, true),
      }),
      limit('free', {
        says: 'Three surveys are free.',
        source: 'seed',
        per: 'ownerId',
        max: 3,
        counting: all(equal(it.ownerId.tier, 'FREE'), within(it.status, ['draft', 'live'])),
      }),
    ]),
    rules(tick, 'Dataset', ({ it, allow, holds }) => [
      allow('read', {
        says: 'Global ones everybody, those of an organisation its people.',
        source: 'seed',
        actions: ['read'],
        by: ['user'],
        when: any(equal(it.global, true), holds('Org VIEWER', it.orgId), holds('Org CREATOR', it.orgId)),
      }),
    ]),
    rules(tick, 'Response', ({ it, allow, may }) => [
      allow('create', {
        says: 'Who may take a survey answers it.',
        source: 'seed',
        actions: ['create'],
        when: may('take', it.surveyId),
      }),
    ]),
  ]);
  const user = (...grants: Grant[]) => someone('user', 'u', { superuser: false }, grants);
  const guest = someone('guest', '');
  const live = { id: 's', status: 'live', visibility: 'public', opensAt: null, closesAt: null } as const;

  test.each([
    ['owner', user(), 'read', 'Survey', { ownerId: 'u' }, true],
    ['stranger', user(), 'read', 'Survey', { ownerId: 'v', orgId: null }, false],
    ['org admin', user({ role: 'ADMIN', scope: 'Org', id: 'o' }), 'read', 'Survey', { ownerId: 'v', orgId: 'o' }, true],
    [
      'org admin, through the team of the organisation',
      user({ role: 'ADMIN', scope: 'Org', id: 'o' }),
      'read',
      'Survey',
      { ownerId: 'v', orgId: null, teamId: 't', 'teamId.orgId': 'o' },
      true,
    ],
    ['survey viewer', user({ role: 'VIEWER', scope: 'Survey', id: 's' }), 'read', 'Survey', { id: 's' }, true],
    [
      'viewer manages members',
      user({ role: 'VIEWER', scope: 'Team', id: 't' }),
      'manage-members',
      'Survey',
      { teamId: 't' },
      false,
    ],
    ['superuser', someone('user', 'u', { superuser: true }), 'read', 'Survey', { ownerId: 'u' }, false],
    ['guest takes a public one', guest, 'take', 'Survey', live, true],
    [
      'guest answers it',
      guest,
      'create',
      'Response',
      { surveyId: 's', 'surveyId.status': 'live', 'surveyId.visibility': 'public' },
      true,
    ],
    ['guest, not open yet', guest, 'take', 'Survey', { ...live, opensAt: '2026-03-31T12:00:00.001Z' }, false],
    ['guest, at the opening', guest, 'take', 'Survey', { ...live, opensAt: NOW.now }, true],
    ['guest, at the closing', guest, 'take', 'Survey', { ...live, closesAt: NOW.now }, false],
    ['guest, for who is logged in', guest, 'take', 'Survey', { ...live, visibility: 'authenticated' }, false],
    ['user, for who is logged in', user(), 'take', 'Survey', { ...live, visibility: 'authenticated' }, true],
    ['guest, without an owner', guest, 'read', 'Survey', { ownerId: null }, false],
    ['dataset, global', user(), 'read', 'Dataset', { global: true }, true],
    [
      'dataset of the organisation',
      user({ role: 'VIEWER', scope: 'Org', id: 'o' }),
      'read',
      'Dataset',
      { global: false, orgId: 'o' },
      true,
    ],
    [
      'dataset of another',
      user({ role: 'VIEWER', scope: 'Org', id: 'o' }),
      'read',
      'Dataset',
      { global: false, orgId: 'x' },
      false,
    ],
    ['dataset, global, guest', guest, 'read', 'Dataset', { global: true }, false],
  ] as const)('%s', (_, who, action, type, record, expected) => {
    expect(allows(tickRules, who, action, type, record, NOW)).toBe(expected);
  });

  test('a guest is shipped what guests may do', () => {
    expect(Object.keys(ship(tickRules, guest).verdicts).sort()).toEqual(['Response create', 'Survey take']);
  });
});

describe('Daptin: permission bits as data on types and rows', () => {
  const READ = { guest: 2, owner: 256, group: 32768 };
  const daptin = model({
    name: 'daptin',
    title: 'Daptin',
    resources: {
      UserAccount: resource({ fields: { name: text() } }),
      UserGroup: resource({ fields: { name: text() } }),
      UserInGroup: resource({ fields: { userId: reference('UserAccount'), groupId: reference('UserGroup') } }),
      Note: resource({ fields: { ownerId: reference('UserAccount', { optional: true }), permission: integer() } }),
      NoteInGroup: resource({
        fields: {
          noteId: reference('Note'),
          groupId: reference('UserGroup'),
          permission: integer({ optional: true }),
        },
      }),
    },
    principals: { user: 'UserAccount', guest: null },
    roles: { installation: ['administrator'], UserGroup: ['member'] },
    grants: [{ in: 'UserInGroup', holder: 'userId', role: 'member', on: { scope: 'UserGroup', field: 'groupId' } }],
    typeAttributes: { permission: integer(), groupIds: references('UserGroup') },
  });
  const daptinRules = policy(daptin, [
    rules(daptin, 'Note', ({ it, me, type, allow, holds, linked }) => {
      const typeAllows = any(
        bits(type.permission, READ.guest),
        all(bits(type.permission, READ.group), holds('UserGroup member', type.groupIds)),
      );
      const rowAllows = any(
        all(equal(it.ownerId, me.user), bits(it.permission, READ.owner)),
        linked('NoteInGroup', 'noteId', (row) =>
          all(
            holds('UserGroup member', row.groupId),
            // The join row's own permission where it is set, else the row's.
            any(bits(row.permission, READ.group), all(not(present(row.permission)), bits(it.permission, READ.group))),
          ),
        ),
        bits(it.permission, READ.guest),
      );
      return [
        allow('read', {
          says: 'The bits of the type and of the row allow it.',
          source: 'seed',
          actions: ['read'],
          when: all(typeAllows, rowAllows),
        }),
        allow('administrators', {
          says: 'Administrators may do everything.',
          source: 'facts §5',
          actions: 'every',
          when: holds('administrator'),
        }),
      ];
    }),
  ]);
  const open: Environment = { ...NOW, types: { Note: { permission: READ.guest, groupIds: [] } } };
  const grouped: Environment = { ...NOW, types: { Note: { permission: READ.group, groupIds: ['g'] } } };
  const closed: Environment = { ...NOW, types: { Note: { permission: 0, groupIds: ['g'] } } };
  const user = someone('user', 'u');
  const member = someone('user', 'm', {}, [{ role: 'member', scope: 'UserGroup', id: 'g' }]);
  const admin = someone('user', 'a', {}, [{ role: 'administrator', scope: null, id: null }]);
  const guest = someone('guest', '');
  const joined = (permission: number | null, own: number) => ({
    ownerId: 'x',
    permission: own,
    ...link('NoteInGroup', 'noteId', [{ groupId: 'g', permission, 'noteId.permission': own }]),
  });

  test.each([
    ['owner, owner bit', user, { ownerId: 'u', permission: READ.owner }, open, true],
    ['owner, group bit', user, { ownerId: 'u', permission: READ.group }, open, false],
    ['not the owner', user, { ownerId: 'v', permission: READ.owner }, open, false],
    ['guest bit, guest', guest, { ownerId: 'v', permission: READ.guest }, open, true],
    ['guest bit, user', user, { ownerId: 'v', permission: READ.guest }, open, true],
    ['guest, ownerless', guest, { ownerId: null, permission: READ.owner }, open, false],
    ['type closed', user, { ownerId: 'u', permission: READ.owner | READ.guest }, closed, false],
    ['type unknown', user, { ownerId: 'u', permission: READ.owner }, NOW, false],
    ['type by group', member, { ownerId: 'm', permission: READ.owner }, grouped, true],
    ['type by group, outsider', user, { ownerId: 'u', permission: READ.owner }, grouped, false],
    ['group, the join row’s own permission', member, joined(READ.group, 0), open, true],
    ['group, the join row’s own permission takes away', member, joined(0, READ.group), open, false],
    ['group, no own permission: the row’s', member, joined(null, READ.group), open, true],
    ['group, no own permission: the row’s lacks it', member, joined(null, READ.owner), open, false],
    ['group, outsider', user, joined(READ.group, READ.group), open, false],
    ['administrator', admin, { ownerId: 'v', permission: 0 }, closed, true],
  ] as const)('%s', (_, who, record, environment, expected) => {
    expect(allows(daptinRules, who, 'read', 'Note', record, environment)).toBe(expected);
  });
});

describe('what must not compile', () => {
  const tiny = model({
    name: 'tiny',
    title: 'Tiny',
    resources: {
      Site: resource({ fields: { name: text() } }),
      User: resource({ fields: { siteIds: references('Site'), level: integer(), born: date() } }),
      Survey: resource({
        fields: { siteId: parent('Site'), status: choice(['draft', 'live']), opensAt: instant(), blob: json() },
        actions: ['publish'],
      }),
    },
    principals: { user: 'User', guest: null },
    roles: { Site: ['admin'], installation: ['superadmin'] },
  });
  /** Compiled, and never run. */
  const compiled = (_: () => unknown) => expect(true).toBe(true);

  test('what does not exist', () => {
    compiled(() =>
      rules(tiny, 'Survey', ({ it, me, allow, holds, linked, may, limit }) => [
        // @ts-expect-error a misspelt field
        allow('a', { says: '', source: '', actions: ['read'], when: equal(it.statos, 'live') }),
        // @ts-expect-error a misspelt field of the principal
        allow('b', { says: '', source: '', actions: ['read'], when: within(it.siteId, me.user.siteId) }),
        // @ts-expect-error a field of a guest
        allow('c', { says: '', source: '', actions: ['read'], when: equal(it.siteId, me.guest.id) }),
        // @ts-expect-error a misspelt role
        allow('d', { says: '', source: '', actions: ['read'], when: holds('Site admn', it.siteId) }),
        // @ts-expect-error a role on what is not its scope
        allow('e', { says: '', source: '', actions: ['read'], when: holds('Site admin', it) }),
        // @ts-expect-error a misspelt action
        allow('f', { says: '', source: '', actions: ['publsh'] }),
        // @ts-expect-error an action of another type
        allow('g', { says: '', source: '', actions: ['read'], when: may('publish', it.siteId) }),
        // @ts-expect-error a link from what does not refer to this
        allow('h', { says: '', source: '', actions: ['read'], when: linked('User', 'siteIds') }),
        // @ts-expect-error a misspelt kind of principal
        allow('i', { says: '', source: '', actions: ['read'], by: ['usr'] }),
        // @ts-expect-error a misspelt field of a limited rule
        allow('j', { says: '', source: '', actions: ['read'], fields: ['statos'] }),
        // @ts-expect-error a view that the type does not have
        allow('k', { says: '', source: '', actions: ['read'], view: 'anonymised' }),
        // @ts-expect-error a misspelt field of a limit
        limit('l', { says: '', source: '', per: 'ownr', max: 1, counting: equal(it.status, 'live') }),
      ]),
    );
    // @ts-expect-error a misspelt resource type
    compiled(() => rules(tiny, 'Survy', () => []));
    compiled(() =>
      model({
        name: 'x',
        title: 'X',
        // @ts-expect-error a reference to a type that does not exist
        resources: { A: resource({ fields: { b: reference('B') } }) },
        principals: {},
      }),
    );
    compiled(() =>
      model({
        name: 'x',
        title: 'X',
        resources: { A: resource({ fields: {} }) },
        // @ts-expect-error a kind of principal whose type does not exist
        principals: { a: 'B' },
      }),
    );
  });

  test('a name of records that none of their texts is', () => {
    const fields = { name: text({ unique: true }), level: integer(), words: texts() };
    compiled(() => resource({ fields, identifiedBy: 'name' }));
    // @ts-expect-error a misspelt field
    compiled(() => resource({ fields, identifiedBy: 'nam' }));
    // @ts-expect-error a number
    compiled(() => resource({ fields, identifiedBy: 'level' }));
    // @ts-expect-error several texts
    compiled(() => resource({ fields, identifiedBy: 'words' }));
  });

  test('comparing unlike things', () => {
    compiled(() =>
      rules(tiny, 'Survey', ({ it, me, type }) => {
        // @ts-expect-error an instant and a text
        equal(it.opensAt, it.siteId.name);
        // @ts-expect-error the ids of two types
        equal(it.siteId, me.user);
        // @ts-expect-error a word that the choice does not have
        equal(it.status, 'livee');
        // @ts-expect-error a number and a text
        equal(me.user.level, '2');
        // @ts-expect-error a date and an instant
        atMost(me.user.born, now);
        // @ts-expect-error an instant and a date
        less(it.opensAt, today);
        // @ts-expect-error a text has no order
        less(it.siteId.name, 'm');
        // @ts-expect-error an element of another kind
        within(it.status, me.user.siteIds);
        // @ts-expect-error a set is not one value
        equal(me.user.siteIds, me.user.siteIds);
        // @ts-expect-error json has no values that a rule can see
        equal(it.blob, it.blob);
        // @ts-expect-error one value is not a set
        overlap(it.siteId, me.user.siteIds);
        // @ts-expect-error one value can't be empty
        empty(it.status);
        // @ts-expect-error the bits of a text
        bits(it.status, 1);
        // @ts-expect-error an attribute that types don't have
        bits(type.permission, 1);
        return [];
      }),
    );
  });
});
