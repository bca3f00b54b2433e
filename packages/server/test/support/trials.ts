import {
  all,
  boolean,
  choice,
  date,
  equal,
  instant,
  integer,
  json,
  model,
  not,
  number,
  parent,
  policy,
  present,
  reference,
  resource,
  rules,
  text,
  texts,
} from '@ostiary/policy';
import { type Application, DEMO_PASSWORD, Problem, type Seed } from '@ostiary/server';
import { Type } from '../../src/input/json-schema.js';

/**
 * A small application that has of everything one: roles with implications in both directions, grants to persons and to
 * groups of them, with dates; views, fields that not everyone reads, a limit, a link, a named action, an effect.
 */
export const trialsModel = model({
  name: 'trials',
  title: 'Trials',
  principals: { person: 'Person' },
  resources: {
    Person: resource({
      fields: {
        login: text({ unique: true, minLength: 1, maxLength: 100 }),
        password: text({ secret: true, minLength: 8, maxLength: 256 }),
        isDirector: boolean({ default: false }),
      },
    }),
    Team: resource({ fields: { name: text({ unique: true }) } }),
    Membership: resource({ fields: { teamId: reference('Team'), personId: reference('Person') } }),
    Site: resource({ fields: { name: text({ unique: true }) } }),
    Project: resource({
      fields: {
        name: text(),
        siteId: parent('Site'),
        places: integer({ default: 1000 }),
        budget: integer({ optional: true, says: 'For leads alone.' }),
      },
    }),
    SiteGrant: resource({
      fields: { siteId: reference('Site'), personId: reference('Person'), role: choice(['admin', 'user']) },
    }),
    ProjectGrant: resource({
      fields: {
        projectId: reference('Project'),
        personId: reference('Person'),
        role: choice(['lead', 'member', 'analyst']),
        from: instant({ optional: true }),
        lastDay: date({ optional: true }),
        suspended: boolean({ default: false }),
      },
    }),
    TeamGrant: resource({
      fields: {
        projectId: reference('Project'),
        teamId: reference('Team'),
        role: choice(['lead', 'member', 'analyst']),
      },
    }),
    Sample: resource({
      actions: ['seal'],
      sensitive: true,
      fields: {
        projectId: parent('Project'),
        label: text({ maxLength: 100 }),
        rank: integer({ optional: true }),
        weight: number({ optional: true }),
        takenOn: date({ optional: true }),
        takenAt: instant({ optional: true }),
        colour: choice(['red', 'green', 'blue'], { optional: true }),
        sealed: boolean({ default: false }),
        tags: texts({ default: [] }),
        patient: text({ optional: true, says: 'Who it is from.' }),
        data: json({ optional: true }),
      },
      views: {
        identified: {
          projectId: 'shown',
          label: 'shown',
          rank: 'shown',
          weight: 'shown',
          takenOn: 'shown',
          takenAt: 'shown',
          colour: 'shown',
          sealed: 'shown',
          tags: 'shown',
          patient: 'shown',
          data: 'shown',
        },
        pseudonymised: { projectId: 'shown', label: 'shown', rank: 'shown', takenOn: 'shift', colour: 'shown' },
      },
    }),
    Share: resource({
      says: 'One sample, shown to one person.',
      fields: { sampleId: reference('Sample'), personId: reference('Person'), withdrawn: boolean({ default: false }) },
    }),
    Note: resource({ says: 'What happened to a sample.', fields: { sampleId: reference('Sample'), text: text() } }),
  },
  roles: { Site: ['admin', 'user'], Project: ['lead', 'member', 'analyst'] },
  implications: {
    'Site admin': ['Site user', 'Project lead'],
    'Project lead': ['Project member'],
    'Project member': ['Site user'],
    'Project analyst': ['Site user'],
  },
  grants: [
    { in: 'SiteGrant', holder: 'personId', role: { field: 'role' }, on: { scope: 'Site', field: 'siteId' } },
    {
      in: 'ProjectGrant',
      holder: 'personId',
      role: { field: 'role' },
      on: { scope: 'Project', field: 'projectId' },
      from: 'from',
      until: 'lastDay',
      unless: ['suspended'],
    },
    {
      in: 'TeamGrant',
      holder: 'teamId',
      members: { in: 'Membership', group: 'teamId', member: 'personId' },
      role: { field: 'role' },
      on: { scope: 'Project', field: 'projectId' },
    },
  ],
});

const SOURCE = 'the tests';
const TYPES = [
  'Person',
  'Team',
  'Membership',
  'Site',
  'Project',
  'SiteGrant',
  'ProjectGrant',
  'TeamGrant',
  'Sample',
  'Share',
  'Note',
] as const;

/** A director does everything, with every type. */
const direction = TYPES.map((type) =>
  rules(trialsModel, type, ({ me, allow }) => [
    allow('director', {
      says: 'A director does everything.',
      source: SOURCE,
      actions: 'every',
      when: equal(me.person.isDirector, true),
    }),
  ]),
);

export const trialsPolicy = policy(trialsModel, [
  ...direction,
  rules(trialsModel, 'Site', ({ it, allow, holds }) => [
    allow('user', {
      says: 'A user of a site reads it.',
      source: SOURCE,
      actions: ['read'],
      when: holds('Site user', it.id),
    }),
  ]),
  rules(trialsModel, 'Project', ({ it, allow, holds }) => [
    allow('lead', {
      says: 'A lead reads and updates their projects.',
      source: SOURCE,
      actions: ['read', 'update'],
      when: holds('Project lead', it.id),
    }),
    allow('member', {
      says: 'A member reads their projects, without the budget.',
      source: SOURCE,
      actions: ['read'],
      when: holds('Project member', it.id),
      fields: ['name', 'siteId', 'places'],
    }),
  ]),
  rules(trialsModel, 'Sample', ({ it, me, allow, forbid, holds, linked, limit }) => [
    allow('member', {
      says: 'A member handles the samples of their projects.',
      source: SOURCE,
      actions: ['read', 'create', 'update'],
      when: holds('Project member', it.projectId),
    }),
    allow('lead-deletes', {
      says: 'A lead deletes samples, and seals them.',
      source: SOURCE,
      actions: ['delete', 'seal'],
      when: holds('Project lead', it.projectId),
    }),
    allow('analyst', {
      says: 'An analyst reads samples without their names.',
      source: SOURCE,
      actions: ['read'],
      when: holds('Project analyst', it.projectId),
      view: 'pseudonymised',
    }),
    allow('shared', {
      says: 'Whom a sample was shared with reads it.',
      source: SOURCE,
      actions: ['read'],
      when: linked('Share', 'sampleId', (share) =>
        all(equal(share.personId, me.person), not(equal(share.withdrawn, true))),
      ),
    }),
    forbid('sealed', {
      says: 'What is sealed is not changed any more.',
      source: SOURCE,
      actions: ['update', 'delete'],
      when: all(equal(it.sealed, true), present(it.projectId)),
    }),
    limit('places', {
      says: 'A project has no more samples than places.',
      source: SOURCE,
      per: 'projectId',
      max: it.projectId.places,
      counting: not(equal(it.sealed, true)),
    }),
  ]),
]);

async function load(seed: Seed): Promise<void> {
  const people: Record<string, string> = {};
  for (const login of ['director', 'siteadmin', 'lead', 'member', 'analyst', 'teammate', 'guest', 'nobody']) {
    people[login] = await seed.create('Person', { login, isDirector: login === 'director', password: DEMO_PASSWORD });
  }
  const person = (login: string) => people[login] ?? '';
  const north = await seed.create('Site', { name: 'North' });
  const south = await seed.create('Site', { name: 'South' });
  const alpha = await seed.create('Project', { name: 'Alpha', siteId: north, budget: 100 });
  const beta = await seed.create('Project', { name: 'Beta', siteId: south, budget: 200 });
  await seed.create('SiteGrant', { siteId: north, personId: person('siteadmin'), role: 'admin' });
  for (const role of ['lead', 'member', 'analyst']) {
    await seed.create('ProjectGrant', { projectId: alpha, personId: person(role), role });
  }
  const team = await seed.create('Team', { name: 'Crew' });
  await seed.create('Membership', { teamId: team, personId: person('teammate') });
  await seed.create('TeamGrant', { teamId: team, projectId: beta, role: 'member' });
  for (const [index, projectId] of [alpha, beta].entries()) {
    for (let number = 1; number <= 5; number += 1) {
      await seed.create('Sample', {
        projectId,
        label: `${index === 0 ? 'a' : 'b'}${number}`,
        patient: `Patient ${number}`,
      });
    }
  }
}

/** The application on that model. Its tokens are signed with a key of the installation's own. */
export const trials: Application = {
  policy: trialsPolicy,
  personas: {},
  logins: { person: { login: 'login', password: 'password', path: '/auth/login' } },
  tokens: { algorithm: 'ES256', lifetimeSeconds: 3600 },
  administrator: { kind: 'person', values: { isDirector: true } },
  actions: [
    {
      type: 'Sample',
      action: 'seal',
      says: 'Seal a sample',
      input: Type.Object({}, { additionalProperties: false }),
      run: async ({ handle, change, system }) => {
        if (handle.record.values.sealed === true) throw new Problem('conflict', { detail: 'It is sealed already.' });
        await change({ sealed: true });
        await system.create('Note', { sampleId: handle.record.id, text: 'sealed' });
        return { sealed: true };
      },
    },
  ],
  commands: [
    {
      name: 'register',
      path: '/register/:colour',
      says: 'Register a sample of a colour, and have it sealed where it is red',
      decision: { action: 'create', type: 'Sample' },
      params: Type.Object({ colour: Type.Enum(['red', 'blue']) }),
      input: Type.Object(
        { projectId: Type.String({ maxLength: 100 }), label: Type.Unknown() },
        { additionalProperties: false },
      ),
      run: async ({ params, input, find, authorize, inTransaction }) => {
        const project = (await find('Project', { name: 'Alpha' }))[0];
        await authorize('read', 'Project', project?.id ?? null);
        return inTransaction(async ({ create, system }) => {
          const made = await create('Sample', { ...input, colour: params.colour });
          if (params.colour === 'red') await system.update('Sample', made.id, { sealed: true });
          return { body: made };
        });
      },
    },
  ],
  effects: {
    Sample: {
      created: async ({ record, system }) => {
        await system.create('Note', { sampleId: record.id, text: 'taken' });
      },
    },
  },
  demo: { accounts: [], load },
};
